//! `lexecon ledger export`, from a double that serves the ledger of a vector:
//! what is written is that vector again, byte for byte.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::Response;
use ledger::line::Line;
use ledger::{Checkpoint, EntryType, Note};
use tokio::net::TcpListener;
use types::{Json, Object};

use crate::shell::{Ran, run};

/// 300 entries: a full tile, a partial one and one of level 1.
const WIDE: &str = "wide";
/// Ten entries, of which some were erased; its keys are those of `one_node`.
const ERASED: &str = "shared_gaps";

fn vector(name: &str) -> PathBuf {
    let vectors =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../node/core/ledger/tests/vectors");
    vectors.join("exports").join(name)
}

fn read(vector_name: &str, file: &str) -> String {
    fs::read_to_string(vector(vector_name).join(file)).unwrap()
}

/// A node that serves a ledger.
struct Served {
    /// Notes it gives one after the other; the last one for ever.
    notes: Vec<String>,
    entries: Vec<Json>,
    keys: String,
    asked: AtomicUsize,
    /// What was asked for.
    lines: Mutex<Vec<String>>,
}

impl Served {
    fn new(name: &str) -> Self {
        let keys = if name == ERASED { "one_node" } else { name };
        Self {
            notes: vec![read(name, "checkpoint")],
            entries: entries(name),
            keys: read(keys, "keys.json"),
            asked: AtomicUsize::new(0),
            lines: Mutex::default(),
        }
    }

    async fn start(self) -> (String, Arc<Self>) {
        let served = Arc::new(self);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = axum::Router::new().fallback(answer).with_state(Arc::clone(&served));
        tokio::spawn(async move { axum::serve(listener, router).await });
        (url, served)
    }

    fn checkpoint(&self) -> String {
        let at = self.asked.fetch_add(1, Ordering::SeqCst).min(self.notes.len() - 1);
        let note = &self.notes[at];
        let checkpoint = Checkpoint::parse(&Note::parse(note).unwrap().text).unwrap();
        let reply = Json::object([
            ("checkpoint", note.as_str().into()),
            ("origin", checkpoint.origin.into()),
            ("size", checkpoint.size.into()),
            ("root_hash", checkpoint.root.to_string().into()),
            ("signatures", Json::Array(Vec::new())),
            ("state_hash", checkpoint.state_hash.to_string().into()),
            ("policy_hash", checkpoint.policy_hash.to_string().into()),
            ("timestamp", checkpoint.timestamp.to_string().into()),
        ]);
        reply.to_canonical()
    }

    /// At most a hundred entries a page, whatever is asked for.
    fn page(&self, query: &str) -> String {
        let number = |name: &str| {
            let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            pairs.filter(|(key, _)| *key == name).find_map(|(_, value)| value.parse::<usize>().ok())
        };
        let from = number("after").map_or(0, |after| after + 1);
        let to = number("before").unwrap_or(usize::MAX).min(self.entries.len());
        let page: Vec<Json> = self.entries.iter().take(to).skip(from).take(100).cloned().collect();
        let reply = Json::object([
            ("entries", Json::Array(page)),
            ("total", (to as u64).into()),
            ("total_exact", true.into()),
            ("next", Json::Null),
            ("chain_valid", Json::Null),
            ("verified_through", Json::Null),
            ("checkpoint", Json::Null),
        ]);
        reply.to_canonical()
    }
}

async fn answer(State(served): State<Arc<Served>>, request: Request) -> Response<Body> {
    let line = format!("{} {}", request.method(), request.uri());
    let body = match request.uri().path() {
        "/ledger/checkpoint" => served.checkpoint(),
        "/ledger/entries" => served.page(request.uri().query().unwrap_or_default()),
        "/keys" => served.keys.clone(),
        path => panic!("{path}"),
    };
    served.lines.lock().unwrap().push(line);
    Response::builder().header("x-lexecon-applied-index", "7").body(Body::from(body)).unwrap()
}

/// The entries of the vector as the interface shows them.
fn entries(name: &str) -> Vec<Json> {
    let text = read(name, "entries.jsonl");
    let lines: Vec<Line> =
        text.split_inclusive('\n').map(|line| Line::parse(line.as_bytes()).unwrap()).collect();
    let mut runs: BTreeMap<u64, u64> = BTreeMap::new();
    for Line { entry, .. } in &lines {
        if entry.header.entry_type == EntryType::AnonymizationRun {
            let data: Object = serde_json::from_str(&entry.data.as_ref().unwrap().text).unwrap();
            for range in data.get("ranges").unwrap().as_array().unwrap() {
                let end = |name: &str| range.as_object().unwrap().get(name).unwrap().as_u64();
                runs.extend(
                    (end("from").unwrap()..=end("to").unwrap()).map(|id| (id, entry.header.id.0)),
                );
            }
        }
    }
    lines.iter().map(|line| shown(line, &runs)).collect()
}

fn shown(line: &Line, runs: &BTreeMap<u64, u64>) -> Json {
    let entry = &line.entry;
    let header = &entry.header;
    let value = |part: &Option<ledger::Part>| match part {
        Some(part) => serde_json::from_str(&part.text).unwrap(),
        None => Json::Null,
    };
    let salt = |part: &Option<ledger::Part>| {
        Json::from(part.as_ref().map(|part| types::Digest(part.salt).to_string()))
    };
    let run = runs.get(&header.id.0).filter(|_| entry.is_erased());
    let erased = run.map(|run| Json::object([("by_entry_id", (*run).into())]));
    Json::object([
        ("id", header.id.0.into()),
        ("format", 1_u64.into()),
        ("entry_type", header.entry_type.as_str().into()),
        ("timestamp", header.timestamp.to_string().into()),
        ("actor", Json::Null),
        ("data", value(&entry.data)),
        ("salt", salt(&entry.data)),
        ("data_hash", header.data_hash.to_string().into()),
        ("personal", value(&entry.personal)),
        ("personal_salt", salt(&entry.personal)),
        ("personal_hash", header.personal_hash.map(|hash| hash.to_string()).into()),
        ("previous_hash", header.previous_hash.to_string().into()),
        ("current_hash", entry.hash().to_string().into()),
        ("type_seq", header.type_seq.into()),
        ("actor_seq", header.actor_seq.into()),
        ("erased", erased.unwrap_or_default()),
    ])
}

async fn export(served: Served, dir: &Path) -> (Ran, Arc<Served>) {
    let (url, served) = served.start().await;
    let dir = dir.to_str().unwrap();
    (run(&["ledger", "export", dir, "--wait", "1", "--url", &url]).await, served)
}

/// Paths and bytes of all files below.
fn files(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut open = vec![dir.to_owned()];
    while let Some(at) = open.pop() {
        for entry in fs::read_dir(&at).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                let bytes = fs::read(&path).unwrap();
                found.insert(path.strip_prefix(dir).unwrap().to_owned(), bytes);
            }
        }
    }
    found
}

#[tokio::test]
async fn an_export_is_the_directory_of_the_format_and_verifies() {
    let home = tempfile::tempdir().unwrap();
    for (name, is_there) in [("new", false), ("empty", true)] {
        let dir = home.path().join(name);
        if is_there {
            fs::create_dir(&dir).unwrap();
        }
        let (ran, served) = export(Served::new(WIDE), &dir).await;
        assert_eq!((ran.exit, ran.err.as_str()), (0, ""));
        assert!(ran.out.contains("entries  300 (0 with an erased part)"), "{}", ran.out);
        let (mut written, mut expected) = (files(&dir), files(&vector(WIDE)));
        // Only the spelling of the list of keys is free.
        let keys = Path::new("keys.json");
        assert!(written.remove(keys).is_some() && expected.remove(keys).is_some());
        assert_eq!(written, expected, "{name}");
        let verified = run(&["verify", dir.to_str().unwrap()]).await;
        assert_eq!((verified.exit, verified.err.as_str()), (0, ""), "{}", verified.out);
        let lines = served.lines.lock().unwrap().clone();
        let expected = [
            "GET /ledger/checkpoint",
            "GET /ledger/entries?limit=1000&before=300",
            "GET /ledger/entries?limit=1000&after=99&before=300",
            "GET /ledger/entries?limit=1000&after=199&before=300",
            "GET /keys",
        ];
        assert_eq!(lines, expected);
    }
    let names: Vec<_> =
        fs::read_dir(home.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names.len(), 2, "{names:?}");
}

#[tokio::test]
async fn what_was_erased_meanwhile_makes_it_grow_until_it_holds_the_run() {
    let real = read(ERASED, "checkpoint");
    let erased = entries(ERASED).into_iter().find_map(|entry| {
        let entry = entry.as_object()?.clone();
        let run = entry.get("erased")?.as_object()?.get("by_entry_id")?.as_u64()?;
        Some((entry.get("id")?.as_u64()?, run))
    });
    let (id, run_id) = erased.unwrap();
    // The first checkpoint covers the entry and not the run.
    let size = id + 1;
    assert!(size <= run_id);
    let early = real.replacen("\n10\n", &format!("\n{size}\n"), 1);
    let served = Served { notes: vec![early, real], ..Served::new(ERASED) };
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("audit");
    let (ran, served) = export(served, &dir).await;
    assert_eq!((ran.exit, ran.err.as_str()), (0, ""));
    assert_eq!(files(&dir)[Path::new("entries.jsonl")], read(ERASED, "entries.jsonl").into_bytes());
    assert_eq!(served.asked.load(Ordering::SeqCst), 2);
    let verified = run(&["verify", dir.to_str().unwrap()]).await;
    assert_eq!(verified.exit, 0, "{}{}", verified.out, verified.err);
}

#[tokio::test]
async fn ends_of_keys_that_came_later_are_left_out() {
    let keys = read(WIDE, "keys.json");
    let later = keys.replacen("\"status\": \"active\"", "\"status\": \"retired\"", 1);
    let later = later.replacen("\"valid_until_index\": null", "\"valid_until_index\": 301", 1);
    assert_ne!(later, keys);
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("audit");
    let (ran, _served) = export(Served { keys: later, ..Served::new(WIDE) }, &dir).await;
    assert_eq!((ran.exit, ran.err.as_str()), (0, ""));
    let verified = run(&["verify", dir.to_str().unwrap()]).await;
    assert_eq!(verified.exit, 0, "{}{}", verified.out, verified.err);
}

#[tokio::test]
async fn a_directory_that_is_in_use_is_left_as_it_is() {
    let home = tempfile::tempdir().unwrap();
    let full = home.path().join("full");
    fs::create_dir(&full).unwrap();
    fs::write(full.join("mine"), "x").unwrap();
    let file = home.path().join("file");
    fs::write(&file, "x").unwrap();
    fs::create_dir(home.path().join("new.partial")).unwrap();
    for (name, in_the_way) in [("full", "full"), ("file", "file"), ("new", "new.partial")] {
        let (ran, served) = export(Served::new(WIDE), &home.path().join(name)).await;
        assert_eq!(ran.exit, 2, "{name}: {}", ran.err);
        assert!(ran.err.contains(&format!("{in_the_way}` is in the way")), "{}", ran.err);
        assert!(served.lines.lock().unwrap().is_empty());
    }
    assert_eq!(fs::read_to_string(full.join("mine")).unwrap(), "x");
}

/// Changes one member of an entry.
fn with(mut entries: Vec<Json>, id: usize, name: &str, value: Json) -> Vec<Json> {
    let mut entry = entries[id].as_object().unwrap().clone();
    entry.insert(name, value);
    entries[id] = Json::Object(entry);
    entries
}

#[tokio::test]
async fn a_ledger_that_does_not_hold_is_not_written() {
    let real = read(WIDE, "checkpoint");
    let root = real.lines().nth(2).unwrap().to_owned();
    let other_root = format!("A{}", &root[1..]);
    let wrong_root = real.replacen(&root, &other_root, 1);
    let (text, _) = real.split_once("\n\n").unwrap();
    let stranger = format!("{text}\n\n— nobody.example AAAAAAA=\n");
    let keys = read(WIDE, "keys.json");
    let x = keys.split("\"x\": \"").nth(1).unwrap().split('"').next().unwrap();
    let other_key = keys.replacen(x, &ledger::signature::to_text(&[9; 32]), 1);
    let data = || Json::object([("x", 1_u64.into())]);
    let short: Vec<Json> = entries(WIDE).into_iter().take(20).collect();
    let of = |entries| Served { entries, ..Served::new(WIDE) };
    let cases: [(Served, &str); 7] = [
        (of(with(entries(WIDE), 1, "data", data())), "data_hash_mismatch"),
        (of(with(entries(WIDE), 1, "current_hash", "77c9".into())), "malformed"),
        (of(with(entries(WIDE), 1, "salt", Json::Null)), "malformed"),
        (of(short), "missing"),
        (Served { notes: vec![wrong_root], ..Served::new(WIDE) }, "root_mismatch"),
        (Served { notes: vec![stranger], ..Served::new(WIDE) }, "too_few_signatures"),
        (Served { keys: other_key, ..Served::new(WIDE) }, "keys_mismatch"),
    ];
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("audit");
    for (served, code) in cases {
        let (url, _served) = served.start().await;
        let words = ["ledger", "export", dir.to_str().unwrap(), "--json", "--url", &url];
        let ran = run(&words).await;
        assert_eq!((ran.exit, ran.out.as_str()), (1, ""), "{code}: {}", ran.err);
        assert!(ran.err.contains(&format!("\"code\":\"{code}\"")), "{code}: {}", ran.err);
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0, "{code}");
    }
}
