//! What a config file of Conveyor CI has beyond the settings that are ours too: keys of the programs that it ran beside
//! itself. They are known, so that such a file is read as it stands, and named, so that nobody believes they count.

use super::sources::Sources;

/// Sections of which nothing is used, and why. All versions of Conveyor CI that had a config file are covered.
const UNUSED: [(&str, &str); 6] = [
    ("nats", "drivers connect to the one port"),
    ("etcd", "the store is built in"),
    ("db", "the store is built in"),
    ("redis", "the store is built in"),
    ("loki", "logs are in the store"),
    ("api.host", "listen names the address"),
];

/// Whether a key means nothing here although Conveyor CI had it.
pub(super) fn is_unused(key: &str) -> bool {
    reason(key).is_some()
}

/// Whether a key is a section of Conveyor CI of which nothing is used.
pub(super) fn is_section(key: &str) -> bool {
    UNUSED.iter().any(|(known, _)| *known == key)
}

fn reason(key: &str) -> Option<&'static str> {
    let below = |section: &str| {
        let rest = key.strip_prefix(section);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    let known = UNUSED.iter().find(|(known, _)| below(known));
    known.map(|(_, why)| *why)
}

/// One line that names all that is not used; nothing where all is.
pub(super) fn notice(sources: &Sources) -> Option<String> {
    let unused = sources.unused().iter().map(|(key, origin)| {
        let why = reason(key).unwrap_or_default();
        format!("{key} ({origin}; {why})")
    });
    // Whoever asks for TLS is refused, unless the same settings switch authentication off: Conveyor CI then speaks
    // plain HTTP, though its files always name certificates.
    let tls = super::closed::TLS.into_iter().filter_map(|key| {
        let (text, origin) = sources.text(key);
        (!text.is_empty()).then(|| format!("{key} ({origin}; api.auth_enabled is false)"))
    });
    let all: Vec<_> = unused.chain(tls).collect();
    (!all.is_empty()).then(|| format!("settings without use here: {}", all.join(", ")))
}
