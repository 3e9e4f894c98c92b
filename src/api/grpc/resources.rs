//! ResourceService.

use futures_util::StreamExt;
use tonic::{Request, Response, Status};

use super::{Answers, Api, page, page_of, some_name};
use crate::api::convert::{definition_input, resource_input};
use crate::aside::aside;
use crate::engine::watch::Seen;
use crate::error::Error;
use crate::model::name::Name;
use crate::model::resource::DefinitionInput;
use crate::proto::resource_service_server::ResourceService;
use crate::proto::watch_resources_response::Seen as WireSeen;
use crate::proto::{
    ApplyResourceDefinitionRequest, ApplyResourceRequest, Bookmark,
    CreateResourceDefinitionRequest, CreateResourceRequest, DeleteResourceDefinitionRequest,
    DeleteResourceRequest, GetResourceDefinitionRequest, GetResourceRequest,
    ListResourceDefinitionsRequest, ListResourceDefinitionsResponse, ListResourceRevisionsRequest,
    ListResourceRevisionsResponse, ListResourcesRequest, ListResourcesResponse, Resource,
    ResourceChange, ResourceDefinition, UpdateResourceDefinitionRequest, UpdateResourceRequest,
    WatchResourcesRequest, WatchResourcesResponse,
};
use crate::store::Position;

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl ResourceService for Api {
    async fn create_resource_definition(
        &self,
        request: Request<CreateResourceDefinitionRequest>,
    ) -> Answer<ResourceDefinition> {
        let request = request.into_inner();
        let input = defined(request.resource_definition).await?;
        let definition = self
            .to_the_end(|engine| async move {
                engine.create_definition(input, &request.request_id).await
            })
            .await?;
        Ok(Response::new(self.json.wire(definition)))
    }

    async fn get_resource_definition(
        &self,
        request: Request<GetResourceDefinitionRequest>,
    ) -> Answer<ResourceDefinition> {
        let name = Name::parse(&request.into_inner().name, "name")?;
        let definition = self.engine.definition(&name).await?;
        Ok(Response::new(self.json.wire(definition)))
    }

    async fn list_resource_definitions(
        &self,
        request: Request<ListResourceDefinitionsRequest>,
    ) -> Answer<ListResourceDefinitionsResponse> {
        let request = request.into_inner();
        let listed = self
            .engine
            .definitions(page(request.page_size, request.page_token))
            .await?;
        let (resource_definitions, next_page_token) =
            page_of(listed, |it| self.json.wire::<ResourceDefinition>(it));
        Ok(Response::new(ListResourceDefinitionsResponse {
            resource_definitions,
            next_page_token,
        }))
    }

    async fn update_resource_definition(
        &self,
        request: Request<UpdateResourceDefinitionRequest>,
    ) -> Answer<ResourceDefinition> {
        let request = request.into_inner();
        let input = defined(request.resource_definition).await?;
        let definition = self
            .to_the_end(|engine| async move {
                engine
                    .update_definition(input, request.expected_revision)
                    .await
            })
            .await?;
        Ok(Response::new(self.json.wire(definition)))
    }

    async fn apply_resource_definition(
        &self,
        request: Request<ApplyResourceDefinitionRequest>,
    ) -> Answer<ResourceDefinition> {
        let input = defined(request.into_inner().resource_definition).await?;
        let definition = self
            .to_the_end(|engine| async move { engine.apply_definition(input).await })
            .await?;
        Ok(Response::new(self.json.wire(definition)))
    }

    async fn delete_resource_definition(
        &self,
        request: Request<DeleteResourceDefinitionRequest>,
    ) -> Answer<()> {
        let request = request.into_inner();
        let name = Name::parse(&request.name, "name")?;
        self.to_the_end(|engine| async move {
            engine
                .delete_definition(&name, request.expected_revision)
                .await
        })
        .await?;
        Ok(Response::new(()))
    }

    async fn create_resource(
        &self,
        request: Request<CreateResourceRequest>,
    ) -> Answer<ResourceChange> {
        let request = request.into_inner();
        let input = resource_input(request.resource)?;
        let written = self
            .to_the_end(
                |engine| async move { engine.create_resource(input, &request.request_id).await },
            )
            .await?;
        Ok(Response::new(self.json.wire(written)))
    }

    async fn get_resource(&self, request: Request<GetResourceRequest>) -> Answer<Resource> {
        let request = request.into_inner();
        let kind = Name::parse(&request.resource, "resource")?;
        let name = Name::parse(&request.name, "name")?;
        let shown = match request.revision {
            0 => self.engine.resource(&kind, &name).await?,
            1.. => {
                self.engine
                    .resource_revision(&kind, &name, request.revision)
                    .await?
            }
            _ => return Err(Error::invalid("revision", "a revision is 1 or more").into()),
        };
        Ok(Response::new(self.json.wire(shown)))
    }

    async fn list_resources(
        &self,
        request: Request<ListResourcesRequest>,
    ) -> Answer<ListResourcesResponse> {
        let request = request.into_inner();
        let kind = some_name(&request.resource, "resource")?;
        let listed = self
            .engine
            .resources(kind, page(request.page_size, request.page_token))
            .await?;
        let (resources, next_page_token) = page_of(listed, |it| self.json.wire::<Resource>(it));
        Ok(Response::new(ListResourcesResponse {
            resources,
            next_page_token,
        }))
    }

    async fn update_resource(
        &self,
        request: Request<UpdateResourceRequest>,
    ) -> Answer<ResourceChange> {
        let request = request.into_inner();
        let input = resource_input(request.resource)?;
        let expected = request.expected_revision;
        let written = self
            .to_the_end(|engine| async move { engine.update_resource(input, expected).await })
            .await?;
        Ok(Response::new(self.json.wire(written)))
    }

    async fn apply_resource(
        &self,
        request: Request<ApplyResourceRequest>,
    ) -> Answer<ResourceChange> {
        let input = resource_input(request.into_inner().resource)?;
        let written = self
            .to_the_end(|engine| async move { engine.apply_resource(input).await })
            .await?;
        Ok(Response::new(self.json.wire(written)))
    }

    async fn delete_resource(
        &self,
        request: Request<DeleteResourceRequest>,
    ) -> Answer<ResourceChange> {
        let request = request.into_inner();
        let kind = Name::parse(&request.resource, "resource")?;
        let name = Name::parse(&request.name, "name")?;
        let expected = request.expected_revision;
        let written = self
            .to_the_end(
                |engine| async move { engine.delete_resource(&kind, &name, expected).await },
            )
            .await?;
        Ok(Response::new(self.json.wire(written)))
    }

    async fn list_resource_revisions(
        &self,
        request: Request<ListResourceRevisionsRequest>,
    ) -> Answer<ListResourceRevisionsResponse> {
        let request = request.into_inner();
        let kind = Name::parse(&request.resource, "resource")?;
        let name = Name::parse(&request.name, "name")?;
        let listed = self
            .engine
            .revisions(&kind, &name, page(request.page_size, request.page_token))
            .await?;
        let (revisions, next_page_token) = page_of(listed, |it| self.json.wire::<Resource>(it));
        Ok(Response::new(ListResourceRevisionsResponse {
            revisions,
            next_page_token,
        }))
    }

    type WatchResourcesStream = Answers<WatchResourcesResponse>;

    async fn watch_resources(
        &self,
        request: Request<WatchResourcesRequest>,
    ) -> Answer<Self::WatchResourcesStream> {
        let request = request.into_inner();
        let kind = some_name(&request.resource, "resource")?;
        let seen = self
            .engine
            .watch_resources(
                kind,
                request.after_position.map(Position),
                request.follow.unwrap_or(true),
            )
            .await?;
        let json = self.json;
        let answers = seen.map(move |seen| {
            let (position, seen) = seen?;
            let seen = match seen {
                Seen::Resource(resource) => WireSeen::Resource(json.wire(resource)),
                Seen::Deleted(resource) => WireSeen::Deleted(json.wire(resource)),
                Seen::Bookmark => WireSeen::Bookmark(Bookmark {}),
            };
            Ok(WatchResourcesResponse {
                position: position.0,
                seen: Some(seen),
            })
        });
        Ok(Response::new(answers.boxed()))
    }
}

/// Reads a definition where it holds up nobody: a schema may take long to compile.
async fn defined(it: Option<ResourceDefinition>) -> Result<DefinitionInput, Status> {
    let input = aside(move || definition_input(it)).await;
    Ok(input.map_err(|_| Error::Stopping)??)
}
