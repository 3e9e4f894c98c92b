//! PipelineService.

use tonic::{Request, Response, Status};

use super::{Api, page, page_of};
use crate::api::convert::pipeline_input;
use crate::model::name::Name;
use crate::proto::pipeline_service_server::PipelineService;
use crate::proto::{
    ApplyPipelineRequest, CreatePipelineRequest, DeletePipelineRequest, GetPipelineRequest,
    ListPipelinesRequest, ListPipelinesResponse, Pipeline, UpdatePipelineRequest,
};

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl PipelineService for Api {
    async fn create_pipeline(&self, request: Request<CreatePipelineRequest>) -> Answer<Pipeline> {
        let request = request.into_inner();
        let input = pipeline_input(request.pipeline)?;
        let pipeline = self
            .to_the_end(
                |engine| async move { engine.create_pipeline(input, &request.request_id).await },
            )
            .await?;
        Ok(Response::new(self.json.wire(pipeline)))
    }

    async fn get_pipeline(&self, request: Request<GetPipelineRequest>) -> Answer<Pipeline> {
        let name = Name::parse(&request.into_inner().name, "name")?;
        let pipeline = self.engine.pipeline(&name).await?;
        Ok(Response::new(self.json.wire(pipeline)))
    }

    async fn list_pipelines(
        &self,
        request: Request<ListPipelinesRequest>,
    ) -> Answer<ListPipelinesResponse> {
        let request = request.into_inner();
        let listed = self
            .engine
            .pipelines(page(request.page_size, request.page_token))
            .await?;
        let (pipelines, next_page_token) = page_of(listed, |it| self.json.wire::<Pipeline>(it));
        Ok(Response::new(ListPipelinesResponse {
            pipelines,
            next_page_token,
        }))
    }

    async fn update_pipeline(&self, request: Request<UpdatePipelineRequest>) -> Answer<Pipeline> {
        let request = request.into_inner();
        let input = pipeline_input(request.pipeline)?;
        let pipeline = self
            .to_the_end(|engine| async move {
                engine
                    .update_pipeline(input, request.expected_revision)
                    .await
            })
            .await?;
        Ok(Response::new(self.json.wire(pipeline)))
    }

    async fn apply_pipeline(&self, request: Request<ApplyPipelineRequest>) -> Answer<Pipeline> {
        let input = pipeline_input(request.into_inner().pipeline)?;
        let pipeline = self
            .to_the_end(|engine| async move { engine.apply_pipeline(input).await })
            .await?;
        Ok(Response::new(self.json.wire(pipeline)))
    }

    async fn delete_pipeline(&self, request: Request<DeletePipelineRequest>) -> Answer<()> {
        let request = request.into_inner();
        let name = Name::parse(&request.name, "name")?;
        self.to_the_end(|engine| async move {
            engine
                .delete_pipeline(&name, request.expected_revision)
                .await
        })
        .await?;
        Ok(Response::new(()))
    }
}
