//! The same targets on stable Rust: each seed, and then mutations of them.
//!
//! FUZZ_SEED and FUZZ_INPUTS repeat a run that failed, or make it longer; FUZZ_TARGET names one target.

use std::env;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::{TARGETS, Target};
use crate::server;

/// Inputs of each target in a run of all tests.
const INPUTS: u64 = 200;

#[test]
fn no_input_makes_a_decoder_panic_or_take_too_long() {
    let seed = number("FUZZ_SEED").unwrap_or_else(|| fastrand::u64(..));
    let inputs = number("FUZZ_INPUTS").unwrap_or(INPUTS);
    let named = env::var("FUZZ_TARGET").ok();
    let panics = Panics::watch();
    for target in &TARGETS {
        if named.as_deref().is_none_or(|name| name == target.name) {
            attack(target, seed, inputs, &panics);
        }
    }
}

#[test]
fn a_decoder_that_panics_is_found_and_its_input_comes_again_with_the_seed() {
    let planted = Target {
        name: "planted",
        ready: || (),
        decode_all: None,
        decode: |input| assert!(!input.contains(&b'!'), "planted"),
        seeds: || vec![b"fine".to_vec()],
    };
    let fails = || {
        let panics = Panics;
        let failure =
            panic::catch_unwind(AssertUnwindSafe(|| attack(&planted, 7, 10_000, &panics)));
        *failure.unwrap_err().downcast::<String>().unwrap()
    };
    let first = fails();
    assert!(first.contains("FUZZ_SEED=7"), "{first}");
    assert_eq!(first, fails());
}

fn number(name: &str) -> Option<u64> {
    env::var(name).ok()?.parse().ok()
}

fn attack(target: &Target, seed: u64, inputs: u64, panics: &Panics) {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut known = target.seeds();
    let seeds = known.len();
    let (mut worst, began, mut count) = (Duration::ZERO, Instant::now(), 0);
    while count < inputs {
        let left = usize::try_from(inputs - count).unwrap();
        let group: Vec<Vec<u8>> = (0..target.together().min(left))
            .map(|nth| {
                let at = usize::try_from(count).unwrap() + nth;
                let input = match known.get(at) {
                    Some(seed) if at < seeds => seed.clone(),
                    _ => mutated(&known, &mut random),
                };
                keep(&input, seeds, &mut known, &mut random);
                input
            })
            .collect();
        let first = count;
        count += group.len() as u64;
        let outcome = panic::catch_unwind(|| {
            let took = target.run_all(&group);
            // What the last server has stored is the target's too, and the next target begins with a new one.
            if count == inputs {
                server::fuzz::end();
            }
            took
        });
        worst = worst.max(*outcome.as_ref().unwrap_or(&Duration::ZERO));
        let elsewhere = panics.take();
        assert!(
            outcome.is_ok() && elsewhere.is_empty(),
            "{}, input {first} or after, bytes {} {elsewhere:?}: again with FUZZ_SEED={seed} FUZZ_TARGET={0} FUZZ_INPUTS={count}",
            target.name,
            group
                .iter()
                .map(|it| format!("\"{}\" ", it.escape_ascii()))
                .collect::<String>(),
        );
    }
    println!(
        "{:14} {inputs:>9} inputs, seed {seed}, {:.1?}, worst {worst:.1?}, peak of the process {}",
        target.name,
        began.elapsed(),
        peak(),
    );
}

/// Mutations of mutations go further from what is valid.
fn keep(input: &[u8], seeds: usize, known: &mut Vec<Vec<u8>>, random: &mut fastrand::Rng) {
    if random.u8(..8) > 0 || input.len() >= 4096 {
        return;
    }
    if known.len() < seeds + 64 {
        known.push(input.to_owned());
    } else {
        let place = seeds + random.usize(..64);
        input.clone_into(&mut known[place]);
    }
}

/// The most memory that the process has had.
fn peak() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.unwrap_or("unknown").trim().to_owned()
}

/// Bytes and texts that decoders look for, and numbers that counting goes wrong at.
const WORDS: [&[u8]; 26] = [
    b"\0",
    b"\xff",
    b"{",
    b"}",
    b"[",
    b"]",
    b"\"",
    b":",
    b",",
    b"/",
    b"%",
    b"\n",
    b"-",
    b"1e999",
    b"null",
    b"9223372036854775807",
    b"18446744073709551616",
    b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
    b"\xff\x00\xff",
    b"\xf0\x9f\x98\x80",
    b"$ref",
    b"*a",
    b"&a ",
    b"!",
    b"../",
    b"app",
];

/// One to four changes of a known input.
fn mutated(known: &[Vec<u8>], random: &mut fastrand::Rng) -> Vec<u8> {
    let mut input = known[random.usize(..known.len())].clone();
    for _ in 0..random.usize(1..5) {
        let at = random.usize(..=input.len());
        let end = random.usize(at..=input.len().min(at + 16));
        match random.u8(..7) {
            0 if at < input.len() => input[at] ^= 1 << random.u8(..8),
            1 if at < input.len() => input[at] = random.u8(..),
            2 => drop(input.drain(at..end)),
            3 => {
                let word = WORDS[random.usize(..WORDS.len())];
                input.splice(at..at, word.iter().copied());
            }
            4 => {
                let piece = input[at..end].to_vec().repeat(random.usize(1..9));
                input.splice(at..at, piece);
            }
            5 => {
                let other = &known[random.usize(..known.len())];
                input.truncate(at);
                input.extend(&other[random.usize(..=other.len())..]);
            }
            _ => {
                let deep = random.usize(1..600);
                let piece = [b'[', b'{', b'(', b'a', 0xff][random.usize(..5)];
                input.splice(at..at, std::iter::repeat_n(piece, deep));
            }
        }
    }
    input.truncate(64 << 10);
    input
}

/// Panics on other threads than the tests': a task of the server that panics is seen here alone.
struct Panics;

static ELSEWHERE: Mutex<Vec<String>> = Mutex::new(Vec::new());

impl Panics {
    fn watch() -> Self {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let thread = std::thread::current();
            let meant = thread.name().is_some_and(|name| name.contains("tests::"));
            // Tests of this program run beside this one, and may mean to panic.
            if !meant && !info.to_string().contains("planted") {
                ELSEWHERE.lock().unwrap().push(info.to_string());
            }
            before(info);
        }));
        Self
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut ELSEWHERE.lock().unwrap())
    }
}
