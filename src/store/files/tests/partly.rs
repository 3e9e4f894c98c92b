//! A log of writes whose last write is there in parts, as a power cut may leave it: the file is as long as it was to be,
//! and some sectors are still the zeros that were there before. Everything else that looks like it is damage.

use std::ops::Range;

use jiff::Timestamp;

use super::{Fault, Files, Outcome, Rows, all_rows, define, each_case, files_in, judge, outcome};
use crate::model::log::{Chunk, Line};
use crate::model::pipeline::Labels;
use crate::store::doctor::tests::fill;
use crate::store::files::journal::{self, End};
use crate::store::{Batch, EncodedChunk, Store};

/// What a disk writes at once.
const SECTOR: usize = 512;

/// A store that was killed after a write of so many bytes, which nobody has seen confirmed.
struct Killed {
    files: Files,
    /// The log of writes.
    log: String,
    /// Where the last write stands in it.
    last: Range<usize>,
    /// All rows, and those without the last write.
    whole: Rows,
    without: Rows,
}

impl Killed {
    async fn after(batch: Batch) -> Self {
        let place = tempfile::tempdir().unwrap();
        let store = Store::open(place.path(), 64).unwrap();
        fill(&store).await;
        store.flush().unwrap();
        for n in 0..4 {
            define(&store, &format!("early{n}"), 300).await;
        }
        store.bear_witness().await.unwrap();
        store.committer().commit(batch).await.unwrap();
        let mut files = files_in(place.path());
        store.close().await;
        let mut logs = files.iter().filter(|(name, _)| name.ends_with(".log"));
        let (log, bytes) = logs.next_back().unwrap();
        let (log, bytes) = (log.clone(), bytes.clone());
        let End::Torn { at } = journal::read(&bytes[..bytes.len() - 1]).unwrap() else {
            panic!("the last write is cut");
        };
        let last = usize::try_from(at).unwrap()..bytes.len();
        let whole = all_rows(&files);
        files.insert(log.clone(), bytes[..last.start].to_vec());
        let without = all_rows(&files);
        files.insert(log.clone(), bytes);
        Self {
            files,
            log,
            last,
            whole,
            without,
        }
    }

    /// The parts of the last write that stand in one sector each.
    fn sectors(&self) -> Vec<Range<usize>> {
        let all = self.last.start / SECTOR..self.last.end.div_ceil(SECTOR);
        let part =
            |at: usize| (at * SECTOR).max(self.last.start)..((at + 1) * SECTOR).min(self.last.end);
        all.map(part).collect()
    }

    fn with(&self, change: impl FnOnce(&mut [u8])) -> Files {
        let mut files = self.files.clone();
        change(files.get_mut(&self.log).unwrap());
        files
    }
}

/// Lines from outside with such a text.
fn lines(text: String) -> Batch {
    let line = Line {
        time: Timestamp::UNIX_EPOCH,
        stream: String::new(),
        labels: Labels::new(),
        message: text,
    };
    let chunk = Chunk {
        step: String::new(),
        attempt: 0,
        driver: String::new(),
        pipeline: String::new(),
        lines: vec![line],
    };
    let mut batch = Batch::new();
    batch.put_chunk("outside", 1, EncodedChunk::new(chunk));
    batch.note_outside_line("outside", Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH);
    batch
}

/// So many bytes that no packing makes smaller, and that have no zeros.
fn text(bytes: usize) -> String {
    let mut dice = fastrand::Rng::with_seed(bytes as u64);
    (0..bytes).map(|_| dice.alphanumeric()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_last_write_of_which_sectors_are_missing_is_cut_off() {
    for bytes in [3_000, 90_000] {
        let killed = Killed::after(lines(text(bytes))).await;
        let sectors = killed.sectors();
        // Each sector alone, and any of them.
        let mut cases: Vec<Vec<usize>> = (0..sectors.len()).map(|at| vec![at]).collect();
        for seed in 0..200 {
            let mut dice = fastrand::Rng::with_seed(seed);
            let share = dice.f32();
            cases.push((0..sectors.len()).filter(|_| dice.f32() < share).collect());
        }
        each_case(&cases, |lost| {
            let files = killed.with(|log| {
                for at in lost {
                    log[sectors[*at].clone()].fill(0);
                }
            });
            let what = format!("{bytes} bytes, without the sectors {lost:?}");
            let is_told_apart = lost.iter().any(|at| sectors[*at].len() >= 32);
            let (outcome, report) = outcome(&files);
            match outcome {
                Outcome::Harmless(rows) if lost.is_empty() => {
                    assert!(rows == killed.whole, "{what}")
                }
                Outcome::Harmless(rows) => {
                    assert!(rows == killed.without, "{what}");
                    let faults: Vec<_> =
                        report.unwrap().findings.iter().map(|it| it.fault).collect();
                    assert_eq!(faults, [Fault::TornTail], "{what}");
                }
                Outcome::Named(told) => assert!(!is_told_apart, "{what}: {told}"),
            }
        });
    }
}

/// Another write follows: so it was confirmed, and is missing.
#[tokio::test(flavor = "multi_thread")]
async fn a_write_before_the_last_of_which_sectors_are_missing_is_damage() {
    let killed = Killed::after(lines(text(2_000))).await;
    let before = 0..killed.last.start / SECTOR;
    let cases: Vec<usize> = before.collect();
    each_case(&cases, |at| {
        let lost = at * SECTOR..((at + 1) * SECTOR).min(killed.last.start);
        let files = killed.with(|log| log[lost].fill(0));
        let what = format!("without sector {at}");
        let outcome = judge(&files, &killed.whole, &what);
        assert!(matches!(outcome, Outcome::Named(_)), "{what}");
    });
}

/// It may hold zeros of its own, so that one changed bit looks like a sector that is missing.
#[tokio::test(flavor = "multi_thread")]
async fn a_changed_bit_in_a_last_write_with_zeros_of_its_own_is_damage() {
    let killed = Killed::after(lines("\0".repeat(2_000))).await;
    let mut bits: Vec<usize> = (killed.last.start * 8..(killed.last.start + 60) * 8).collect();
    bits.extend((killed.last.start * 8..killed.last.end * 8).step_by(101));
    each_case(&bits, |bit| {
        let files = killed.with(|log| log[bit / 8] ^= 1 << (bit % 8));
        let what = format!("bit {bit}");
        let outcome = judge(&files, &killed.whole, &what);
        assert!(matches!(outcome, Outcome::Named(_)), "{what}");
    });
}

/// The witness has seen it on disk: it was confirmed, and nothing is cut off.
#[tokio::test(flavor = "multi_thread")]
async fn a_last_write_that_was_on_disk_once_is_not_cut_off() {
    let killed = Killed::after(lines(text(3_000))).await;
    let lost = killed.sectors()[2].clone();
    let mut files = killed.with(|log| log[lost].fill(0));
    files.insert("ANSWERED".to_owned(), witness_of(&killed));
    let place = super::put(&files);
    let options = crate::store::open::options(64);
    let error = crate::store::open::database(place.path(), &options).err();
    let told = error.expect("it does not open").to_string();
    assert!(told.contains("ANSWERED"), "{told}");
    assert!(files_in(place.path()) == files, "nothing was changed");
}

/// What the witness says when all is on disk.
fn witness_of(killed: &Killed) -> Vec<u8> {
    let place = super::put(&killed.files);
    let runtime = tokio::runtime::Handle::current();
    tokio::task::block_in_place(|| {
        runtime.block_on(async {
            let store = Store::open(place.path(), 64).unwrap();
            store.bear_witness().await.unwrap();
            store.close().await;
        });
    });
    std::fs::read(place.path().join("ANSWERED")).unwrap()
}
