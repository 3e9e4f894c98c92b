//! Requests that carry an id: the same id gives the same answer again for a day.
//!
//! Invariant: what a request made and that it was made are one batch.

use std::time::Duration;

use sha2::{Digest, Sha256};

use super::{Engine, Inner};
use crate::error::{Error, Result};
use crate::model::name::{Name, Noun, ObjectId, RunId};
use crate::store::{Batch, Request};

/// How often old request ids are looked for.
const FORGET_PERIOD: Duration = Duration::from_secs(60);
/// How long a request id is kept.
const REQUEST_AGE: Duration = Duration::from_secs(24 * 60 * 60);
/// Most request ids that one batch forgets.
const FORGET_MOST: usize = 1000;

impl Engine {
    pub(super) async fn request_lock(&self, id: &str) -> Option<tokio::sync::MutexGuard<'_, ()>> {
        if id.is_empty() {
            None
        } else {
            Some(Inner::lock_of(&self.0.requests, &id).lock().await)
        }
    }

    /// What a request with this id made before, if there was one.
    pub(super) async fn answered(&self, id: &str, digest: &[u8]) -> Result<Option<Request>> {
        if id.is_empty() {
            return Ok(None);
        }
        if id.len() > 128 {
            return Err(Error::invalid("request_id", "at most 128 bytes"));
        }
        match self.0.store.request(id).await? {
            Some(known) if known.digest == digest => Ok(Some(known)),
            Some(_) => Err(Error::RequestReused(crate::error::cut(id, 40))),
            None => Ok(None),
        }
    }

    /// Remembers what a request with an id makes, in the batch that makes it.
    pub(super) fn remember(
        &self,
        batch: &mut Batch,
        id: &str,
        digest: Vec<u8>,
        object: ObjectId,
        run: Option<RunId>,
    ) {
        if !id.is_empty() {
            batch.put_request(
                id,
                &Request {
                    digest,
                    time: self.0.world.now(),
                    object,
                    run,
                },
            );
        }
    }

    /// Forgets request ids that are older than a day.
    pub(super) async fn forget_requests(self) {
        let mut ticks = tokio::time::interval(FORGET_PERIOD);
        loop {
            tokio::select! {
                biased;
                () = self.0.stop.cancelled() => return,
                _ = ticks.tick() => {}
            }
            if let Err(error) = self.forget_old_requests().await {
                tracing::warn!(%error, "cannot forget old request ids");
            }
        }
    }

    async fn forget_old_requests(&self) -> crate::store::Result<()> {
        let old = self.0.world.now() - REQUEST_AGE;
        let requests = self.0.store.requests_before(old, FORGET_MOST).await?;
        if requests.is_empty() {
            return Ok(());
        }
        let mut batch = Batch::new();
        for (id, time) in requests {
            batch.delete_request(&id, time);
        }
        self.0.store.committer().commit(batch).await.map(drop)
    }
}

/// Tells one request from another: SHA-256 over its parts.
pub(super) fn digest(parts: &[&str]) -> Vec<u8> {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().to_vec()
}

pub(super) fn same_object(stands: ObjectId, made: ObjectId, noun: Noun, name: &Name) -> Result<()> {
    if stands == made {
        Ok(())
    } else {
        Err(Error::NotFound(noun, name.to_string()))
    }
}
