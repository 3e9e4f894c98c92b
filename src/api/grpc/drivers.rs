//! DriverService: the stream of each driver instance, and what is known of drivers.
//!
//! The response stream begins at once; a task reads what the driver sends. Whichever ends first ends the other.

use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream::unfold;
use tokio::sync::oneshot;
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::{Request, Response, Status, Streaming};

use super::{Answers, Api, page, page_of};
use crate::api::caught::caught;
use crate::api::convert::time;
use crate::api::stream::{Inbound, hello, message, reconcile, report, welcome};
use crate::engine::drivers::DriverView;
use crate::engine::outbox::{Notice, Outgoing};
use crate::engine::{Engine, Session};
use crate::error::{Error, Result};
use crate::model::name::Name;
use crate::proto::driver_service_server::DriverService;
use crate::proto::driver_stream_request::Kind;
use crate::proto::{
    BroadcastMessageRequest, BroadcastMessageResponse, DeleteDriverRequest, Driver, DriverInstance,
    DriverStreamRequest, DriverStreamResponse, GetDriverRequest, ListDriversRequest,
    ListDriversResponse,
};

type Answer<T> = std::result::Result<Response<T>, Status>;

#[tonic::async_trait]
impl DriverService for Api {
    type DriverStreamStream = Answers<DriverStreamResponse>;

    async fn driver_stream(
        &self,
        request: Request<Streaming<DriverStreamRequest>>,
    ) -> Answer<Self::DriverStreamStream> {
        let (began, session) = oneshot::channel();
        let gone = CancellationToken::new();
        let reader = Reader {
            api: self.clone(),
            inbound: request.into_inner(),
            gone: gone.clone(),
            unknown: 0,
        };
        self.tracker.spawn(reader.run(began));
        let outbound = Outbound {
            engine: self.engine.clone(),
            session: None,
            _gone: gone.drop_guard(),
        };
        let answers = unfold(Some((outbound, Some(session))), |state| async move {
            let (mut outbound, began) = state?;
            match outbound.next(began).await {
                Ok(Some(answer)) => Some((Ok(answer), Some((outbound, None)))),
                Ok(None) => None,
                Err(error) => Some((Err(Status::from(error)), None)),
            }
        });
        Ok(Response::new(answers.boxed()))
    }

    async fn get_driver(&self, request: Request<GetDriverRequest>) -> Answer<Driver> {
        let name = Name::parse(&request.into_inner().name, "name")?;
        Ok(Response::new(self.engine.driver(&name)?.into()))
    }

    async fn list_drivers(
        &self,
        request: Request<ListDriversRequest>,
    ) -> Answer<ListDriversResponse> {
        let request = request.into_inner();
        let listed = self
            .engine
            .drivers(&page(request.page_size, request.page_token))?;
        let (drivers, next_page_token) = page_of(listed, Driver::from);
        Ok(Response::new(ListDriversResponse {
            drivers,
            next_page_token,
        }))
    }

    async fn delete_driver(&self, request: Request<DeleteDriverRequest>) -> Answer<()> {
        let name = Name::parse(&request.into_inner().name, "name")?;
        self.engine.delete_driver(&name).await?;
        Ok(Response::new(()))
    }

    async fn broadcast_message(
        &self,
        request: Request<BroadcastMessageRequest>,
    ) -> Answer<BroadcastMessageResponse> {
        let request = request.into_inner();
        let notice = Notice {
            event: request.event,
            payload: request.payload,
            id: request.id,
            run: request.run_id,
        };
        let delivered = self.engine.broadcast(&notice)?;
        Ok(Response::new(BroadcastMessageResponse {
            delivered: i32::try_from(delivered).unwrap_or(i32::MAX),
        }))
    }
}

/// Reads what a driver sends.
struct Reader {
    api: Api,
    inbound: Streaming<DriverStreamRequest>,
    /// Cancelled when the response stream has ended.
    gone: CancellationToken,
    /// Messages of an arm that this server does not know.
    unknown: u64,
}

impl Reader {
    async fn run(mut self, began: oneshot::Sender<Result<Arc<Session>>>) {
        let session = match caught(self.begin()).await.flatten() {
            Ok(session) => session,
            Err(error) => {
                // The driver may have gone already.
                let _ = began.send(Err(error));
                return;
            }
        };
        let engine = self.api.engine.clone();
        let gone = self.gone.clone();
        // Where the driver has gone already, the stream ends below.
        let _ = began.send(Ok(Arc::clone(&session)));
        let end = tokio::select! {
            end = caught(self.read(&session)) => end.flatten(),
            () = gone.cancelled() => Ok(false),
            () = session.outbox.was_cut() => Ok(false),
        };
        let clean = match end {
            Ok(clean) => clean,
            Err(error) => {
                session.outbox.end(Some(error));
                false
            }
        };
        if let Err(error) = engine.stream_ended(&session, clean).await {
            tracing::debug!(%error, "the end of a stream could not be written");
        }
        // Answers to what it sent before it closed still go out.
        engine.settle().await;
        session.outbox.end(None);
    }

    /// Waits for the hello.
    async fn begin(&mut self) -> Result<Arc<Session>> {
        let late = || Error::Silent(format!("no hello within {:?}", self.api.hello_time));
        let first = tokio::select! {
            first = timeout(self.api.hello_time, self.inbound.message()) => first.map_err(|_| late())?,
            () = self.api.stop.cancelled() => return Err(Error::Stopping),
            () = self.gone.cancelled() => return Err(Error::Stopping),
        };
        let first = first.map_err(|status| Error::Protocol(status.message().to_owned()))?;
        match first.and_then(|first| first.kind) {
            Some(Kind::Hello(it)) => self.api.engine.hello(hello(it)?).await,
            _ => Err(Error::Protocol("hello must come first".to_owned())),
        }
    }

    /// Reads until the end. True where the driver closed cleanly.
    async fn read(&mut self, session: &Arc<Session>) -> Result<bool> {
        loop {
            let received = tokio::select! {
                received = self.inbound.message() => received,
                () = self.api.stop.cancelled() => {
                    self.api.engine.settle().await;
                    return Err(Error::Stopping);
                }
            };
            let request = match received {
                Ok(Some(request)) => request,
                Ok(None) => return Ok(true),
                Err(status) if is_broken(&status) => return Ok(false),
                Err(status) => return Err(Error::Protocol(status.message().to_owned())),
            };
            match report(request, self.api.engine.now())? {
                Inbound::Report(it) => self.api.engine.report(session, it).await?,
                Inbound::Unknown => self.skip(session),
            }
        }
    }

    fn skip(&mut self, session: &Session) {
        self.unknown += 1;
        if self.unknown == 1 {
            tracing::info!(driver = %session.driver, "messages of an unknown kind are skipped");
        }
    }
}

/// Whether the connection broke, rather than that a message was wrong.
fn is_broken(status: &Status) -> bool {
    !matches!(
        status.code(),
        tonic::Code::OutOfRange | tonic::Code::Internal | tonic::Code::ResourceExhausted
    ) || std::error::Error::source(status).is_some()
}

/// Writes what goes to a driver.
struct Outbound {
    engine: Engine,
    session: Option<Arc<Session>>,
    /// Tells the reader when this is dropped.
    _gone: DropGuard,
}

impl Outbound {
    async fn next(
        &mut self,
        began: Option<oneshot::Receiver<Result<Arc<Session>>>>,
    ) -> Result<Option<DriverStreamResponse>> {
        if let Some(began) = began {
            self.session = Some(began.await.map_err(|_| Error::Stopping)??);
        }
        let session = self.session.clone().ok_or(Error::Stopping)?;
        loop {
            let Some(outgoing) = self.engine.next_message(&session).await? else {
                return Ok(None);
            };
            match outgoing {
                Outgoing::Offer { run, offer, .. } => {
                    let Some(task) = self.engine.push_offer(&session, run, offer).await? else {
                        continue;
                    };
                    match reconcile(task, session.max_message) {
                        Ok(answer) => return Ok(Some(answer)),
                        Err(reason) => self.engine.unfit(offer, reason).await?,
                    }
                }
                Outgoing::Welcome(verdicts) => {
                    return Ok(Some(welcome(self.engine.options(), verdicts)));
                }
                other => return Ok(Some(message(other))),
            }
        }
    }
}

impl From<DriverView> for Driver {
    fn from(it: DriverView) -> Self {
        let instance = |it: crate::engine::drivers::InstanceView| DriverInstance {
            id: it.id.to_string(),
            slots: i32::try_from(it.slots).unwrap_or(i32::MAX),
            tasks: i32::try_from(it.tasks).unwrap_or(i32::MAX),
            labels: it.labels.into_iter().collect(),
            connect_time: Some(time(it.connected)),
            sdk: it.sdk,
            draining: it.draining,
        };
        Self {
            name: it.driver.name.to_string(),
            definitions: it.driver.definitions.iter().map(Name::to_string).collect(),
            events: it
                .driver
                .events
                .iter()
                .map(|event| event.as_str().to_owned())
                .collect(),
            instances: it.instances.into_iter().map(instance).collect(),
            queued: i64::try_from(it.queued).unwrap_or(i64::MAX),
            create_time: Some(time(it.driver.created)),
        }
    }
}
