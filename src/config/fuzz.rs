//! What fuzzing calls in this room: the text of a config file, and the settings of one.

use std::path::Path;

use super::file::read_text;
use super::{Flags, SETTINGS, Settings, variable};

/// Reads the text of a config file, and what it says as settings: each as a variable, which are read in the same way.
pub(crate) fn file(text: &str) {
    let Ok(read) = read_text(Path::new("conveyor.yml"), text) else {
        return;
    };
    let flags = Flags::default();
    let texts = read.texts;
    let of = |name: &str| {
        let setting = SETTINGS.iter().find(|it| variable(it.key) == name)?;
        let (_, (text, _)) = texts.iter().rfind(|(key, _)| *key == setting.key)?;
        Some(text.clone())
    };
    drop(Settings::load(&flags, of));
}
