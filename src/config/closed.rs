//! Settings that ask for a closed server. There is no authentication and no TLS yet, so they stop the start.
//!
//! Invariant: no server runs open while its settings say closed.

use super::ConfigError;
use super::sources::{Origin, Sources};

/// The setting that closes the API. A file that sets it is not opened by a variable: one left over in the environment
/// would do so unseen.
pub(super) const AUTH: &str = "api.auth_enabled";

/// Settings of TLS.
pub(super) const TLS: [&str; 3] = ["tls.ca", "tls.key", "tls.cert"];

/// Switches that Conveyor CI documents, beside those that are settings here.
const SWITCHES: [&str; 3] = [
    "CONVEYOR_AUTH_ENABLED",
    "CONVEYOR_TLS_ENABLED",
    "CONVEYOR_JWT_REQUIRED",
];

const LACKS_AUTH: &str = "no authentication yet";
const WITHOUT_AUTH: &str = "Set it to false to start without: only this machine reaches 127.0.0.1";
const LACKS_TLS: &str = "no TLS yet";
const WITHOUT_TLS: &str =
    "Take the tls settings out, or say api.auth_enabled: false as well to start without both";

/// Refuses what would have to be closed. Certificates beside a written `api.auth_enabled: false` are let be: Conveyor CI
/// writes them into each of its files, and serves plain HTTP then.
pub(super) fn check(
    sources: &Sources,
    env: impl Fn(&str) -> Option<String>,
) -> Result<(), ConfigError> {
    let enabled = sources.read(AUTH, "true or false", |text| text.parse::<bool>().ok())?;
    let (_, origin) = sources.text(AUTH);
    if enabled {
        return Err(refusal(
            format!("setting {AUTH} is true"),
            origin.clone(),
            LACKS_AUTH,
            WITHOUT_AUTH,
        ));
    }
    for key in TLS {
        let (text, place) = sources.text(key);
        if !text.is_empty() && !is_opened(place, origin) {
            let what = format!("setting {key} is {text:?}");
            return Err(refusal(what, place.clone(), LACKS_TLS, WITHOUT_TLS));
        }
    }
    for name in SWITCHES {
        let text = env(name).unwrap_or_default();
        // What is neither empty nor a plain no may well mean yes.
        if !matches!(
            text.to_lowercase().as_str(),
            "" | "false" | "0" | "f" | "no" | "off"
        ) {
            let origin = Origin::Variable(name.to_owned());
            return Err(refusal(
                format!("{name} is {text:?}"),
                origin,
                LACKS_AUTH,
                WITHOUT_AUTH,
            ));
        }
    }
    Ok(())
}

/// Whether certificates of one place are let be for a false of another: a variable opens no file.
fn is_opened(certificates: &Origin, switch: &Origin) -> bool {
    match (certificates, switch) {
        (_, Origin::Default) | (Origin::File(..), Origin::Variable(_)) => false,
        (_, Origin::File(..) | Origin::Variable(_) | Origin::Flag(_)) => true,
    }
}

fn refusal(what: String, origin: Origin, lacks: &'static str, advice: &'static str) -> ConfigError {
    ConfigError::NotClosed {
        what,
        origin,
        lacks,
        advice,
    }
}
