//! Those who share a server with an attacker, and must notice nothing.

use crate::support::{Scripted, Server};

/// A user and a driver that behave. Their definition is `image`.
pub(super) struct Neighbours {
    driver: Scripted,
    made: u32,
}

impl Neighbours {
    pub(super) async fn of(server: &Server) -> Self {
        server.define("image").await;
        Self {
            driver: Scripted::new(server, "neighbour", "image").await,
            made: 0,
        }
    }

    /// A resource is written and read, its task is done with a line, and the line is there.
    pub(super) async fn are_served(&mut self, server: &Server) {
        self.made += 1;
        let run = server.create("image", &format!("n{}", self.made)).await;
        assert_eq!(server.get("/resources/image").await.status, 200);
        let task = self.driver.take().await;
        self.driver.log(&task, 0, &["at work"]).await;
        self.driver.logged(1).await;
        self.driver.succeed(&task).await;
        assert_eq!(server.stored_lines(&run).await.len(), 1);
    }
}

/// Runs an attack while the neighbours ask again and again.
pub(super) async fn beside<T>(
    server: &Server,
    neighbours: &mut Neighbours,
    attack: impl Future<Output = T>,
) -> T {
    let mut attack = std::pin::pin!(attack);
    loop {
        // Whole rounds, so that none is cut off in the middle.
        let served = neighbours.are_served(server);
        let mut served = std::pin::pin!(served);
        tokio::select! {
            done = &mut attack => {
                served.await;
                return done;
            }
            () = &mut served => {}
        }
    }
}
