//! LogService.

use futures_util::StreamExt;
use tonic::{Request, Response, Status, Streaming};

use super::{Answers, Api};
use crate::api::AppendLines;
use crate::api::convert::{time, time_from};
use crate::api::rest::stream::WaitForUnknownRun;
use crate::engine::logs::{Lines, OutsideLine, TailQuery};
use crate::error::{Error, Violation};
use crate::model::log::Line;
use crate::proto::log_service_server::LogService;
use crate::proto::{
    AppendLogsRequest, AppendLogsResponse, LogEntry, LogGap, TailLogsRequest, TailLogsResponse,
};

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
            lines.map(move |lines| Ok(response(&run, lines?))).boxed(),
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

fn response(run: &str, lines: Lines) -> TailLogsResponse {
    let chunk = lines.chunk;
    let entries = chunk
        .lines
        .into_iter()
        .zip(lines.first..)
        .map(|(line, seq)| LogEntry {
            run_id: run.to_owned(),
            seq,
            step: chunk.step.clone(),
            attempt: chunk.attempt.cast_signed(),
            driver: chunk.driver.clone(),
            pipeline: chunk.pipeline.clone(),
            time: Some(time(line.time)),
            stream: line.stream,
            labels: line.labels.into_iter().collect(),
            message: line.message,
        });
    let gap = lines.gap.then_some(LogGap {
        first_seq: lines.first,
    });
    TailLogsResponse {
        entries: entries.collect(),
        gap,
    }
}
