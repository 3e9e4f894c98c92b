//! REST as the documents have it: their examples byte for byte, and what is answered when something is
//! wrong.

mod bulk;
mod clients;
mod documents;
mod drivers;
mod heads;
mod pages;
mod refusals;
mod rows;
mod runs;
mod watches;
mod writes;

/// The text with every UUID as `<uuid>` and every time as `<time>`.
fn golden(text: &str) -> String {
    let mut golden = String::new();
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let uuid = rest
            .get(..36)
            .filter(|part| uuid::Uuid::try_parse(part).is_ok());
        if uuid.is_some() {
            golden += "<uuid>";
            rest = &rest[36..];
        } else if let Some(after) = rest.strip_prefix("_time\":\"") {
            golden += "_time\":\"<time>";
            rest = &after[after.find('"').unwrap()..];
        } else {
            golden.push(letter);
            rest = &rest[letter.len_utf8()..];
        }
    }
    golden
}
