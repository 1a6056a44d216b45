//! Replays the seeds of the fuzz targets that belong to this crate.

use std::fs;
use std::path::Path;

#[path = "../../../fuzz/src/token.rs"]
pub mod targets;

#[test]
fn every_seed_of_the_targets_is_survived() {
    for (target, run) in [
        ("jwt", targets::jwt as fn(&[u8])),
        ("jwks", targets::jwks as fn(&[u8])),
    ] {
        let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds");
        let mut count = 0;
        for seed in fs::read_dir(seeds.join(target)).unwrap() {
            run(&fs::read(seed.unwrap().path()).unwrap());
            count += 1;
        }
        assert!(count >= 3, "{target}: {count} seeds");
    }
}
