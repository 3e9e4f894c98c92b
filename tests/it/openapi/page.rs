//! The page that shows the document.

use crate::support::Server;

#[tokio::test]
async fn short_paths_lead_to_the_page() {
    let server = Server::start().await;
    for path in ["/swagger", "/swagger/"] {
        let answer = server.get(path).await;
        assert_eq!(answer.status, 301, "{path}");
        assert_eq!(answer.headers["location"], "/swagger/index.html", "{path}");
    }
}

#[tokio::test]
async fn page_needs_nothing_from_elsewhere() {
    let server = Server::start().await;
    let page = server.get("/swagger/index.html").await;
    assert_eq!(page.status, 200);
    assert_eq!(page.headers["content-type"], "text/html");
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'"), "{policy}");
    assert!(!policy.contains("http"), "no source but our own: {policy}");
    let files = page.body.split(['"', '\'']).filter_map(|part| {
        let (_, ending) = part.rsplit_once('.')?;
        matches!(ending, "css" | "js" | "png").then(|| part.trim_start_matches("./"))
    });
    let files: Vec<&str> = files.collect();
    assert!(files.len() >= 6, "{files:?}");
    for file in files {
        assert!(!file.contains("//"), "{file} is from elsewhere");
        let path = format!("/swagger/{file}");
        let answer = server.http("HEAD", &path, &[], "").await;
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(
            answer.headers["x-content-type-options"], "nosniff",
            "{path}"
        );
    }
    let start = server.get("/swagger/swagger-initializer.js").await;
    assert!(start.body.contains("\"/openapi.json\""), "{}", start.body);
    assert!(
        start.body.contains("\"validatorUrl\": \"none\""),
        "{}",
        start.body
    );
}

#[tokio::test]
async fn what_is_no_file_of_the_page_is_not_found() {
    let server = Server::start().await;
    for path in [
        "/swagger/nothing.html",
        "/swagger/..%2fCargo.toml",
        "/swagger/%2fetc%2fpasswd",
    ] {
        let answer = server.get(path).await;
        assert_eq!(
            (answer.status, &answer.json()["code"]),
            (404, &"NOT_FOUND".into()),
            "{path}"
        );
    }
    let answer = server.get("/swagger/%ff").await;
    assert_eq!(
        (answer.status, &answer.json()["code"]),
        (400, &"INVALID_ARGUMENT".into())
    );
}
