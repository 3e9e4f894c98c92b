//! Web pages from elsewhere are kept out of gRPC as they are out of REST: a page whose name leads to this
//! machine (DNS rebinding) may send any content type over HTTP/1.

use crate::support::Server;

/// What the server says to a call of `ListRuns` from a page.
async fn call(server: &Server, host: &str, origin: &str) -> String {
    let request = format!(
        "POST /conveyor.v1.RunService/ListRuns HTTP/1.1\r\nhost: {host}\r\n{origin}te: trailers\r\n\
        content-type: application/grpc\r\ncontent-length: 5\r\nconnection: close\r\n\r\n\0\0\0\0\0"
    );
    server.raw(request.as_bytes()).await
}

#[tokio::test]
async fn grpc_from_pages_of_other_hosts_is_refused_with_a_status_that_says_why() {
    let server = Server::with(&[
        ("api.origins", "https://friend.example"),
        ("api.hosts", "ci.example"),
    ])
    .await;
    let own = server.address.to_string();
    for (host, origin, setting) in [
        ("evil.example", "", "api.hosts"),
        (
            "evil.example",
            "origin: http://evil.example\r\n",
            "api.hosts",
        ),
        (&own, "origin: https://evil.example\r\n", "api.origins"),
        (&own, "origin: null\r\n", "api.origins"),
    ] {
        let answer = call(&server, host, origin).await;
        assert!(
            answer.contains("grpc-status: 7\r\n"),
            "{host} {origin}: {answer}"
        );
        assert!(answer.contains(setting), "{host} {origin}: {answer}");
    }
    let of_own = format!("origin: http://{own}\r\n");
    for (host, origin) in [
        (own.as_str(), ""),
        (&own, &of_own),
        (&own, "origin: https://friend.example\r\n"),
        ("ci.example", ""),
    ] {
        let answer = call(&server, host, origin).await;
        let is_let_in = answer.starts_with("HTTP/1.1 200 ") && !answer.contains("grpc-status: 7");
        assert!(is_let_in, "{host} {origin}: {answer}");
    }
}
