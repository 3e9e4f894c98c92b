//! Twenty drivers, each a process of its own.

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::Result;

/// How many names drivers have, and how many processes have each name.
pub(crate) const NAMES: usize = 5;
const OF_EACH: usize = 4;

/// The drivers.
pub(crate) struct Fleet {
    server: String,
    drivers: Vec<Child>,
    /// Those that were stopped and not woken yet.
    asleep: Vec<usize>,
}

/// The name of a driver.
pub(crate) fn name(number: usize) -> String {
    format!("driver-{}", number % NAMES)
}

impl Fleet {
    /// Starts them all.
    pub(crate) fn start(server: SocketAddr) -> Result<Self> {
        let mut fleet = Self {
            server: format!("http://{server}"),
            drivers: Vec::new(),
            asleep: Vec::new(),
        };
        for number in 0..NAMES * OF_EACH {
            let driver = fleet.launch(number, 0)?;
            fleet.drivers.push(driver);
        }
        Ok(fleet)
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.drivers.len()
    }

    /// Ends one with no warning; another of its name comes so many milliseconds later.
    pub(crate) fn kill(&mut self, at: usize, after: u64) -> Result<()> {
        self.drivers[at].kill()?;
        self.replace(at, after)
    }

    /// Asks one to stop and waits until it has done what it had in hand; then as for one that was killed.
    pub(crate) async fn stop(&mut self, at: usize, after: u64) -> Result<()> {
        self.signal(at, Signal::CONT)?;
        self.signal(at, Signal::TERM)?;
        // Its last results want a server, which may be away for a moment.
        for _ in 0..1000 {
            if self.drivers[at].try_wait()?.is_some() {
                return self.replace(at, after);
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        Err("a driver did not stop when it was asked to".into())
    }

    /// Stops the processor for one: its peers hear nothing from it, and its connections stay.
    pub(crate) fn freeze(&mut self, at: usize) -> Result<()> {
        self.signal(at, Signal::STOP)?;
        self.asleep.push(at);
        Ok(())
    }

    /// Lets all that were stopped go on.
    pub(crate) fn wake(&mut self) -> Result<()> {
        for at in std::mem::take(&mut self.asleep) {
            self.signal(at, Signal::CONT)?;
        }
        Ok(())
    }

    fn replace(&mut self, at: usize, after: u64) -> Result<()> {
        self.drivers[at].wait()?;
        self.asleep.retain(|it| *it != at);
        self.drivers[at] = self.launch(at, after)?;
        Ok(())
    }

    fn signal(&self, at: usize, signal: Signal) -> Result<()> {
        Ok(kill_process(Pid::from_child(&self.drivers[at]), signal)?)
    }

    fn launch(&self, number: usize, after: u64) -> Result<Child> {
        Ok(Command::new(std::env::current_exe()?)
            .args(["driver", "--server", &self.server, "--name", &name(number)])
            .args(["--after", &after.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()?)
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        for driver in &mut self.drivers {
            // It may have ended by itself already.
            let _ = driver.kill();
            let _ = driver.wait();
        }
    }
}
