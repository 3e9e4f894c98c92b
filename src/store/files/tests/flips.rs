//! One bit changed, anywhere. `FLIPS` says how many, `FLIP_SEED` where the dice begin.

use std::collections::BTreeMap;
use std::io::Cursor;

use super::{Files, Outcome, all_rows, each_case, judge, killed};
use crate::store::files::journal;

/// Bits that are changed by default, one at a time.
const FLIPS: u64 = 400;

fn number(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).map_or(otherwise, |text| text.parse().unwrap())
}

fn flip(files: &Files, name: &str, bit: usize) -> Files {
    let mut files = files.clone();
    files.get_mut(name).unwrap()[bit / 8] ^= 1 << (bit % 8);
    files
}

/// What sort of file it is.
fn sort_of(name: &str) -> &str {
    let end = name.split_once('.').map_or(name, |(_, end)| end);
    end.split_once('-').map_or(end, |(begin, _)| begin)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_bit_is_named_or_harmless() {
    let files = killed().await;
    let whole = all_rows(&files);
    let first = number("FLIP_SEED", 1);
    let seeds: Vec<u64> = (first..first + number("FLIPS", FLIPS)).collect();
    let names: BTreeMap<&str, Vec<&String>> =
        files.keys().fold(BTreeMap::new(), |mut sorts, name| {
            sorts
                .entry(sort_of(name))
                .or_insert_with(Vec::new)
                .push(name);
            sorts
        });
    assert!(names.len() >= 5, "{names:?}");
    let tally = std::sync::Mutex::new(BTreeMap::<(&str, &str), u64>::new());
    each_case(&seeds, |&seed| {
        let mut dice = fastrand::Rng::with_seed(seed);
        let sort = *dice.choice(names.keys()).unwrap();
        let name = *dice.choice(&names[sort]).unwrap();
        if files[name].is_empty() {
            return;
        }
        let bit = dice.usize(..files[name].len() * 8);
        let what = format!("FLIP_SEED={seed} FLIPS=1: bit {bit} of {name}");
        let word = match judge(&flip(&files, name, bit), &whole, &what) {
            Outcome::Harmless(_) => "harmless",
            Outcome::Named(_) => "named",
        };
        *tally.lock().unwrap().entry((sort, word)).or_default() += 1;
    });
    println!(
        "bits changed from seed {first} on: {:?}",
        tally.lock().unwrap()
    );
}

/// Where the records of a journal begin that has less than a block.
fn heads(bytes: &[u8]) -> Vec<usize> {
    let mut heads = vec![0];
    while let [.., at] = heads[..] {
        let length = u16::from_le_bytes([bytes[at + 4], bytes[at + 5]]);
        let next = at + 7 + usize::from(length);
        if next >= bytes.len() {
            break;
        }
        heads.push(next);
    }
    heads
}

/// The heads of records, the ends of tables, `CURRENT`. The witness is silent, so that these are found by themselves.
#[tokio::test(flavor = "multi_thread")]
async fn a_changed_bit_where_no_checksum_reaches_is_named_or_harmless() {
    let mut files = killed().await;
    files.remove("ANSWERED").expect("there is a witness");
    let (log, bytes) = files
        .iter_mut()
        .rfind(|(name, _)| name.ends_with(".log"))
        .unwrap();
    // What stands before the record that is longer than a block.
    let long = heads(&bytes[..30_000]).pop().unwrap();
    bytes.truncate(long);
    let log = log.clone();
    let whole = all_rows(&files);
    let mut cases = Vec::new();
    let tables = files.iter().filter(|(name, _)| name.ends_with(".sst"));
    for (name, bytes) in tables.take(1).chain(files.get_key_value("CURRENT")) {
        let bits = bytes.len() * 8;
        cases.extend((bits.saturating_sub(53 * 8)..bits).map(|bit| (name, bit)));
    }
    let manifest = files
        .keys()
        .rfind(|name| name.starts_with("MANIFEST"))
        .unwrap();
    for name in [&log, manifest] {
        let heads = heads(&files[name]);
        for at in [heads[0], heads[heads.len() / 2], heads[heads.len() - 1]] {
            // Length and type.
            cases.extend(((at + 4) * 8..(at + 7) * 8).map(|bit| (name, bit)));
        }
    }
    each_case(&cases, |&(name, bit)| {
        judge(
            &flip(&files, name, bit),
            &whole,
            &format!("bit {bit} of {name}"),
        );
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_with_any_bit_changed_is_never_taken_for_whole_or_torn() {
    let files = killed().await;
    let journals = files.iter().filter(|(name, bytes)| {
        (name.ends_with(".log") || name.starts_with("MANIFEST")) && !bytes.is_empty()
    });
    let cases: Vec<_> = journals
        .flat_map(|(name, bytes)| {
            // Of the long one its end: what is in its middle is read in the same way.
            let from = bytes.len().saturating_sub(1500);
            (from * 8..bytes.len() * 8).map(move |bit| (name, bytes, bit))
        })
        .collect();
    each_case(&cases, |&(name, bytes, bit)| {
        let mut bytes = bytes.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let read = journal::read(Cursor::new(bytes));
        assert!(
            matches!(read, Err(journal::Error::Damaged { .. })),
            "bit {bit} of {name}: {read:?}"
        );
    });
}
