//! A slow reader beside a fast one: neither loses a line, and the slow one costs the server nothing.

use conveyor_client::proto::AppendLogsRequest;
use conveyor_client::proto::LogEntry;
use futures_util::StreamExt;
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

use crate::support::{Server, Sse, soon};

const LINES: u64 = 100_000;
/// Lines of one batch, and the bytes of one line: 80 MB in all.
const BATCH: u64 = 1000;
const BYTES: usize = 800;
/// More than the caches and buffers of a server that writes 80 MB. Should it keep what the slow ones have not read, it
/// would hold 100 MB more for each of the two. On a machine that is busy it grows by up to 190 MiB without that.
const MOST_GROWN: u64 = 230 << 20;

const RUN: &str = "run-of-somebody";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hundred_thousand_lines_reach_slow_and_fast_readers_whole_and_memory_stays_flat() {
    let server = Server::start().await;
    let mut slow = [
        Reader::sse(&server, "?format=json").await,
        Reader::websocket(&server, "?format=json").await,
    ];
    let mut fast = [
        Reader::sse(&server, "?format=json").await,
        Reader::websocket(&server, "?format=json").await,
    ];
    let before = server.resident_bytes();
    let [sse, websocket] = &mut fast;
    tokio::join!(write(&server), sse.read(1, LINES), websocket.read(1, LINES));
    let grown = server.resident_bytes().saturating_sub(before);
    assert!(grown < MOST_GROWN, "the server has grown by {grown} bytes");
    // What was left unread is still to be had, at any pace.
    for reader in &mut slow {
        reader.read(1, LINES).await;
    }
    let grown = server.resident_bytes().saturating_sub(before);
    assert!(grown < MOST_GROWN, "the server has grown by {grown} bytes");
}

async fn write(server: &Server) {
    let batches = (0..LINES / BATCH).map(|batch| AppendLogsRequest {
        entries: (1..=BATCH)
            .map(|n| LogEntry {
                run_id: RUN.to_owned(),
                driver: "writer".to_owned(),
                message: format!("{:0BYTES$}", batch * BATCH + n),
                ..LogEntry::default()
            })
            .collect(),
    });
    let answer = server.logs().append_logs(tokio_stream::iter(batches)).await;
    assert_eq!(answer.unwrap().into_inner().count, LINES);
}

/// One who follows the run.
enum Reader {
    Sse(Sse),
    Websocket(Box<WebSocketStream<TcpStream>>),
}

impl Reader {
    async fn sse(server: &Server, query: &str) -> Self {
        Self::Sse(
            server
                .sse(&format!("/logs/pipeline/{RUN}{query}"), &[])
                .await,
        )
    }

    async fn websocket(server: &Server, query: &str) -> Self {
        let url = format!("ws://{}/logs/pipeline/{RUN}{query}", server.address);
        let stream = TcpStream::connect(server.address).await.unwrap();
        let (socket, _) = tokio_tungstenite::client_async(url, stream).await.unwrap();
        Self::Websocket(Box::new(socket))
    }

    /// Reads these lines, each once and in order.
    async fn read(&mut self, first: u64, last: u64) {
        for seq in first..=last {
            // Not parsed as JSON: that would take longer than all else here.
            let line = self.line().await;
            assert!(line.contains(&format!("\"seq\":{seq},")), "{seq}: {line}");
            assert!(
                line.ends_with(&format!("{seq:0BYTES$}\"}}")),
                "{seq}: {line}"
            );
        }
    }

    async fn line(&mut self) -> String {
        match self {
            Self::Sse(events) => {
                let event = events.next().await.expect("nobody ends this stream");
                let data = event.into_iter().find(|(name, _)| name == "data");
                data.expect("each event has data").1
            }
            Self::Websocket(socket) => loop {
                match soon("a frame", socket.next()).await {
                    Some(Ok(Message::Text(text))) => return text.to_string(),
                    Some(Ok(Message::Ping(_))) => (),
                    other => panic!("expected a line, not {other:?}"),
                }
            },
        }
    }
}
