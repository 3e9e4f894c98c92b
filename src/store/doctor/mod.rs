//! The doctor: looks through a store that no server holds, and changes nothing.
//!
//! Every file, key and value is read once, family after family. What names something else makes a claim, which is held
//! against the store in sorted batches (`claims`), so that memory is bounded however large the store is: one value, one
//! batch of claims, the counts of one log, and the first `MOST_SHOWN` findings.

mod claims;
mod finding;
mod logs;
mod open;
mod values;

use std::path::Path;

use self::claims::Claims;
pub use self::finding::{Fault, Finding};
use self::logs::LogCheck;
use super::batch::Position;
use super::keys::decode::{Parts, decode};
use super::keys::{Family, Key};
use super::read::{self, Stored};
use super::records;
use super::witness::{self, Says};

/// Findings that a report names; the others are counted.
const MOST_SHOWN: usize = 1000;

/// What the doctor found.
#[derive(Debug, Default)]
pub struct Report {
    /// The format of the store.
    pub format: u32,
    /// The position of its newest batch.
    pub position: u64,
    /// Keys and bytes of each family.
    pub families: Vec<Counts>,
    /// What is wrong, the first findings of all.
    pub findings: Vec<Finding>,
    /// How many findings there are.
    pub found: u64,
}

/// How much is in a family.
#[derive(Debug)]
pub struct Counts {
    /// Its name.
    pub family: &'static str,
    /// Its keys.
    pub keys: u64,
    /// Bytes of its keys and values.
    pub bytes: u64,
}

/// Why the doctor could not look.
#[derive(Debug, thiserror::Error)]
pub enum CannotLook {
    /// There is no store.
    #[error("there is no store in {0}: name the data directory of a server with --data")]
    NoStore(String),
    /// A server holds it.
    #[error("a server holds {0}: stop it first, or look at a restored backup of it")]
    Held(String),
    /// A restore into it was cut short.
    #[error("a restore into {0} was cut short: remove what is in that directory and restore again")]
    Restoring(String),
    /// A newer program wrote it.
    #[error(
        "the store has format {0}, and this program reads up to {FORMAT}: use a newer conveyor",
        FORMAT = super::FORMAT
    )]
    NewerFormat(u32),
    /// It is older than what this program checks.
    #[error(
        "the store has format {0}: start and stop a server of this version once, which brings it to {FORMAT}",
        FORMAT = super::FORMAT
    )]
    OlderFormat(u32),
    /// The directory cannot be read.
    #[error("cannot read {path}: {source}")]
    Unreadable {
        /// What cannot be read.
        path: String,
        /// Why.
        source: std::io::Error,
    },
}

/// Looks through the store in a directory. `seen` hears how many keys more were read.
pub fn examine(path: &Path, mut seen: impl FnMut(u64)) -> Result<Report, CannotLook> {
    let mut report = Report::default();
    let Some(store) = open::open(path, &mut report)? else {
        return Ok(report);
    };
    let mut report = look_through(&store.db, report, &mut seen)?;
    let (fault, what) = match witness::hear(path) {
        Says::UpTo(Position(answered)) if answered > report.position => {
            let what =
                format!("all up to position {answered} was on disk, and the store ends before it");
            (Fault::Lost, what)
        }
        Says::Garbled(what) => (Fault::Witness, what),
        Says::Nothing | Says::UpTo(_) => return Ok(report),
    };
    let place = witness::file(path).display().to_string();
    report.add(Finding { fault, place, what });
    Ok(report)
}

/// Looks through an open store to which nobody writes.
pub(super) fn look_through(
    db: &rocksdb::DB,
    report: Report,
    seen: &mut impl FnMut(u64),
) -> Result<Report, CannotLook> {
    let mut doctor = Doctor {
        db,
        report,
        claims: Claims::default(),
        logs: LogCheck::default(),
    };
    doctor.read_meta()?;
    for family in Family::ALL {
        doctor.read_family(family, seen);
    }
    doctor.end_log();
    doctor.settle_claims();
    Ok(doctor.report)
}

/// A look under way.
struct Doctor<'a> {
    db: &'a rocksdb::DB,
    report: Report,
    claims: Claims,
    logs: LogCheck,
}

impl Doctor<'_> {
    /// The format decides whether the rest can be read; the position is what all others are held against.
    fn read_meta(&mut self) -> Result<(), CannotLook> {
        match self.get::<records::Format>(&Key::Format) {
            Ok(Some(format)) => self.report.format = format.version,
            Ok(None) => self.find(
                Fault::Missing,
                "meta/Format",
                "the store does not say its format",
            ),
            Err(what) => self.find(Fault::Value, "meta/Format", what),
        }
        match super::open::position(self.db) {
            Ok(position) => self.report.position = position.0,
            Err(error) => self.find(Fault::Value, "meta/Position", error.to_string()),
        }
        match self.report.format {
            0 | super::FORMAT => Ok(()),
            newer if newer > super::FORMAT => Err(CannotLook::NewerFormat(newer)),
            older => Err(CannotLook::OlderFormat(older)),
        }
    }

    fn read_family(&mut self, family: Family, seen: &mut impl FnMut(u64)) {
        let mut options = rocksdb::ReadOptions::default();
        options.set_verify_checksums(true);
        options.fill_cache(false);
        options.set_total_order_seek(true);
        let mut rows = self
            .db
            .raw_iterator_cf_opt(&read::handle(self.db, family), options);
        let mut counts = Counts {
            family: family.name(),
            keys: 0,
            bytes: 0,
        };
        rows.seek_to_first();
        while let Some((key, value)) = rows.item() {
            counts.keys += 1;
            counts.bytes += (key.len() + value.len()) as u64;
            self.read_row(family, key, value);
            seen(1);
            rows.next();
        }
        if let Err(error) = rows.status() {
            let place = format!("{} after {} keys", family.name(), counts.keys);
            self.find(Fault::File, place, error.to_string());
        }
        self.report.families.push(counts);
    }

    fn read_row(&mut self, family: Family, bytes: &[u8], value: &[u8]) {
        let mut parts = Parts::default();
        let key = match decode(family, bytes, &mut parts) {
            Ok(key) => key,
            Err(what) => return self.find(Fault::Key, hex(family, bytes), what),
        };
        let stored = match Stored::new(family, bytes, value) {
            Ok(stored) => stored,
            Err(_) => return self.find(Fault::Value, show(&key), "it is shorter than a position"),
        };
        let newest = Position(self.report.position);
        if stored.position > newest {
            let what = format!(
                "it was written at {}, after the newest position",
                stored.position.0
            );
            self.find(Fault::Position, show(&key), what);
        }
        if let Err(what) = self.read_value(&key, stored) {
            self.find(Fault::Value, show(&key), what);
        }
        if self.claims.is_full() {
            self.settle_claims();
        }
    }

    fn find(&mut self, fault: Fault, place: impl Into<String>, what: impl Into<String>) {
        self.report.add(Finding {
            fault,
            place: place.into(),
            what: what.into(),
        });
    }
}

impl Report {
    fn add(&mut self, finding: Finding) {
        self.found += 1;
        if self.findings.len() < MOST_SHOWN {
            self.findings.push(finding);
        }
    }
}

/// A key as people read it: its family and what it names.
fn show(key: &Key<'_>) -> String {
    format!("{}/{}", key.encode().0.name(), format_args!("{key:?}"))
}

fn hex(family: Family, bytes: &[u8]) -> String {
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{}/0x{hex}", family.name())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
pub(super) mod tests;
