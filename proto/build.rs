//! Compiles every `.proto` under this folder by protox, a compiler in Rust, so
//! that no `protoc` need be installed.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// Carries keys: `src/lib.rs` shows it without them.
const SECRET: &str = "lexecon.peer.v1.SnapshotHeader";

fn main() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let mut files = Vec::new();
    for package in ["peer/v1", "governance/v1"] {
        println!("cargo::rerun-if-changed={package}");
        files.extend(sources(&root.join(package))?);
    }
    let descriptors = protox::compile(files, [&root])?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("descriptors.bin"), encode(&descriptors))?;
    let config = tonic_prost_build::configure().bytes(".").skip_debug([SECRET]);
    config.compile_fds(descriptors)?;
    Ok(())
}

fn sources(dir: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "proto") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn encode(descriptors: &impl prost::Message) -> Vec<u8> {
    descriptors.encode_to_vec()
}
