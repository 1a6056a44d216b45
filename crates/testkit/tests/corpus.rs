//! Replays the seeds of the fuzz targets: the stable toolchain runs the very functions that the fuzzer runs.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a broken promise ends a target, as it ends a test"
)]

use std::collections::BTreeSet;
use std::fs;
use std::panic;
use std::path::{Path, PathBuf};

use fuzz::TARGETS;

#[path = "../../../fuzz/src/lib.rs"]
pub mod fuzz;

#[test]
fn every_seed_of_every_target_is_survived() {
    let mut broken = Vec::new();
    for (target, run) in TARGETS {
        let seeds = entries(&Path::new("seeds").join(target));
        assert!(!seeds.is_empty(), "the target `{target}` has no seed");
        for seed in seeds {
            let input = fs::read(&seed).unwrap();
            if panic::catch_unwind(|| run(&input)).is_err() {
                broken.push(seed);
            }
        }
    }
    assert!(broken.is_empty(), "a promise is broken by {broken:?}");
}

#[test]
fn seeds_and_targets_go_by_the_same_names() {
    let names: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    for folder in ["seeds", "targets"] {
        let found: BTreeSet<String> = entries(Path::new(folder))
            .iter()
            .map(|entry| entry.file_stem().unwrap().to_str().unwrap().to_owned())
            .collect();
        assert_eq!(found, names, "fuzz/{folder}");
    }
}

/// What is in a folder of `fuzz/`.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fuzz")
        .join(folder);
    let entries =
        fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    entries.map(|entry| entry.unwrap().path()).collect()
}
