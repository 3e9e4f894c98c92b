//! Where commands run: on the host or in a container. Owns the choice, and the words for when there
//! is none.

use clap::ValueEnum;
use tokio::sync::OnceCell;

use super::engine::{Engine, EngineError};

/// The runtime that the driver was started with.
#[derive(Debug, Clone, Copy, PartialEq, Default, ValueEnum)]
pub enum Runtime {
    /// In containers of the engine that answers, docker first, then podman.
    #[default]
    Auto,
    /// In containers of docker.
    Docker,
    /// In containers of podman.
    Podman,
    /// On this host, as the driver's own user; `image` is ignored.
    Process,
}

/// Where the commands of one task run.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Place {
    /// On the host.
    Host,
    /// In containers made from an image.
    Container {
        /// What runs them.
        engine: Engine,
        /// What they are made from.
        image: String,
    },
}

/// Why commands can run nowhere.
#[derive(Debug, thiserror::Error)]
pub(super) enum NowhereError {
    /// Without an image there is no container, and the host was not asked for.
    #[error(
        "no `image` is given, so the commands would run on the driver's host: give an image, or start the driver with --runtime process"
    )]
    NoImage,
    /// No engine answers.
    #[error(
        "`image` asks for a container, and no container engine answers ({}): install podman or docker and start it, or start the driver with --runtime process",
        .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    )]
    NoEngine(Vec<EngineError>),
}

/// Chooses places, and remembers the engine that once answered.
pub(super) struct Places {
    runtime: Runtime,
    engine: OnceCell<Engine>,
}

impl Places {
    pub(super) fn new(runtime: Runtime) -> Self {
        let engine = OnceCell::new();
        Self { runtime, engine }
    }

    /// The place for work that names this image.
    pub(super) async fn choose(&self, image: Option<&str>) -> Result<Place, NowhereError> {
        let candidates: &[Engine] = match self.runtime {
            Runtime::Process => return Ok(Place::Host),
            Runtime::Auto => &[Engine::Docker, Engine::Podman],
            Runtime::Docker => &[Engine::Docker],
            Runtime::Podman => &[Engine::Podman],
        };
        let image = image.ok_or(NowhereError::NoImage)?.to_owned();
        let engine = *self
            .engine
            .get_or_try_init(|| first_that_answers(candidates))
            .await?;
        Ok(Place::Container { engine, image })
    }
}

async fn first_that_answers(candidates: &[Engine]) -> Result<Engine, NowhereError> {
    let mut errors = Vec::new();
    for engine in candidates {
        match engine.answers().await {
            Ok(()) => return Ok(*engine),
            Err(error) => errors.push(error),
        }
    }
    Err(NowhereError::NoEngine(errors))
}
