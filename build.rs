//! Rebuilds the binary when a file appears in or vanishes from `base/`.
//!
//! `include_dir!` embeds the directory, and the compiler notices changed files of it, but not new ones.

fn main() {
    println!("cargo::rerun-if-changed=base");
}
