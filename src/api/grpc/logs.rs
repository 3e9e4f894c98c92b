//! LogService.

use bytes::BytesMut;
use futures_util::StreamExt;
use prost::Message;
use tonic::{Request, Response, Status, Streaming};

use super::{Answers, Api};
use crate::api::AppendLines;
use crate::api::convert::time_from;
use crate::api::rest::stream::WaitForUnknownRun;
use crate::engine::logs::OutsideLine;
use crate::engine::tail::{Lines, TailQuery};
use crate::error::{Error, Violation};
use crate::model::log::Line;
use crate::proto::log_service_server::LogService;
use crate::proto::{
    AppendLogsRequest, AppendLogsResponse, LogEntry, LogGap, TailLogsRequest, TailLogsResponse,
};

/// Most bytes of a line's number on the wire.
const NUMBER_BYTES: usize = 11;

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl LogService for Api {
    type TailLogsStream = Answers<TailLogsResponse>;

    async fn tail_logs(&self, request: Request<TailLogsRequest>) -> Answer<Self::TailLogsStream> {
        let wait_for_unknown = request.extensions().get::<WaitForUnknownRun>().is_some();
        let request = request.into_inner();
        let run = request.run_id.clone();
        let query = TailQuery {
            run: request.run_id,
            driver: request.driver,
            step: request.step,
            after: request.after,
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

#[tonic::async_trait]
impl AppendLines for Api {
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

/// The lines as they go over the wire: what all of them share, each one's number, and then the line as it is stored.
fn response(run: &str, lines: &Lines) -> TailLogsResponse {
    let writer = lines.writer();
    let mut entry = LogEntry {
        run_id: run.to_owned(),
        step: writer.step.clone(),
        attempt: writer.attempt.cast_signed(),
        driver: writer.driver.clone(),
        pipeline: writer.pipeline.clone(),
        ..LogEntry::default()
    };
    let lines_of = lines.lines();
    let shared = entry.encoded_len() + NUMBER_BYTES;
    let bytes: usize = lines_of
        .iter()
        .map(|line| shared + line.encoded.len())
        .sum();
    let mut buffer = BytesMut::with_capacity(bytes);
    let entries = lines_of.iter().map(|line| {
        entry.seq = line.seq;
        entry
            .encode(&mut buffer)
            .expect("a buffer takes any number of bytes");
        buffer.extend_from_slice(&line.encoded);
        buffer.split().freeze()
    });
    TailLogsResponse {
        entries: entries.collect(),
        gap: lines.gap.then(|| LogGap {
            first_seq: lines_of[0].seq,
        }),
    }
}
