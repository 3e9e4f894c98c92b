//! LogService.

use bytes::{BufMut, BytesMut};
use futures_util::StreamExt;
use prost::{Message, encode_length_delimiter, length_delimiter_len};
use tonic::{Request, Response, Status, Streaming};

use super::{Answers, Api};
use crate::api::convert::time_from;
use crate::api::rest::stream::WaitForUnknownRun;
use crate::engine::logs::OutsideLine;
use crate::engine::tail::{Lines, Part, TailQuery};
use crate::error::{Error, Violation};
use crate::model::log::{Line, log_id};
use crate::proto::log_service_server::LogService;
use crate::proto::{
    AppendLogsRequest, AppendLogsResponse, LogEntry, LogGap, TailLogsRequest, TailLogsResponse,
    TailedLines,
};

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl LogService for Api {
    type TailLogsStream = Answers<TailLogsResponse>;

    async fn tail_logs(&self, request: Request<TailLogsRequest>) -> Answer<Self::TailLogsStream> {
        let wait_for_unknown = request.extensions().get::<WaitForUnknownRun>().is_some();
        let request = request.into_inner();
        let run = log_id(&request.run_id).map_err(|what| Error::invalid("run_id", what))?;
        let since = request.since.map(|time| time_from(time, "since"));
        let since = since
            .transpose()
            .map_err(|violation| Error::Invalid(vec![violation]))?;
        let query = TailQuery {
            run: run.clone(),
            driver: request.driver,
            step: request.step,
            after: request.after,
            last_lines: request.last_lines,
            since,
            follow: request.follow.unwrap_or(true),
            wait_for_unknown,
        };
        let lines = self.engine.tail(query).await?;
        Ok(Response::new(
            lines.map(move |lines| Ok(response(&run, &lines?))).boxed(),
        ))
    }

    async fn append_logs(
        &self,
        request: Request<Streaming<AppendLogsRequest>>,
    ) -> Answer<AppendLogsResponse> {
        let mut requests = request.into_inner();
        let mut count = 0;
        while let Some(request) = requests.message().await? {
            count += self.append(request.entries).await?;
        }
        Ok(Response::new(AppendLogsResponse { count }))
    }
}

impl Api {
    async fn append(&self, entries: Vec<LogEntry>) -> Result<u64, Status> {
        let now = self.engine.now();
        let mut violations = Vec::new();
        let mut lines = Vec::with_capacity(entries.len());
        for (at, entry) in entries.into_iter().enumerate() {
            let field = format!("entries[{at}].time");
            match entry.time.map_or(Ok(now), |time| time_from(time, &field)) {
                Ok(time) => lines.push(OutsideLine {
                    run: entry.run_id,
                    driver: entry.driver,
                    pipeline: entry.pipeline,
                    line: Line {
                        time,
                        stream: entry.stream,
                        labels: entry.labels.into_iter().collect(),
                        message: entry.message,
                    },
                }),
                Err(violation) => violations.push(violation),
            }
        }
        refuse(violations)?;
        Ok(self.engine.append_lines(lines).await?)
    }
}

fn refuse(violations: Vec<Violation>) -> Result<(), Error> {
    if violations.is_empty() {
        Ok(())
    } else {
        Err(Error::Invalid(violations))
    }
}

/// The lines as they go over the wire: each entry is what the lines of its chunk share, its number, and then the line
/// as it is stored.
fn response(run: &str, lines: &Lines) -> TailLogsResponse {
    let mut answer = BytesMut::new();
    for part in &lines.parts {
        let shared = LogEntry {
            run_id: run.to_owned(),
            step: part.chunk.step.clone(),
            attempt: part.chunk.attempt.cast_signed(),
            driver: part.chunk.driver.clone(),
            pipeline: part.chunk.pipeline.clone(),
            ..LogEntry::default()
        };
        put_entries(&shared.encode_to_vec(), part, &mut answer);
    }
    let gap = TailedLines {
        entries: Vec::new(),
        gap: lines.gap.map(|first_seq| LogGap { first_seq }),
    };
    gap.encode(&mut answer)
        .expect("a buffer takes any number of bytes");
    TailLogsResponse(answer.freeze())
}

fn put_entries(shared: &[u8], part: &Part, answer: &mut BytesMut) {
    /// The field `entries` of a response, of a length that follows.
    const ENTRIES: u8 = 1 << 3 | 2;
    /// The field `seq` of an entry, a varint.
    const SEQ: u8 = 2 << 3;
    let fits = "a buffer takes any number of bytes";
    let count = usize::try_from(part.count).expect("what is in memory can be counted");
    answer.reserve(part.lines.bytes() + count * (shared.len() + 16));
    for (line, seq) in part.lines.iter().zip(part.first..) {
        let seq = usize::try_from(seq).expect("no log is so long");
        let length = shared.len() + 1 + length_delimiter_len(seq) + line.len();
        answer.put_u8(ENTRIES);
        encode_length_delimiter(length, answer).expect(fits);
        answer.put_slice(shared);
        answer.put_u8(SEQ);
        encode_length_delimiter(seq, answer).expect(fits);
        answer.put_slice(line);
    }
}
