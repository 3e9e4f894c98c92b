//! The text of a config file with every setting, its reason and its default, made from the table.

use super::SETTINGS;

/// Settings that stand in a new file, under the names that Conveyor CI gives them; the others are comments.
const WRITTEN: [(&str, &str); 3] = [
    ("api.port", "8080"),
    ("api.data", "./conveyor-data"),
    ("api.auth_enabled", "false"),
];

const HEAD: &str = "\
# Settings of `conveyor up`. What is commented out shows the default: take the # away and change it.
# A flag wins over an environment variable (CONVEYOR_ and the key: CONVEYOR_DRIVER_LEASE_TIME), a variable over this
# file. A relative path counts from the folder of this file.
";

/// The text of a config file that changes nothing yet.
pub fn config_file() -> String {
    let mut sections: Vec<(&str, String)> = Vec::new();
    for setting in SETTINGS {
        let (section, name) = setting.key.split_once('.').unwrap_or(("", setting.key));
        let at = sections.iter().position(|(known, _)| *known == section);
        let at = at.unwrap_or_else(|| {
            sections.push((section, heading(section)));
            sections.len() - 1
        });
        let written = WRITTEN.iter().find(|(key, _)| *key == setting.key);
        let line = match (written, setting.default) {
            (Some((_, value)), _) => format!("{name}: {value}"),
            (None, "") => format!("#{name}: ''"),
            (None, default) => format!("#{name}: {default}"),
        };
        let indent = if section.is_empty() { "" } else { "  " };
        sections[at].1 += &format!("{indent}# {}\n{indent}{line}\n", setting.why);
    }
    let sections = sections.into_iter().map(|(_, text)| text);
    HEAD.to_owned() + &sections.collect::<String>()
}

/// A section whose settings are all comments is empty, which is as good as none.
fn heading(section: &str) -> String {
    if section.is_empty() {
        "\n".to_owned()
    } else {
        format!("\n{section}:\n")
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::{Flags, Settings, variable};
    use super::*;

    fn load(text: &str) -> (Settings, tempfile::TempDir) {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("conveyor.yml");
        std::fs::write(&file, text).unwrap();
        let flags = Flags {
            config: Some(file),
            ..Flags::default()
        };
        (Settings::load(&flags, |_| None).unwrap(), place)
    }

    fn defaults() -> Settings {
        Settings::load(&Flags::default(), |_| None).unwrap()
    }

    #[test]
    fn a_new_file_changes_nothing_and_names_every_setting() {
        let (settings, place) = load(&config_file());
        assert_eq!(
            settings,
            Settings {
                data: place.path().join("./conveyor-data"),
                ..defaults()
            }
        );
        for setting in SETTINGS {
            let name = setting.key.rsplit('.').next().unwrap();
            assert!(
                config_file().contains(&format!("{name}: ")),
                "{}",
                setting.key
            );
            assert!(config_file().contains(setting.why), "{}", setting.key);
        }
    }

    #[test]
    fn what_is_commented_out_in_a_new_file_is_the_default() {
        let is_setting = |line: &&str| line.trim_start().starts_with('#') && !line.contains("# ");
        let mut text = String::new();
        let written = config_file();
        for line in written.lines() {
            let line = if is_setting(&line) {
                line.replacen('#', "", 1)
            } else {
                line.to_owned()
            };
            text += &format!("{line}\n");
        }
        let (settings, place) = load(&text);
        assert_eq!(
            settings,
            Settings {
                data: place.path().join("./conveyor-data"),
                ..defaults()
            }
        );
    }

    /// `UPDATE_DOCS=1 cargo test settings_page` writes the page anew.
    #[test]
    fn settings_page_has_the_rows_of_the_table() {
        let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/settings.md");
        let text = std::fs::read_to_string(&page).unwrap();
        let (head, rest) = text.split_once("<!-- settings -->\n").unwrap();
        let (rows, tail) = rest.split_once("<!-- end -->\n").unwrap();
        let mut wanted =
            String::from("| setting | variable | default | what it is for |\n|---|---|---|---|\n");
        for setting in SETTINGS {
            let default = if setting.default.is_empty() {
                String::new()
            } else {
                format!("`{}`", setting.default)
            };
            wanted += &format!(
                "| `{}` | `{}` | {default} | {} |\n",
                setting.key,
                variable(setting.key),
                setting.why
            );
        }
        if std::env::var_os("UPDATE_DOCS").is_some() {
            let marked = format!("{head}<!-- settings -->\n{wanted}<!-- end -->\n{tail}");
            std::fs::write(&page, marked).unwrap();
        } else {
            assert_eq!(
                rows, wanted,
                "UPDATE_DOCS=1 cargo test settings_page writes it anew"
            );
        }
    }
}
