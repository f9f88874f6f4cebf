//! Inputs to begin with, made at run time from the vectors of the format.

use std::fs;
use std::path::{Path, PathBuf};

use ledger::tile;
use types::Json;

/// Longer inputs slow an engine down more than they teach it.
pub const BYTES_MAX: usize = 1 << 14;

/// A file of the vectors.
#[derive(Clone, Debug)]
pub struct File {
    /// Below the folder of the vectors.
    pub path: String,
    /// What it holds.
    pub bytes: Vec<u8>,
}

/// Writes the seeds into the corpus, which is the first argument that is no
/// option; without one, or with one that is no folder yet, there are none.
pub fn plant(seeds: impl IntoIterator<Item = Vec<u8>>) {
    let Some(corpus) = std::env::args().skip(1).find(|arg| !arg.starts_with('-')) else {
        return;
    };
    if !Path::new(&corpus).is_dir() {
        return;
    }
    for (at, seed) in seeds.into_iter().filter(|seed| seed.len() <= BYTES_MAX).enumerate() {
        let path = Path::new(&corpus).join(format!("seed-{at:04}"));
        fs::write(&path, seed).unwrap_or_else(|err| panic!("cannot write {path:?}: {err}"));
    }
}

/// An input that begins with a selector.
pub fn selecting(selector: u8, rest: &[u8]) -> Vec<u8> {
    [&[selector], rest].concat()
}

/// Every file of the vectors, in order of path.
pub fn files() -> Vec<File> {
    let root = root();
    let mut found = Vec::new();
    walk(&root, &mut |path| {
        let bytes = fs::read(path).unwrap_or_else(|err| panic!("cannot read {path:?}: {err}"));
        let path = path.strip_prefix(&root).unwrap_or(path).to_string_lossy().into_owned();
        found.push(File { path, bytes });
    });
    found.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(!found.is_empty(), "there are no vectors in {root:?}");
    found
}

/// Every header of the vectors, good and bad, each once.
pub fn headers() -> Vec<Vec<u8>> {
    let mut headers: Vec<Vec<u8>> = Vec::new();
    for file in files() {
        if file.path.contains("/tile/entries/") {
            let bundle = tile::bundle(&file.bytes).unwrap_or_default();
            headers.extend(bundle.into_iter().map(<[u8]>::to_vec));
        } else if file.path.ends_with("/entries.jsonl") {
            let lines = file.bytes.split(|byte| *byte == b'\n');
            let lines = lines.filter_map(|line| serde_json::from_slice::<Json>(line).ok());
            headers.extend(lines.filter_map(|line| {
                Some(line.as_object()?.get("header")?.as_str()?.as_bytes().to_vec())
            }));
        }
    }
    headers.sort();
    headers.dedup();
    headers
}

/// Documents of the policy language, from the expectations of its tests.
pub fn policies() -> Vec<Vec<u8>> {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../node/core/policy/tests");
    let read = |name: &str| -> Json {
        let path = tests.join(name);
        let bytes = fs::read(&path).unwrap_or_else(|err| panic!("cannot read {path:?}: {err}"));
        serde_json::from_slice(&bytes).unwrap_or_else(|err| panic!("{path:?}: {err}"))
    };
    let (golden, evaluations) = (read("golden.json"), read("evaluations.json"));
    let member = |json: &Json, key: &str| json.as_object().and_then(|json| json.get(key)).cloned();
    let mut found = Vec::new();
    for case in golden.as_array().unwrap_or_default() {
        let spellings = member(case, "spellings");
        found.extend_from_slice(spellings.as_ref().and_then(Json::as_array).unwrap_or_default());
    }
    if let Some(Json::Object(policies)) = member(&evaluations, "policies") {
        found.extend(policies.iter().map(|(_, policy)| policy.clone()));
    }
    assert!(!found.is_empty(), "there are no policies in {tests:?}");
    found.iter().map(|policy| policy.to_canonical().into_bytes()).collect()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../node/core/ledger/tests/vectors")
}

fn walk(folder: &Path, see: &mut dyn FnMut(&Path)) {
    let entries =
        fs::read_dir(folder).unwrap_or_else(|err| panic!("cannot read {folder:?}: {err}"));
    for entry in entries.flatten() {
        match entry.path() {
            path if path.is_dir() => walk(&path, see),
            path => see(&path),
        }
    }
}
