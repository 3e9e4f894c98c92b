//! Who is killed, and when. All of it follows from the seed, but what the others do meanwhile does not.

use std::sync::Arc;
use std::time::{Duration, Instant};

use fastrand::Rng;
use tokio::time::sleep;

use crate::Result;
use crate::book::{Book, count};
use crate::fleet::Fleet;
use crate::server::Server;

/// One who kills.
pub(crate) struct Killer {
    pub(crate) dice: Rng,
    pub(crate) book: Arc<Book>,
}

impl Killer {
    /// One blow, of the server or of a driver.
    pub(crate) async fn strike(&mut self, server: &mut Server, fleet: &mut Fleet) -> Result<()> {
        fleet.wake()?;
        let at = self.dice.usize(..fleet.len());
        let after = self.dice.u64(..3000);
        let counts = Arc::clone(&self.book);
        let counts = &counts.counts;
        match self.dice.u8(..12) {
            0..4 => self.kill_server(server).await?,
            4 => {
                count(&counts.server_stops);
                let status = server.stop().await?;
                if !status.success() {
                    self.book
                        .fault(format!("the server was asked to stop: {status}"));
                }
                server.start_again().await?;
            }
            5..9 => self.kill_driver(fleet)?,
            9 => {
                count(&counts.driver_stops);
                fleet.stop(at, after).await?;
            }
            10 => {
                count(&counts.driver_freezes);
                fleet.freeze(at)?;
            }
            _ => {
                // Both at once, and the driver comes while the server is still away.
                count(&counts.driver_kills);
                fleet.kill(at, 0)?;
                self.kill_server(server).await?;
            }
        }
        Ok(())
    }

    /// Kills a driver; another of its name comes after a while.
    pub(crate) fn kill_driver(&mut self, fleet: &mut Fleet) -> Result<()> {
        count(&self.book.counts.driver_kills);
        let at = self.dice.usize(..fleet.len());
        fleet.kill(at, self.dice.u64(..3000))
    }

    /// Kills the server, and starts it again after a moment.
    pub(crate) async fn kill_server(&mut self, server: &mut Server) -> Result<()> {
        count(&self.book.counts.server_kills);
        server.kill()?;
        // Most come back at once; some leave time for calls that meet nobody.
        if self.dice.u8(..4) == 0 {
            sleep(Duration::from_millis(self.dice.u64(..2000))).await;
        }
        server.start_again().await
    }

    /// The server may end when it is killed and at no other time.
    pub(crate) async fn look_after(&self, server: &mut Server) -> Result<()> {
        if let Some(status) = server.ended()? {
            self.book
                .fault(format!("the server ended by itself: {status}"));
            server.start_again().await?;
        }
        Ok(())
    }

    /// When the next blow falls.
    pub(crate) fn next(&mut self, between: std::ops::Range<u64>) -> Instant {
        Instant::now() + Duration::from_millis(self.dice.u64(between))
    }
}
