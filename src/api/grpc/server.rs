//! ServerService.

use tonic::{Request, Response, Status};

use super::Api;
use crate::proto::server_service_server::ServerService;
use crate::proto::{GetServerRequest, GetServerResponse};

#[tonic::async_trait]
impl ServerService for Api {
    async fn get_server(
        &self,
        _: Request<GetServerRequest>,
    ) -> Result<Response<GetServerResponse>, Status> {
        Ok(Response::new(GetServerResponse {
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }))
    }
}
