//! Numbered lines of a log: written as fast as they are acked, and counted by who reads them.

use conveyor_client::proto::driver_stream_response::Kind as Hear;
use conveyor_client::proto::{LogAckStatus, LogLine, Reconcile};

use super::Result;
use super::driver::Driver;

/// Lines of one message: about 64 KiB.
const BATCH: u64 = 640;
/// Messages that a driver sends ahead of their acks.
const AHEAD: u64 = 16;
/// Digits of a line's number.
const DIGITS: usize = 7;

/// A line of 100 bytes, as like the one before it as those of a build are.
pub(crate) fn line(number: u64) -> LogLine {
    // Names of outputs are hashes: no two are alike, and no compression makes them shorter.
    let hash = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let (module, part) = (number / 100 % 1000, number % 100);
    LogLine {
        stream: "stdout".to_owned(),
        message: format!(
            "{number:0DIGITS$} compiling src/shop/module-{module:03}/part-{part:02}.rs into target/objects/{hash:016x}.o, no warnings"
        ),
        ..LogLine::default()
    }
}

/// Writes so many lines of a task, and ends it when all are on disk.
pub(crate) async fn write(driver: &mut Driver, task: &Reconcile, lines: u64) -> Result<()> {
    let (mut sent, mut acked) = (0, 0);
    while acked < lines {
        while sent < lines && sent < acked + AHEAD * BATCH {
            let end = lines.min(sent + BATCH);
            driver
                .log(task, sent, (sent..end).map(line).collect())
                .await?;
            sent = end;
        }
        match driver.hear().await? {
            Hear::LogAck(ack) if ack.status() == LogAckStatus::Stored => acked = ack.next,
            other => return Err(format!("expected a LogAck, heard {other:?}").into()),
        }
    }
    driver.succeed(task, lines).await?;
    driver.applied().await
}

/// Sees that each line comes once and in order.
#[derive(Default)]
pub(crate) struct Count(u64);

impl Count {
    /// A line that came: it is the one after the last.
    pub(crate) fn take(&mut self, message: &str) -> Result<()> {
        let number: u64 = message.get(..DIGITS).ok_or("a short line")?.parse()?;
        if number != self.0 {
            return Err(format!("line {number} came in the place of {}", self.0).into());
        }
        self.0 += 1;
        Ok(())
    }

    /// How many came.
    pub(crate) fn lines(&self) -> u64 {
        self.0
    }

    /// Nothing more comes: these were all.
    pub(crate) fn complete(&self, lines: u64) -> Result<()> {
        if self.0 != lines {
            return Err(format!("{} lines came of {lines}", self.0).into());
        }
        Ok(())
    }
}
