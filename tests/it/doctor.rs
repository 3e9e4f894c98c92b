//! `conveyor doctor` as a person runs it. What it finds in damaged stores is tested beside it, in `src/store/doctor`.

use serde_json::Value;

use crate::support::{Scripted, Server, doctor};

#[tokio::test]
async fn a_store_whose_server_was_killed_at_work_is_clean() {
    let mut server = Server::start().await;
    server.define("image").await;
    server
        .pipeline("build", "image", &[("one", "builder")])
        .await;
    let mut driver = Scripted::new(&server, "builder", "image").await;
    for n in 0..20 {
        server.create_in("build", "image", &format!("r{n}")).await;
        let task = driver.take().await;
        driver.log(&task, 0, &["a", "b", "c"]).await;
        driver.logged(3).await;
        // The last run is open when the server is killed.
        if n < 19 {
            driver.report(Scripted::success(&task, 3)).await;
        }
    }
    let held = doctor(&server.data(), &[]).await;
    assert_eq!(held.status.code(), Some(2));
    let said = String::from_utf8(held.stderr).unwrap();
    assert!(
        said.contains("a server holds") && said.contains("stop it first"),
        "{said}"
    );
    server.kill();
    let looked = doctor(&server.data(), &[]).await;
    let said = String::from_utf8(looked.stdout).unwrap();
    assert_eq!(looked.status.code(), Some(0), "{said}");
    assert!(said.ends_with("nothing is wrong\n"), "{said}");
    assert_eq!(
        String::from_utf8(looked.stderr).unwrap(),
        "",
        "no progress line in a pipe"
    );
    let looked = doctor(&server.data(), &["-o", "json"]).await;
    let report: Value = serde_json::from_slice(&looked.stdout).unwrap();
    assert_eq!(report["found"], 0);
    assert!(report["position"].as_u64().unwrap() > 40, "{report}");
    server.start_again().await;
}

#[tokio::test]
async fn damage_is_told_with_what_it_means_and_what_to_do() {
    let mut server = Server::start().await;
    server.define("image").await;
    server.kill_and_start_again().await;
    server.kill();
    let mut tables = std::fs::read_dir(server.data())
        .unwrap()
        .map(|file| file.unwrap().path());
    let table = tables.find(|path| path.extension().is_some_and(|it| it == "sst"));
    let table = table.expect("the second start wrote tables");
    let mut bytes = std::fs::read(&table).unwrap();
    bytes[3] ^= 1;
    std::fs::write(&table, bytes).unwrap();
    let looked = doctor(&server.data(), &[]).await;
    let said = String::from_utf8(looked.stdout).unwrap();
    assert_eq!(looked.status.code(), Some(1), "{said}");
    assert!(
        said.contains(table.file_name().unwrap().to_str().unwrap()),
        "{said}"
    );
    assert!(said.contains("What to do: look at the disk"), "{said}");
    let nothing = doctor(&server.place().join("gone"), &[]).await;
    assert_eq!(nothing.status.code(), Some(2));
    assert!(
        String::from_utf8(nothing.stderr)
            .unwrap()
            .contains("there is no store in")
    );
}
