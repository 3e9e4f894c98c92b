//! libFuzzer's door to the targets of `src/fuzz.rs`: the variable TARGET names the one that is run. Its seeds are
//! written to the folder SEEDS first, so that no copy of them has to be kept.
#![no_main]

use std::sync::LazyLock;
use std::{env, fs, path::Path};

use conveyor::fuzz::Target;

static TARGET: LazyLock<&Target> = LazyLock::new(|| {
    let name = env::var("TARGET").unwrap_or_default();
    Target::named(&name).unwrap_or_else(|| panic!("TARGET names none of the targets: {name:?}"))
});

fn write_seeds() {
    let Ok(folder) = env::var("SEEDS") else {
        return;
    };
    for (number, seed) in TARGET.seeds().into_iter().enumerate() {
        let file = Path::new(&folder).join(format!("seed-{number}"));
        fs::write(file, seed).expect("SEEDS is a folder that can be written");
    }
}

libfuzzer_sys::fuzz_target!(init: write_seeds(), |input: &[u8]| {
    TARGET.run(input);
});
