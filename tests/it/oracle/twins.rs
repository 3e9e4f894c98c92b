//! Two servers in step: one is asked by REST, one by the oracle, and both must say the same.
//!
//! Ids and times differ between them. Ids are matched as they appear: the n-th of one stands for the n-th of the other.

use std::collections::BTreeSet;

use bytes::Buf;
use conveyor_client::proto::GetDriverRequest;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use prost::Message;
use prost_reflect::{DynamicMessage, MessageDescriptor};
use tonic::client::Grpc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::{Code, Status};

use super::descriptors::{Route, Surface};
use super::requests::Request;
use super::shown::{self, Shown};
use super::written::{self, Sent};
use crate::support::{Answer, Scripted, Server, eventually, soon};

/// Stands for the token of the next page in a query.
pub(super) const NEXT: &str = "<next>";
/// Stands, with a number and `>` behind it, for an id that was answered before.
pub(super) const ID: &str = "<id-";

/// All that may stand for something else in a path or a query.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

pub(super) struct Twins {
    pub(super) surface: Surface,
    by_rest: Server,
    by_oracle: Server,
    /// The ids that were answered, of the one and of the other.
    ids: Vec<(String, String)>,
    next: (String, String),
    told: BTreeSet<String>,
    agreed: usize,
    refused: usize,
}

impl Twins {
    pub(super) async fn start() -> Self {
        let by_rest = Server::start().await;
        Self {
            surface: Surface::of(&by_rest).await,
            by_oracle: Server::start().await,
            by_rest,
            ids: Vec::new(),
            next: (String::new(), String::new()),
            told: BTreeSet::new(),
            agreed: 0,
            refused: 0,
        }
    }

    /// A driver that is there on both, and one that has gone. They listen to what nobody makes.
    pub(super) async fn drivers(&self) -> [Scripted; 2] {
        let join = async |server: &Server| {
            let gone = Scripted::new(server, "gone", "elsewhere")
                .await
                .close()
                .await;
            assert_eq!(gone.code(), Code::Ok, "{gone}");
            eventually("the driver has gone", async || {
                let name = "gone".to_owned();
                let driver = server.drivers().get_driver(GetDriverRequest { name }).await;
                driver
                    .unwrap()
                    .into_inner()
                    .instances
                    .is_empty()
                    .then_some(())
            })
            .await;
            Scripted::new(server, "builder", "elsewhere").await
        };
        [join(&self.by_rest).await, join(&self.by_oracle).await]
    }

    /// How many requests went well, and how many were refused.
    pub(super) fn tally(&self) -> (usize, usize) {
        (self.agreed, self.refused)
    }

    /// The routes at which nothing went well.
    pub(super) fn untold(&self) -> Vec<String> {
        let names = self.surface.routes.iter().map(name);
        names.filter(|name| !self.told.contains(name)).collect()
    }

    /// Makes the request of both, and compares what they say.
    pub(super) async fn compare(&mut self, request: &Request) {
        let route = request.route(&self.surface).clone();
        let had = self
            .rest(&request.filled(|text| self.fill(text, Side::Rest)))
            .await;
        let asked = request.filled(|text| self.fill(text, Side::Oracle));
        let sent = Sent {
            path: &route_fields(&route, &asked.path),
            query: &asked.query,
            headers: &asked.headers,
            body: &asked.body,
        };
        let message = match written::message(&route, &sent) {
            Ok(message) => message,
            Err(status) => {
                assert_eq!(had.status, status, "{request:?}: {}", had.body);
                assert!(had.json()["error"].is_string(), "{request:?}: {}", had.body);
                self.refused += 1;
                return;
            }
        };
        let wanted = match call(&self.by_oracle, &route, message).await {
            Ok(answer) => {
                self.turn_page(&had, &answer);
                self.told.insert(name(&route));
                self.agreed += 1;
                shown::answer(&route, &answer)
            }
            Err(status) => {
                self.refused += 1;
                let conditional = asked.headers.iter().any(|(name, _)| name == "if-match");
                shown::failure(&route, &status, conditional)
            }
        };
        self.same(request, &shown_by(&had), &wanted);
    }

    async fn rest(&self, request: &Request) -> Answer {
        let encode = |text: &str| utf8_percent_encode(text, ENCODED).to_string();
        let path: String = request
            .path
            .iter()
            .map(|part| format!("/{}", encode(part)))
            .collect();
        let query: Vec<String> = request
            .query
            .iter()
            .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
            .collect();
        let mut headers: Vec<(&str, &str)> = vec![("content-type", "application/json")];
        headers.extend(
            request
                .headers
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str())),
        );
        let path = match query.is_empty() {
            true => path,
            false => format!("{path}?{}", query.join("&")),
        };
        self.by_rest
            .http(&request.verb, &path, &headers, &request.body)
            .await
    }

    /// Puts what stands for an id or a token in its place.
    fn fill(&self, text: &str, side: Side) -> String {
        let of = |(rest, oracle): &(String, String)| match side {
            Side::Rest => rest.clone(),
            Side::Oracle => oracle.clone(),
        };
        let number = text
            .strip_prefix(ID)
            .and_then(|rest| rest.strip_suffix('>'));
        match number.map(|number| number.parse::<usize>().unwrap()) {
            Some(_) if self.ids.is_empty() => "none".to_owned(),
            Some(number) => of(&self.ids[number % self.ids.len()]),
            None if text == NEXT => of(&self.next),
            None => text.to_owned(),
        }
    }

    fn turn_page(&mut self, had: &Answer, answer: &DynamicMessage) {
        let token = answer.get_field_by_name("next_page_token");
        let link = had.headers.get("link").map(|link| link.to_str().unwrap());
        if let (Some(token), Some(link)) = (token, link) {
            let (_, rest) = link.split_once("page_token=").unwrap();
            let (rest, _) = rest.split_once('>').unwrap();
            self.next = (rest.to_owned(), token.as_str().unwrap().to_owned());
        }
    }

    fn same(&mut self, request: &Request, had: &Shown, wanted: &Shown) {
        let (had_text, had_ids) = skeleton(had);
        let (wanted_text, wanted_ids) = skeleton(wanted);
        assert_eq!(had_text, wanted_text, "{request:?}");
        for pair in had_ids.into_iter().zip(wanted_ids) {
            match self
                .ids
                .iter()
                .find(|(one, other)| *one == pair.0 || *other == pair.1)
            {
                Some(known) => assert_eq!(*known, pair, "an id for two things: {request:?}"),
                None => self.ids.push(pair),
            }
        }
    }
}

#[derive(Clone, Copy)]
enum Side {
    Rest,
    Oracle,
}

fn name(route: &Route) -> String {
    format!("{} /{}", route.verb, route.path.join("/"))
}

/// The parts of the path that stand for fields.
fn route_fields(route: &Route, path: &[String]) -> Vec<String> {
    let parts = route.path.iter().zip(path);
    parts
        .filter(|(of, _)| of.starts_with('{'))
        .map(|(_, part)| part.clone())
        .collect()
}

fn shown_by(answer: &Answer) -> Shown {
    let header = |name: &str| {
        answer
            .headers
            .get(name)
            .map(|value| value.to_str().unwrap().to_owned())
    };
    Shown {
        status: answer.status,
        body: answer.body.clone(),
        run: header("conveyor-run-id"),
        has_next: header("link").is_some(),
    }
}

/// An answer without its ids and times, and its ids.
fn skeleton(shown: &Shown) -> (String, Vec<String>) {
    let text = format!(
        "{} {:?} {} {}",
        shown.status, shown.run, shown.has_next, shown.body
    );
    let (mut skeleton, mut ids, mut rest) = (String::new(), Vec::new(), text.as_str());
    while let Some(letter) = rest.chars().next() {
        let id = rest
            .get(..36)
            .filter(|part| uuid::Uuid::try_parse(part).is_ok());
        if let Some(id) = id {
            ids.push(id.to_owned());
            skeleton += "<id>";
            rest = &rest[36..];
        } else if let Some(after) = rest.strip_prefix("_time\":\"") {
            skeleton += "_time\":\"<time>";
            rest = &after[after.find('"').unwrap()..];
        } else {
            skeleton.push(letter);
            rest = &rest[letter.len_utf8()..];
        }
    }
    (skeleton, ids)
}

/// Calls a method with a dynamic message.
async fn call(
    server: &Server,
    route: &Route,
    message: DynamicMessage,
) -> Result<DynamicMessage, Status> {
    let service = route.method.parent_service().full_name().to_owned();
    let path = format!("/{service}/{}", route.method.name())
        .parse()
        .unwrap();
    let mut grpc = Grpc::new(server.channel.clone()).max_decoding_message_size(64 << 20);
    soon("the channel", grpc.ready()).await.unwrap();
    let codec = Dynamic(route.method.output());
    let called = grpc.unary(tonic::Request::new(message), path, codec);
    Ok(soon("an answer over gRPC", called).await?.into_inner())
}

/// Messages that are known by their descriptors only.
#[derive(Clone)]
struct Dynamic(MessageDescriptor);

impl Codec for Dynamic {
    type Encode = DynamicMessage;
    type Decode = DynamicMessage;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        self.clone()
    }

    fn decoder(&mut self) -> Self {
        self.clone()
    }
}

impl Encoder for Dynamic {
    type Item = DynamicMessage;
    type Error = Status;

    fn encode(&mut self, message: DynamicMessage, into: &mut EncodeBuf<'_>) -> Result<(), Status> {
        message
            .encode(into)
            .map_err(|error| Status::new(Code::Internal, error.to_string()))
    }
}

impl Decoder for Dynamic {
    type Item = DynamicMessage;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<DynamicMessage>, Status> {
        let bytes = from.copy_to_bytes(from.remaining());
        let message = DynamicMessage::decode(self.0.clone(), bytes);
        message
            .map(Some)
            .map_err(|error| Status::new(Code::Internal, error.to_string()))
    }
}
