//! Replays every seed of the fuzz targets, and each with a byte changed or cut off, without a fuzzer.
//!
//! What a fuzzer finds becomes a file in `fuzz/seeds/<target>/`.

#[path = "../fuzz/targets.rs"]
mod targets;

use std::path::Path;

/// Calls a target with its seeds, and with what is nearly a seed.
fn replay(name: &str, target: fn(&[u8])) {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/seeds")
        .join(name);
    let mut count = 0;
    for entry in std::fs::read_dir(&directory).expect("the seeds can be listed") {
        let path = entry.expect("an entry").path();
        let seed = std::fs::read(&path).expect("a seed");
        println!("{}", path.display());
        count += 1;
        target(&seed);
        for part in 1..8 {
            let at = seed.len() * part / 8;
            target(&seed[..at]);
            let mut changed = seed.clone();
            if let Some(byte) = changed.get_mut(at) {
                *byte ^= 1 << (part % 7);
            }
            target(&changed);
        }
    }
    assert!(count >= 3, "{name} has {count} seeds");
}

#[test]
fn projects() {
    replay("projects", targets::projects);
}

#[test]
fn manifest() {
    replay("manifest", targets::manifest);
}

#[test]
fn patch() {
    replay("patch", targets::patch);
}

#[test]
fn index() {
    replay("index", targets::index);
}

#[test]
fn revision() {
    replay("revision", targets::revision);
}
