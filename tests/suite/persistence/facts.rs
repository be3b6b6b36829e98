//! What is kept of sources, so that they are not parsed again.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::kept::Kept;
use crate::fixtures::Workspace;
use crate::harness::{LIMIT, Sidecar};

const SOURCES: u64 = 40;

fn kept() -> Kept {
    let workspace = Workspace::empty();
    for at in 0..SOURCES {
        workspace.write(&format!("src/C{at}.tsx"), format!("export const C{at} = () => <Part at={{{at}}} />;\n"));
    }
    workspace.write("src/other.ts", "export const other = 1;\n");
    Kept::new(workspace)
}

/// Asks again and again, for a minute at most: nothing is sent when it is so.
#[track_caller]
fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + Duration::from_secs(60);
    loop {
        if let Some(found) = ask() {
            return found;
        }
        assert!(Instant::now() < end, "{what} within a minute");
        std::thread::yield_now();
    }
}

/// A process that knows the facts of all JSX sources though nobody asked, what `status` says of them, and what was
/// warned of before. No source may take a second; where a machine stood still for as long, the next process finds it.
fn warm(kept: &Kept) -> (Sidecar, Value, Vec<String>) {
    let mut warnings = Vec::new();
    for _ in 0..5 {
        let mut sidecar = kept.start();
        sidecar.wait_event("indexed");
        let end = Instant::now() + LIMIT;
        while Instant::now() < end {
            let facts = sidecar.request("status", json!({}))["facts"].take();
            if facts["sources"] == json!(SOURCES) {
                return (sidecar, facts, warnings);
            }
            std::thread::yield_now();
        }
        warnings.extend(sidecar.finish_warned());
    }
    panic!("not all facts are found, by none of five processes")
}

fn usages(sidecar: &mut Sidecar) -> Value {
    let mut answer = sidecar.request("usages", json!({ "name": "Part" }));
    assert_eq!(answer["files"].as_array().unwrap().len() as u64, SOURCES);
    answer["files"].take()
}

fn file(kept: &Kept) -> PathBuf {
    kept.directory().join("facts")
}

/// Runs until the facts are kept.
fn run_once(kept: &Kept) -> (Value, Value) {
    let (mut sidecar, facts, _) = warm(kept);
    let answer = usages(&mut sidecar);
    until("facts are kept", || file(kept).is_file().then_some(()));
    sidecar.finish();
    kept.check();
    (facts, answer)
}

#[test]
fn facts_are_found_before_anybody_asks_and_kept() {
    let kept = kept();
    let (facts, answer) = run_once(&kept);
    assert!(facts["bytes"].as_u64().unwrap() > SOURCES * 20, "{facts}");
    let modified = fs::metadata(file(&kept)).unwrap().modified().unwrap();
    let (mut sidecar, again, _) = warm(&kept);
    assert_eq!(again, facts);
    assert_eq!(usages(&mut sidecar), answer);
    // A change is found by whoever asks first, and what is kept does not get in its way.
    kept.workspace.write("src/C0.tsx", "export const C0 = () => <Part at={-1} other />;\n");
    let changed = sidecar.request("usages", json!({ "name": "Part", "include": ["src/C0.tsx"] }));
    assert_eq!(changed["files"][0]["elements"][0]["attributes"][1]["name"], "other", "{changed}");
    sidecar.finish();
    assert_eq!(fs::metadata(file(&kept)).unwrap().modified().unwrap(), modified, "there was nothing to keep at once");
}

#[test]
fn damaged_facts_are_found_anew() {
    let kept = kept();
    let (facts, answer) = run_once(&kept);
    let whole = fs::read(file(&kept)).unwrap();
    let mut turned = whole.clone();
    turned[whole.len() / 2] ^= 4;
    for (what, bytes) in [
        ("emptied", Vec::new()),
        ("half of it", whole[..whole.len() / 2].to_vec()),
        ("a bit flipped", turned),
        ("longer", [&whole[..], b"x"].concat()),
    ] {
        fs::write(file(&kept), bytes).unwrap();
        let (mut sidecar, again, mut warnings) = warm(&kept);
        assert_eq!(again, facts, "{what}");
        assert_eq!(usages(&mut sidecar), answer, "{what}");
        // They are kept anew.
        until("facts are kept anew", || (decoded_length(&kept) == whole.len()).then_some(()));
        warnings.extend(sidecar.finish_warned());
        assert!(warnings.len() == 1 && warnings[0].contains("sources are parsed anew"), "{what}: {warnings:?}");
    }
    // What is no file gives way.
    fs::remove_file(file(&kept)).unwrap();
    fs::create_dir(file(&kept)).unwrap();
    let (sidecar, again, mut warnings) = warm(&kept);
    assert_eq!(again, facts);
    warnings.extend(sidecar.finish_warned());
    assert_eq!(warnings.len(), 1, "{warnings:?}");
}

/// How long the file is, if it is as it was written.
fn decoded_length(kept: &Kept) -> usize {
    let bytes = fs::read(file(kept)).unwrap_or_default();
    let is_whole = bytes.split_at_checked(32).is_some_and(|(checksum, rest)| blake3::hash(rest).as_bytes() == checksum);
    if is_whole { bytes.len() } else { 0 }
}
