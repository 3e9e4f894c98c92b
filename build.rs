//! Generates, from `proto/` and without protoc: the wire types and service traits, their JSON form,
//! the REST routes of the google.api.http annotations, and the OpenAPI document.

#[path = "build/json.rs"]
mod json;
#[path = "build/openapi/mod.rs"]
mod openapi;
#[path = "build/rest/mod.rs"]
mod rest;

use std::error::Error;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::{env, fs};

const API: [&str; 7] = [
    "conveyor/v1/resource_service.proto",
    "conveyor/v1/pipeline_service.proto",
    "conveyor/v1/run_service.proto",
    "conveyor/v1/driver_service.proto",
    "conveyor/v1/log_service.proto",
    "conveyor/v1/server_service.proto",
    "google/rpc/error_details.proto", // so that clients can read what errors carry
];
const STORE: &str = "conveyor/store/v1/records.proto";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=proto");
    println!("cargo:rerun-if-changed=build");
    let out = PathBuf::from(env::var("OUT_DIR")?);
    api(&out)?;
    store()
}

/// What goes over the wire. The descriptor bytes are protox's own: prost drops the annotations when it
/// encodes descriptors again.
fn api(out: &Path) -> Result<(), Box<dyn Error>> {
    let mut compiler = protox::Compiler::new(["proto"])?;
    compiler.include_imports(true).include_source_info(true);
    compiler.open_files(API)?;
    let pool = compiler.descriptor_pool();
    let bindings = rest::bindings(&pool);
    fs::write(out.join("api.bin"), compiler.encode_file_descriptor_set())?;
    fs::write(out.join("routes.rs"), rest::routes(&bindings))?;
    fs::write(out.join("json.rs"), json::messages(&bindings))?;
    let document = openapi::document(&bindings)?;
    fs::write(out.join("openapi.etag"), etag(&document))?;
    fs::write(out.join("openapi.json"), document)?;
    tonic_prost_build::configure()
        .build_client(false)
        .btree_map(".") // so that maps are shown in one order
        .extern_path(
            ".conveyor.v1.TailLogsResponse",
            "crate::proto::TailLogsResponse",
        )
        .compile_fds(compiler.file_descriptor_set())?;
    Ok(())
}

/// Changes when the text does.
fn etag(text: &str) -> String {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    format!("\"{:016x}\"", hasher.finish())
}

/// What is on disk.
fn store() -> Result<(), Box<dyn Error>> {
    let records = protox::compile([STORE], ["proto"])?;
    prost_build::Config::new()
        .btree_map(["."])
        .bytes([".conveyor.store.v1.LogChunk.lines"]) // slices of what was read
        .compile_fds(records)?;
    Ok(())
}
