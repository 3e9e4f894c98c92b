//! A driver as fast as the wire lets it be: one raw stream, no runtime.
//!
//! It beats only when it is told to: most measurements are over long before a lease would be.

use std::net::SocketAddr;

use conveyor_client::proto::driver_service_client::DriverServiceClient;
use conveyor_client::proto::driver_stream_request::Kind as Say;
use conveyor_client::proto::driver_stream_response::Kind as Hear;
use conveyor_client::proto::resource_service_client::ResourceServiceClient;
use conveyor_client::proto::{
    Ack, DriverStreamRequest, DriverStreamResponse, Heartbeat, Hello, Log, LogLine, Reconcile,
    Result as Outcome, ResultOutcome, TaskToken,
};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;
use uuid::Uuid;

use super::Result;
use super::server::{Server, channel, resource};

/// One stream of a new instance.
pub(crate) struct Driver {
    to: mpsc::Sender<DriverStreamRequest>,
    from: Streaming<DriverStreamResponse>,
}

impl Driver {
    /// Joins over a connection of its own, with so many slots.
    pub(crate) async fn join(
        server: &Server,
        name: &str,
        definition: &str,
        slots: usize,
    ) -> Result<Self> {
        let hello = Hello {
            driver: name.to_owned(),
            instance_id: Uuid::new_v4().to_string(),
            stream_number: 1,
            definitions: vec![definition.to_owned()],
            slots: i32::try_from(slots)?,
            ..Hello::default()
        };
        let mut driver = Self::open(server.address, hello).await?;
        match driver.hear().await? {
            Hear::Welcome(_) => Ok(driver),
            other => Err(format!("expected Welcome, heard {other:?}").into()),
        }
    }

    /// Says hello over a connection of its own.
    pub(crate) async fn open(address: SocketAddr, hello: Hello) -> Result<Self> {
        let (to, requests) = mpsc::channel(1024);
        to.send(message(Say::Hello(hello))).await?;
        let mut client = DriverServiceClient::new(channel(address).await?);
        let response = client.driver_stream(ReceiverStream::new(requests)).await?;
        Ok(Self {
            to,
            from: response.into_inner(),
        })
    }

    /// The next thing the server says.
    pub(crate) async fn hear(&mut self) -> Result<Hear> {
        let message = self.from.message().await?.ok_or("the stream ended")?;
        Ok(message.kind.ok_or("an arm that nobody knows")?)
    }

    /// The next thing the server says, which is an offer.
    pub(crate) async fn offer(&mut self) -> Result<Reconcile> {
        match self.hear().await? {
            Hear::Reconcile(task) => Ok(task),
            other => Err(format!("expected an offer, heard {other:?}").into()),
        }
    }

    /// Makes a resource and accepts the task that comes of it.
    pub(crate) async fn begin(&mut self, server: &Server, definition: &str) -> Result<Reconcile> {
        let mut client = ResourceServiceClient::new(server.channel().await?);
        let request = resource(definition, server.new_name(), "");
        client.create_resource(request).await?;
        let task = self.offer().await?;
        self.accept(&task).await?;
        Ok(task)
    }

    /// Says that it lives and works on these.
    pub(crate) async fn beat(&self, tasks: Vec<TaskToken>) -> Result<()> {
        self.say(Say::Heartbeat(Heartbeat { tasks })).await
    }

    /// Accepts an offer.
    pub(crate) async fn accept(&self, task: &Reconcile) -> Result<()> {
        self.say(Say::Ack(Ack {
            task_id: task.task_id.clone(),
            token: task.token,
            ..Ack::default()
        }))
        .await
    }

    /// Says that a task succeeded after so many lines.
    pub(crate) async fn succeed(&self, task: &Reconcile, lines: u64) -> Result<()> {
        self.say(Say::Result(Outcome {
            task_id: task.task_id.clone(),
            token: task.token,
            success: true,
            lines,
            ..Outcome::default()
        }))
        .await
    }

    /// Sends lines of a task.
    pub(crate) async fn log(
        &self,
        task: &Reconcile,
        first: u64,
        lines: Vec<LogLine>,
    ) -> Result<()> {
        self.say(Say::Log(Log {
            task_id: task.task_id.clone(),
            token: task.token,
            first_line: first,
            lines,
        }))
        .await
    }

    /// Waits until a result is on disk.
    pub(crate) async fn applied(&mut self) -> Result<()> {
        loop {
            match self.hear().await? {
                Hear::ResultAck(ack) if ack.outcome() == ResultOutcome::Applied => return Ok(()),
                Hear::LogAck(_) => {}
                other => return Err(format!("expected an applied result, heard {other:?}").into()),
            }
        }
    }

    async fn say(&self, kind: Say) -> Result<()> {
        Ok(self.to.send(message(kind)).await?)
    }
}

fn message(kind: Say) -> DriverStreamRequest {
    DriverStreamRequest { kind: Some(kind) }
}
