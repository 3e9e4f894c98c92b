//! Resources as their users write them, and the calls for them that users need most.

use std::collections::HashMap;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::client::Client;
use crate::error::Error;
use crate::proto;
use crate::retry::retried;

/// A named object of one definition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resource {
    /// The name of its definition, which is its type.
    pub definition: String,
    /// Unique among the resources of the definition.
    pub name: String,
    /// The pipeline that carries out its events. Empty: every driver that listens.
    pub pipeline: String,
    /// Key-value pairs. The server adds some of its own.
    pub metadata: HashMap<String, String>,
    /// What the drivers are to do, as the JSON text that its user wrote.
    pub spec_json: String,
    /// The server's: a UUID. Empty in what was not sent yet.
    pub id: String,
    /// The server's: counts the writes, from 1.
    pub revision: i64,
}

/// What a write has changed.
#[derive(Clone, Debug)]
pub struct Change {
    /// The resource as it stands; as it was last, if it is deleted.
    pub resource: Resource,
    /// The run that carries the change out. None: nothing differed.
    pub run_id: Option<String>,
}

impl Resource {
    /// A resource with the JSON form of `spec`.
    ///
    /// # Errors
    /// [`Error::Json`] when `spec` has no JSON form.
    pub fn new(
        definition: impl Into<String>,
        name: impl Into<String>,
        spec: impl Serialize,
    ) -> Result<Self, Error> {
        Ok(Self {
            definition: definition.into(),
            name: name.into(),
            spec_json: serde_json::to_string(&spec)?,
            ..Self::default()
        })
    }

    /// The same, carried out by `pipeline`.
    #[must_use]
    pub fn pipeline(mut self, pipeline: impl Into<String>) -> Self {
        self.pipeline = pipeline.into();
        self
    }

    /// Reads the spec.
    ///
    /// # Errors
    /// [`Error::Json`] when the spec does not have the shape of `T`.
    pub fn spec<T: DeserializeOwned>(&self) -> Result<T, Error> {
        Ok(serde_json::from_str(&self.spec_json)?)
    }

    fn into_wire(self) -> proto::Resource {
        proto::Resource {
            name: self.name,
            resource: self.definition,
            pipeline: self.pipeline,
            metadata: self.metadata,
            spec_json: self.spec_json,
            ..proto::Resource::default()
        }
    }
}

impl From<proto::Resource> for Resource {
    fn from(wire: proto::Resource) -> Self {
        Self {
            definition: wire.resource,
            name: wire.name,
            pipeline: wire.pipeline,
            metadata: wire.metadata,
            spec_json: wire.spec_json,
            id: wire.id,
            revision: wire.revision,
        }
    }
}

impl From<proto::ResourceChange> for Change {
    fn from(wire: proto::ResourceChange) -> Self {
        Self {
            resource: wire.resource.unwrap_or_default().into(),
            run_id: Some(wire.run_id).filter(|id| !id.is_empty()),
        }
    }
}

impl Client {
    /// Creates a definition, or replaces the schema of the one of that name.
    ///
    /// # Errors
    /// [`Error::Json`] when `schema` has no JSON form, [`Error::Answer`] for what the server refuses.
    pub async fn define(&self, name: &str, schema: impl Serialize) -> Result<(), Error> {
        let definition = proto::ResourceDefinition {
            name: name.to_owned(),
            schema_json: serde_json::to_string(&schema)?,
            ..proto::ResourceDefinition::default()
        };
        let request = proto::ApplyResourceDefinitionRequest {
            resource_definition: Some(definition),
        };
        retried(async || {
            let mut client = self.resources();
            client.apply_resource_definition(request.clone()).await
        })
        .await?;
        Ok(())
    }

    /// Creates a resource.
    ///
    /// # Errors
    /// [`Error::Answer`] for what the server refuses: ALREADY_EXISTS where there is one of that name.
    pub async fn create(&self, resource: Resource) -> Result<Change, Error> {
        let request = proto::CreateResourceRequest {
            resource: Some(resource.into_wire()),
            ..proto::CreateResourceRequest::default()
        };
        let change = retried(async || self.resources().create_resource(request.clone()).await);
        Ok(change.await?.into_inner().into())
    }

    /// Creates a resource, or replaces the one of that type and name.
    ///
    /// # Errors
    /// [`Error::Answer`] for what the server refuses.
    pub async fn apply(&self, resource: Resource) -> Result<Change, Error> {
        let request = proto::ApplyResourceRequest {
            resource: Some(resource.into_wire()),
        };
        let change = retried(async || self.resources().apply_resource(request.clone()).await);
        Ok(change.await?.into_inner().into())
    }

    /// Reads a resource.
    ///
    /// # Errors
    /// [`Error::Answer`] for what the server refuses: NOT_FOUND where there is none.
    pub async fn get(&self, definition: &str, name: &str) -> Result<Resource, Error> {
        let request = proto::GetResourceRequest {
            resource: definition.to_owned(),
            name: name.to_owned(),
            ..proto::GetResourceRequest::default()
        };
        Ok(self
            .resources()
            .get_resource(request)
            .await?
            .into_inner()
            .into())
    }

    /// Deletes a resource.
    ///
    /// # Errors
    /// [`Error::Answer`] for what the server refuses: NOT_FOUND where there is none.
    pub async fn delete(&self, definition: &str, name: &str) -> Result<Change, Error> {
        let request = proto::DeleteResourceRequest {
            resource: definition.to_owned(),
            name: name.to_owned(),
            ..proto::DeleteResourceRequest::default()
        };
        Ok(self
            .resources()
            .delete_resource(request)
            .await?
            .into_inner()
            .into())
    }
}
