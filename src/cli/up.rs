//! `conveyor up`: the server.

use super::Failure;
use crate::config::{Flags, SETTINGS, Settings, variable};
use crate::observe::logs::to_stderr;

/// Arguments of `up`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, after_long_help = long_help())]
pub(super) struct Args {
    #[command(flatten)]
    flags: Flags,
}

const EXAMPLES: &str = "\
Examples:
  conveyor up
  conveyor up --listen 127.0.0.1:0 --data /var/lib/conveyor
  CONVEYOR_DRIVER_LEASE_TIME=1m conveyor up

--help shows every setting. Ctrl-C and SIGTERM end it in order; a second signal ends it at once.";

fn long_help() -> String {
    let mut text = format!(
        "{EXAMPLES}\n\nSettings, in the config file (YAML, dots are nesting) or as environment variables:"
    );
    for setting in SETTINGS {
        let default = if setting.default.is_empty() {
            "nothing"
        } else {
            setting.default
        };
        text += &format!(
            "\n  {}, {} [{default}]\n      {}",
            setting.key,
            variable(setting.key),
            setting.why
        );
    }
    text
}

/// Runs the server until a signal ends it.
pub(super) async fn run(args: Args) -> Result<(), Failure> {
    // An empty variable is as good as none; one that is not UTF-8 fails as any wrong text does.
    let env = |name: &str| std::env::var_os(name).map(|text| text.to_string_lossy().into_owned());
    let settings = Settings::load(&args.flags, env)?;
    to_stderr(&settings.log, settings.log_format);
    if let Some(unused) = &settings.unused {
        tracing::warn!("{unused}");
    }
    crate::server::run(settings)
        .await
        .map_err(|error| Failure::Ended(error.to_string()))
}
