//! Generates the wire types and service traits from `proto/`, without protoc.

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=proto");
    let api = protox::compile(
        [
            "conveyor/v1/resource_service.proto",
            "conveyor/v1/pipeline_service.proto",
            "conveyor/v1/run_service.proto",
            "conveyor/v1/driver_service.proto",
            "conveyor/v1/log_service.proto",
        ],
        ["proto"],
    )?;
    let store = protox::compile(["conveyor/store/v1/records.proto"], ["proto"])?;
    tonic_prost_build::configure()
        .build_client(false)
        .build_server(false)
        .compile_fds(store)?;
    tonic_prost_build::configure()
        .build_client(false)
        .compile_fds(api)?;
    Ok(())
}
