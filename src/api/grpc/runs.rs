//! RunService.

use futures_util::StreamExt;
use tonic::{Request, Response, Status};

use super::{Answers, Api, page, page_of, some_name};
use crate::api::convert::run_state;
use crate::engine::runs::RunQuery;
use crate::error::Error;
use crate::model::name::{Name, RunId};
use crate::model::run::Cause;
use crate::proto::run_service_server::RunService;
use crate::proto::{
    CancelRunRequest, GetRunRequest, ListRunsRequest, ListRunsResponse, Run, StartRunRequest,
    WatchRunRequest,
};

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl RunService for Api {
    async fn start_run(&self, request: Request<StartRunRequest>) -> Answer<Run> {
        let request = request.into_inner();
        let kind = Name::parse(&request.resource, "resource")?;
        let name = Name::parse(&request.name, "name")?;
        let cause = match request.event.as_str() {
            "" | "update" => Cause::Update,
            "create" => Cause::Create,
            _ => return Err(Error::invalid("event", "it is update or create").into()),
        };
        let run = self
            .to_the_end(|engine| async move {
                engine
                    .start_run(&kind, &name, cause, &request.request_id)
                    .await
            })
            .await?;
        Ok(Response::new(self.json.wire(run)))
    }

    async fn get_run(&self, request: Request<GetRunRequest>) -> Answer<Run> {
        let id = RunId::parse(&request.into_inner().id, "id")?;
        let run = self.engine.whole_run(id).await?;
        Ok(Response::new(self.json.wire(run)))
    }

    async fn list_runs(&self, request: Request<ListRunsRequest>) -> Answer<ListRunsResponse> {
        let request = request.into_inner();
        let query = RunQuery {
            kind: some_name(&request.resource, "resource")?,
            name: some_name(&request.name, "name")?,
            states: request
                .states
                .iter()
                .map(|state| run_state(*state))
                .collect::<Result<_, _>>()?,
        };
        let listed = self
            .engine
            .runs(query, page(request.page_size, request.page_token))
            .await?;
        let (runs, next_page_token) = page_of(listed, |it| self.json.wire::<Run>(it));
        Ok(Response::new(ListRunsResponse {
            runs,
            next_page_token,
        }))
    }

    async fn cancel_run(&self, request: Request<CancelRunRequest>) -> Answer<Run> {
        let request = request.into_inner();
        let id = RunId::parse(&request.id, "id")?;
        let run = self.engine.cancel_run(id, &request.reason).await?;
        Ok(Response::new(self.json.wire(run)))
    }

    type WatchRunStream = Answers<Run>;

    async fn watch_run(&self, request: Request<WatchRunRequest>) -> Answer<Self::WatchRunStream> {
        let request = request.into_inner();
        let id = RunId::parse(&request.id, "id")?;
        let follow = request.follow.unwrap_or(true);
        let runs = self.engine.watch_run(id, follow).await?;
        let json = self.json;
        let answers = runs.map(move |run| Ok(json.wire(run?)));
        Ok(Response::new(answers.boxed()))
    }
}
