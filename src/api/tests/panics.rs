//! Answers that panic in their middle. What panics before an answer begins is tested with the real services, in
//! `server/tests.rs`.

use futures_util::StreamExt;
use tokio_stream::iter;
use tonic::Code;

use super::http::Site;
use conveyor_client::proto::log_service_client::LogServiceClient;
use conveyor_client::proto::{AppendLogsRequest, LogEntry, TailLogsRequest};

#[tokio::test]
async fn a_call_that_panics_in_its_answer_ends_as_the_servers_fault_and_the_others_of_its_connection_go_on()
 {
    let site = Site::start().await;
    let mut client = LogServiceClient::new(site.channel().await);
    let tail = |run: &str| TailLogsRequest {
        run_id: run.into(),
        ..TailLogsRequest::default()
    };
    let (send, sent) = tokio::sync::mpsc::channel(1);
    let open = tokio_stream::wrappers::ReceiverStream::new(sent);
    let mut other = client.clone();
    let open = tokio::spawn(async move { other.append_logs(open).await });
    let failed = client.tail_logs(tail("panics")).await.unwrap().into_inner();
    let told: Vec<_> = failed.collect().await;
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].is_ok());
    assert_eq!(told[1].as_ref().unwrap_err().code(), Code::Internal);
    let entry = LogEntry {
        run_id: "r".into(),
        ..LogEntry::default()
    };
    let request = AppendLogsRequest {
        entries: vec![entry],
    };
    send.send(request.clone()).await.unwrap();
    drop(send);
    assert_eq!(open.await.unwrap().unwrap().into_inner().count, 1);
    let again = client.append_logs(iter([request])).await;
    assert_eq!(again.unwrap().into_inner().count, 1);
}

#[tokio::test]
async fn events_that_panic_break_off_and_a_websocket_is_closed() {
    let site = Site::start().await;
    let ask = "GET /logs/pipeline/panics HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let answer = String::from_utf8(site.say(ask.as_bytes()).await).unwrap();
    assert!(answer.contains("id: 1"), "{answer}");
    assert!(
        !answer.contains("event: end") && !answer.ends_with("0\r\n\r\n"),
        "{answer}"
    );
    let mut socket = site.open_websocket("/logs/pipeline/panics").await;
    assert!(socket.next().await.unwrap().unwrap().is_text());
    // No goodbye: the reader knows that it was not the end.
    assert!(socket.next().await.is_none_or(|it| it.is_err()));
    assert_eq!(site.get("/health").await.status, 200);
}
