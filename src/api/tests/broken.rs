//! What readers see of a log that breaks off in the middle: never an end, which would say that it is whole.

use super::http::Site;

#[tokio::test]
async fn an_event_stream_that_breaks_off_ends_with_the_error_in_the_form_of_all_errors() {
    let site = Site::start().await;
    let answer = site.get("/logs/pipeline/broken").await;
    assert_eq!(answer.status, 200);
    let (line, rest) = answer.body.split_once("\n\n").unwrap();
    assert!(
        line.starts_with("id: 1\ndata: {\"runid\":\"broken\""),
        "{line}"
    );
    assert_eq!(
        rest,
        "event: error\ndata: {\"error\":\"a line cannot be read\",\"code\":\"DATA_LOSS\",\"details\":[]}\n\n"
    );
}

#[tokio::test]
async fn a_websocket_that_breaks_off_closes_with_the_code_of_an_error() {
    let site = Site::start().await;
    let (texts, code) = site.websocket("/logs/pipeline/broken").await;
    assert_eq!((texts.len(), code), (1, 1011));
}

#[tokio::test]
async fn an_array_that_breaks_off_is_no_json() {
    let site = Site::start().await;
    let request = "GET /logs?runid=broken HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    let answer = String::from_utf8(site.say(request.as_bytes()).await).unwrap();
    assert!(
        !answer.contains(']') && !answer.ends_with("0\r\n\r\n"),
        "{answer}"
    );
}
