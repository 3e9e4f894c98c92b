//! Generates the client from `proto/`, without protoc.

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=../../proto");
    let api = protox::compile(
        [
            "conveyor/v1/resource_service.proto",
            "conveyor/v1/pipeline_service.proto",
            "conveyor/v1/run_service.proto",
            "conveyor/v1/driver_service.proto",
            "conveyor/v1/log_service.proto",
            "conveyor/v1/server_service.proto",
        ],
        ["../../proto"],
    )?;
    tonic_prost_build::configure()
        .build_server(false)
        .compile_fds(api)?;
    Ok(())
}
