//! What made-up requests say: mostly what fits a field of that name, so that the server gets to its work, and else what
//! breaks things.

/// What is there on the server that is attacked.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known {
    /// A run that has ended, and has lines.
    pub(crate) ended: String,
    /// Another run.
    pub(crate) open: String,
    /// The token of the next page of runs.
    pub(crate) token: String,
}

/// What texts are broken with.
const TEXTS: [&str; 30] = [
    "",
    "\u{202e}",
    "../../a",
    "{}",
    "[1]",
    "{\"a\":{\"a\":{}}}",
    "{\"type\":\"object\",\"$ref\":\"#\"}",
    "{\"pattern\":\"^(a+)+$\"}",
    "\"\\ud800\"",
    "0198f3c1-7d7e-7000-8000-000000000001",
    "00000000-0000-0000-0000-000000000000",
    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "/conveyor.v1.RunService/GetRun",
    "conveyor.v1.Run",
    "00",
    "+f+f",
    "ffffffffffffffffff",
    "617070",
    "61707000ff",
    "1e999",
    "18446744073709551616",
    "-9223372036854775808",
    "nul",
    "a/b",
    "%00%2f%ff",
    "apply",
    "2262-04-11T23:47:16.854775807Z",
    "-999999999y",
    "PT9223372036854775807S",
    "x\0y",
];

/// Numbers that counting goes wrong at; the first ones are fit for anything.
const NUMBERS: [u64; 12] = [
    0,
    1,
    2,
    3,
    7,
    1000,
    1001,
    u32::MAX as u64,
    i32::MIN as u64,
    i64::MAX as u64,
    i64::MIN as u64,
    u64::MAX,
];

/// Picks below this are for what fits.
const FITS: usize = 200;

/// The bytes that pick. After the last one all picks are the first.
pub(super) struct Picks<'a> {
    bytes: &'a [u8],
    known: &'a Known,
}

impl<'a> Picks<'a> {
    pub(super) fn new(bytes: &'a [u8], known: &'a Known) -> Self {
        Self { bytes, known }
    }

    pub(super) fn next(&mut self) -> usize {
        let Some((first, rest)) = self.bytes.split_first() else {
            return 0;
        };
        self.bytes = rest;
        usize::from(*first)
    }

    /// Whether all bytes have picked.
    pub(super) fn are_over(&self) -> bool {
        self.bytes.is_empty()
    }

    /// A number for a field: small ones more often than not.
    pub(super) fn number(&mut self) -> u64 {
        let pick = self.next();
        let most = if pick < FITS { 5 } else { NUMBERS.len() };
        NUMBERS[pick % most]
    }

    /// A text for a field of this name.
    pub(super) fn text(&mut self, field: &str) -> String {
        let pick = self.next();
        if pick < FITS
            && let Some(text) = self.fits(field, pick)
        {
            return text;
        }
        let text = TEXTS[pick % TEXTS.len()];
        // Some are far too long, the rest are as they are.
        if pick >= 250 {
            text.repeat(500)
        } else {
            text.to_owned()
        }
    }

    /// What a field of this name may say. `None`: it has no form of its own.
    fn fits(&self, field: &str, pick: usize) -> Option<String> {
        let Known { ended, open, token } = self.known;
        // There may be one of that name, or not.
        let fresh = format!("n{}", pick / 8 % 4);
        let texts: &[&str] = match field {
            "resource" => &["app", "app", "app", &fresh],
            "name" | "key" => &["a", "p", "builder", "b", &fresh, "app", "idle"],
            "pipeline" => &["", "p"],
            "driver" => &["builder", "", "other"],
            "drivers" => &["builder", "idle"],
            "definitions" => &["app", &fresh],
            "pipelines" => &["p", &fresh],
            "id" | "run_id" | "runid" => &[ended, open],
            "event" | "events" => &["create", "update", "*", "delete"],
            "step" => &["", "builder", "s"],
            "stream" => &["stdout", "stderr"],
            "schema_json" | "schema" => &[
                "{\"type\":\"object\"}",
                "true",
                "{\"required\":[\"n\"],\"properties\":{\"n\":{\"minimum\":1}}}",
            ],
            "spec_json" | "spec" => &["{\"n\":1}", "{}", "{\"n\":1.50,\"a\":[{}]}"],
            "params_json" | "data_json" | "params" | "data" => &["[1,2.50]", "null", "{\"n\":1}"],
            "page_token" => &["", token],
            "request_id" | "Idempotency-Key" => &["", &fresh],
            "max_age" => &["90d", "forever", "1s"],
            "max_count" => &["3", "forever", "1"],
            "timeout" => &["1.5s", "90s"],
            "timestamp" | "time" | "since" => &["1767225600", "2026-01-31T12:00:00Z"],
            "instance_id" | "task_id" => &["00000000-0000-0000-0000-000000000001"],
            "states" => &["RUN_STATE_PENDING", "RUN_STATE_SUCCEEDED"],
            "revision" | "If-Match" => &["1", "\"1\"", "*", "2"],
            "page_size" | "limit" | "after" | "last_lines" => &["1", "2", "0", "1000"],
            "after_position" | "Last-Event-ID" => &["1", "0", "3", "end"],
            "follow" => &["false", "true"],
            "format" => &["json", ""],
            "list_services" | "service" | "file_containing_symbol" => &["", "conveyor.v1.Run"],
            "message" | "value" | "description" | "version" | "reason" | "payload" => &["text"],
            _ => return None,
        };
        Some(texts[pick % texts.len()].to_owned())
    }
}
