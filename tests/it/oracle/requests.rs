//! The requests that are compared: chosen ones, and such as dice make of the descriptors.

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};

use super::descriptors::{Route, Surface};
use super::twins::{ID, NEXT};

/// A request over REST: its parts as they are meant, before they are percent-encoded.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) verb: String,
    pub(super) path: Vec<String>,
    pub(super) query: Vec<(String, String)>,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: String,
}

impl Request {
    fn new(verb: &str, target: &str, body: &str) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let pair = |pair: &str| {
            let (name, value) = pair.split_once('=').unwrap();
            (name.to_owned(), value.to_owned())
        };
        Self {
            verb: verb.to_owned(),
            path: path.split('/').skip(1).map(str::to_owned).collect(),
            query: query
                .split('&')
                .filter(|it| !it.is_empty())
                .map(pair)
                .collect(),
            headers: Vec::new(),
            body: body.to_owned(),
        }
    }

    fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The route that it is for: of those that fit, the one with the most literals.
    pub(super) fn route<'a>(&self, surface: &'a Surface) -> &'a Route {
        let literals = |route: &&Route| {
            route
                .path
                .iter()
                .filter(|part| !part.starts_with('{'))
                .count()
        };
        let fits = |route: &&Route| {
            route.verb == self.verb
                && route.path.len() == self.path.len()
                && route
                    .path
                    .iter()
                    .zip(&self.path)
                    .all(|(of, part)| of.starts_with('{') || of == part)
        };
        let route = surface.routes.iter().filter(fits).max_by_key(literals);
        route.unwrap_or_else(|| panic!("no route for {self:?}"))
    }

    /// The same with what stands for something else put in its place.
    pub(super) fn filled(&self, fill: impl Fn(&str) -> String) -> Self {
        let pairs = |pairs: &[(String, String)]| {
            let pair = |(name, value): &(String, String)| (name.clone(), fill(value));
            pairs.iter().map(pair).collect()
        };
        Self {
            verb: self.verb.clone(),
            path: self.path.iter().map(|part| fill(part)).collect(),
            query: pairs(&self.query),
            headers: self.headers.clone(),
            body: self.body.clone(),
        }
    }

    /// Whatever the dice say, at any of the routes.
    pub(super) fn random(surface: &Surface, dice: &mut Dice) -> Self {
        let route = dice.pick(&surface.routes).clone();
        let input = route.method.input();
        let part = |part: &String, dice: &mut Dice| match part.strip_prefix('{') {
            None => part.clone(),
            Some(field) => {
                let field = field.trim_end_matches('}').rsplit('.').next().unwrap();
                dice.word(field)
            }
        };
        let path = route.path.iter().map(|it| part(it, dice)).collect();
        let mut query = Vec::new();
        for field in input
            .fields()
            .filter(|field| !matches!(field.kind(), Kind::Message(_)))
        {
            if dice.once_in(3) {
                query.push((field.name().to_owned(), dice.word(field.name())));
            }
        }
        let mut headers = Vec::new();
        if dice.once_in(6) {
            headers.push(("if-match".to_owned(), dice.word("if-match")));
        }
        if dice.once_in(6) {
            headers.push(("idempotency-key".to_owned(), dice.word("request_id")));
        }
        let body = match route.body.as_str() {
            "" => String::new(),
            _ if dice.once_in(25) => dice
                .pick(&["", "null", "[]", "{", "\"x\"", "{} {}"])
                .to_string(),
            "*" => dice.object(&input),
            field => match input.get_field_by_name(field).unwrap().kind() {
                Kind::Message(of) => dice.object(&of),
                other => panic!("{other:?}"),
            },
        };
        Self {
            verb: route.verb.clone(),
            path,
            query,
            headers,
            body,
        }
    }
}

/// Random numbers from a seed, and what is made of them (splitmix64).
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % most as u64) as usize
    }

    fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    /// A text for a field in a path, a query or a body: mostly a good one.
    fn word(&mut self, field: &str) -> String {
        let odd = self.once_in(12);
        let known: &[&str] = match field {
            "resource" if odd => &["none", "a b", "a/b", "é"],
            "resource" => &["flow", "flow", "flow", "image"],
            "name" if odd => &["none", "a b", "+", "%41", "apply-", "x.y"],
            "name" => &["a", "b", "c", "flow", "image", "line"],
            "pipeline" if odd => &["none", "-", " "],
            "pipeline" => &["", "", "line"],
            "revision" => &[
                "1",
                "2",
                "3",
                "01",
                "+1",
                "0",
                "-1",
                "x",
                "9223372036854775808",
            ],
            "states" if odd => &["RUN_STATE_UNSPECIFIED", "FAILED", "1", ""],
            "states" => &[
                "RUN_STATE_PENDING",
                "RUN_STATE_CANCELLED",
                "RUN_STATE_RUNNING",
            ],
            "page_size" if odd => &["-1", "1001", "x", "1.0", "", "01"],
            "page_size" => &["1", "2", "1000", "0"],
            "page_token" => &[NEXT, NEXT, NEXT, "zz", "", "00"],
            "expected_revision" => &["0", "1", "2", "-1", "+1", "x"],
            "if-match" => &["\"1\"", "\"2\"", "*", "1", "\"01\"", "\"0\"", "x"],
            "request_id" => &["k1", "k2", "k3", "k4", ""],
            "event" => &["", "update", "create", "delete", "x"],
            "driver" if odd => &["", "a b"],
            "driver" => &["builder", "shipper"],
            "id" if odd => &["x", "00000000-0000-0000-0000-000000000000"],
            "id" => return format!("{ID}{}>", self.below(1000)),
            _ => &["", "some text", "é \" \\ \u{7f} \u{1F600}", "<&>"],
        };
        (*self.pick(known)).to_owned()
    }

    /// A JSON object for a message: mostly a good one.
    fn object(&mut self, of: &MessageDescriptor) -> String {
        let mut members = Vec::new();
        for field in of.fields() {
            let needed = ["name", "resource", "schema", "steps", "driver"].contains(&field.name());
            let is_given = if needed {
                !self.once_in(15)
            } else {
                self.once_in(3)
            };
            let is_text = field
                .name()
                .strip_suffix("_json")
                .is_some_and(|it| of.get_field_by_name(it).is_some());
            if is_given && !is_text {
                members.push(format!("\"{}\":{}", field.name(), self.json(&field)));
            }
        }
        if self.once_in(8) {
            members.push(r#""unknown":{"x":[1,null]}"#.to_owned());
        }
        let space = if self.once_in(4) { " \n" } else { "" };
        format!("{{{space}{}}}", members.join(&format!(",{space}")))
    }

    fn json(&mut self, field: &FieldDescriptor) -> String {
        if self.once_in(40) {
            return self
                .pick(&["null", "1", "\"x\"", "[]", "{}", "true", "1.5"])
                .to_string();
        }
        if field.is_map() {
            return self
                .pick(&[
                    r#"{"k":"v","a":""}"#,
                    r#"{"version":"7","driverresults.x":"{}"}"#,
                    "{}",
                    r#"{"k":1}"#,
                ])
                .to_string();
        }
        let of_step = field.parent_message().name() == "Step";
        match field.kind() {
            Kind::String if field.name() == "id" && of_step => {
                self.pick(&[r#""1""#, r#""2""#, r#""s""#]).to_string()
            }
            Kind::String if field.name() == "id" => r#""an-id""#.to_owned(),
            Kind::String => serde_json::to_string(&self.word(field.name())).unwrap(),
            Kind::Message(_) if field.name() == "schema" => self.schema(),
            Kind::Message(of) if of.full_name() == "google.protobuf.Duration" => {
                self.pick(&[r#""1.5s""#, r#""90s""#, r#""x""#]).to_string()
            }
            Kind::Message(of) if of.full_name() == "google.protobuf.Timestamp" => self
                .pick(&[r#""2026-01-01T00:00:00Z""#, r#""x""#])
                .to_string(),
            Kind::Message(of) if of.package_name() == "google.protobuf" => self.user_json(),
            Kind::Message(of) if field.is_list() => {
                let items: Vec<String> = (0..=self.below(2)).map(|_| self.object(&of)).collect();
                format!("[{}]", items.join(","))
            }
            Kind::Message(of) => self.object(&of),
            Kind::Bool => self.pick(&["true", "false"]).to_string(),
            _ => self.pick(&["0", "1", "7"]).to_string(),
        }
    }

    fn schema(&mut self) -> String {
        let most = if self.once_in(6) { 9 } else { 3 };
        [
            "{}",
            "true",
            r#"{"type": "object", "required": ["x"]}"#,
            "false",
            "null",
            "7",
            r#""text""#,
            r#"{"type":"nothing"}"#,
            r##"{"$ref":"http://localhost/x"}"##,
        ][self.below(most)]
        .to_owned()
    }

    fn user_json(&mut self) -> String {
        let most = if self.once_in(6) { 9 } else { 5 };
        [
            r#"{"x":1}"#,
            r#"{"x": 9007199254740993, "a": 1.10, "e": 1E+2}"#,
            r#"{"z":{"y":[true,null,"\u00e9<&>"]},"x":"","z":[]}"#,
            "{}",
            r#"{"x":[[[[[[]]]]]],"a":-0.0}"#,
            "[]",
            "null",
            r#""text""#,
            "12",
        ][self.below(most)]
        .to_owned()
    }
}

/// What the sweep begins with.
pub(super) fn foundation() -> Vec<Request> {
    [
        ("/resource-definitions", r#"{"name":"flow","schema":{}}"#),
        ("/resource-definitions", r#"{"name":"image","schema":{"type":"object","required":["x"]}}"#),
        ("/pipelines", r#"{"name":"line","resource":"flow","steps":[{"driver":"builder"},{"driver":"shipper"}]}"#),
        ("/resources", r#"{"name":"a","resource":"flow","spec":{}}"#),
        ("/resources", r#"{"name":"b","resource":"flow","pipeline":"line","spec":{"n":1.10}}"#),
    ]
    .map(|(path, body)| Request::new("POST", path, body))
    .to_vec()
}

/// At least one good and one bad request for each route.
pub(super) fn chosen() -> Vec<Request> {
    let mut requests = foundation();
    requests.extend(
        [
            ("GET", "/resource-definitions", ""),
            ("GET", "/resource-definitions?page_size=1", ""),
            ("GET", "/resource-definitions?page_size=1&page_token=<next>", ""),
            ("GET", "/resource-definitions?page_token=other", ""),
            ("GET", "/resource-definitions/flow", ""),
            ("GET", "/resource-definitions/none", ""),
            ("POST", "/resource-definitions", r#"{"name":"flow","schema":{}}"#),
            ("POST", "/resource-definitions", r#"{"name":"a","name":"twice","schema":true}"#),
            ("POST", "/resource-definitions", r#"{"name":"a b","schema":{"type":"nothing"},"description":"d"}"#),
            ("POST", "/resource-definitions/apply", r#"{"name":"flow","schema":{},"description":"more"}"#),
            ("PUT", "/resource-definitions/apply", r#"{"name":"flow","schema":{},"description":"more"}"#),
            ("PUT", "/resource-definitions/flow", r#"{"schema":{ "a" : [ 1.10 ] },"version":"2"}"#),
            ("PUT", "/resource-definitions/flow", r#"{"name":"image","schema":{}}"#),
            ("DELETE", "/resource-definitions/flow", ""),
            ("DELETE", "/resource-definitions/twice", ""),
            ("POST", "/resources", r#"{"name":"c","resource":"image","spec":{}}"#),
            ("POST", "/resources", r#"{"name":"c","resource":"image","metadata":{"k":"v","version":"9"},"spec":{"x":9007199254740993}}"#),
            ("POST", "/resources/apply", r#"{"name":"c","resource":"image","metadata":{"k":"v"},"spec":{"x":9007199254740993}}"#),
            ("POST", "/resources/apply", r#"{"name":"c","resource":"image","spec":{"x":2}}"#),
            ("POST", "/resources/apply", "[]"),
            ("GET", "/resources", ""),
            ("GET", "/resources?resource=flow&page_size=1", ""),
            ("GET", "/resources/flow?page_size=1&page_token=<next>", ""),
            ("GET", "/resources/none", ""),
            ("GET", "/resources/image/c", ""),
            ("GET", "/resources/image/c/1", ""),
            ("GET", "/resources/image/c/01", ""),
            ("GET", "/resources/image/c/3", ""),
            ("GET", "/resources/image/c?revision=2", ""),
            ("GET", "/resources/image/c?revision=-2", ""),
            ("GET", "/resources/image/c/revisions?page_size=1", ""),
            ("GET", "/resources/image/none/revisions", ""),
            ("PUT", "/resources/image/c", r#"{"spec":{"x":3}}"#),
            ("PUT", "/resources/image/c?expected_revision=1", r#"{"spec":{"x":3}}"#),
            ("PUT", "/resources/image/c", r#"{"spec":{}}"#),
            ("PUT", "/resources/image/none", r#"{"spec":{"x":3}}"#),
            ("GET", "/resources/image/c/runs", ""),
            ("GET", "/runs", ""),
            ("GET", "/runs?page_size=2&states=RUN_STATE_PENDING&states=RUN_STATE_FAILED", ""),
            ("GET", "/runs?page_size=2&states=RUN_STATE_PENDING&states=RUN_STATE_FAILED&page_token=<next>", ""),
            ("GET", "/runs?states=PENDING", ""),
            ("GET", "/runs?name=a", ""),
            ("POST", "/resources/flow/a/runs", ""),
            ("POST", "/resources/flow/a/runs", r#"{"event":"create","request_id":"once"}"#),
            ("POST", "/resources/flow/a/runs", r#"{"event":"create","request_id":"once"}"#),
            ("POST", "/resources/flow/a/runs", r#"{"event":"delete"}"#),
            ("POST", "/resources/flow/none/runs", ""),
            ("GET", "/runs/x", ""),
            ("GET", "/version", ""),
            ("GET", "/drivers", ""),
            ("GET", "/drivers/none", ""),
            ("GET", "/drivers/builder", ""),
            ("DELETE", "/drivers/builder", ""),
            ("DELETE", "/drivers/gone", ""),
            ("DELETE", "/drivers/none", ""),
            ("POST", "/drivers/broadcast-message", r#"{"event":"e","payload":"p"}"#),
            ("POST", "/drivers/broadcast-message", "7"),
            ("GET", "/pipelines", ""),
            ("GET", "/pipelines/line", ""),
            ("GET", "/pipelines/none", ""),
            ("POST", "/pipelines", r#"{"name":"apply","resource":"flow","steps":[]}"#),
            ("POST", "/pipelines/apply", r#"{"name":"q","resource":"flow","steps":[{"driver":"d","params":[ 1.10 ],"timeout":"1.5s","labels":{"b":"2","a":"1"}}]}"#),
            ("PUT", "/pipelines/q", r#"{"resource":"flow","steps":[{"driver":"d","timeout":"x"}]}"#),
            ("PUT", "/pipelines/q", r#"{"resource":"flow","steps":[{"driver":"d","params":null}],"metadata":{"é":"\u0001"}}"#),
            ("DELETE", "/pipelines/line", ""),
            ("DELETE", "/pipelines/q?expected_revision=7", ""),
            ("DELETE", "/pipelines/q", ""),
            ("DELETE", "/resources/image/c", ""),
            ("DELETE", "/resources/image/c", ""),
        ]
        .map(|(verb, target, body)| Request::new(verb, target, body)),
    );
    // Of all ids that were answered some are of runs.
    for number in 0..40 {
        requests.push(Request::new("GET", &format!("/runs/{ID}{number}>"), ""));
        requests.push(Request::new(
            "POST",
            &format!("/runs/{ID}{number}>/cancel"),
            r#"{"reason":"r"}"#,
        ));
    }
    let put = Request::new("PUT", "/resources/flow/a", r#"{"spec":{"if":true}}"#);
    requests.extend(["\"1\"", "\"1\"", "*", "1"].map(|tag| put.clone().with("if-match", tag)));
    let post = Request::new("POST", "/resources", r#"{"name":"d","resource":"flow"}"#);
    requests.extend([
        post.clone().with("idempotency-key", "k"),
        post.clone().with("idempotency-key", "k"),
        post,
    ]);
    requests
}
