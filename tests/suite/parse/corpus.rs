//! Real sources, read by the TypeScript compiler.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::differential::{FACTS, comparable, difference};
use crate::harness::Sidecar;
use crate::referee::Node;

/// Longer files are left out: bundles, which cost a minute each.
const MAX_BYTES: u64 = 1 << 20;
/// How many files are under way.
const AHEAD: usize = 8;
/// So many differences of a kind are shown, unless `TSX_SHOWN` says otherwise.
const SHOWN: usize = 20;

/// What came of a tree.
#[derive(Default)]
struct Tally {
    files: usize,
    /// Files that TypeScript finds errors in, which are not compared.
    refused: usize,
    attributes: usize,
    facts: BTreeMap<&'static str, usize>,
    /// Files that differ, by what differs.
    differ: BTreeMap<&'static str, Vec<String>>,
}

impl Tally {
    fn add(&mut self, path: &str, ours: Value, theirs: Value) {
        self.files += 1;
        if theirs["errors"] != 0 {
            self.refused += 1;
            return;
        }
        let [ours, theirs] = comparable(ours, theirs);
        let errors = ours["errors"].as_array().unwrap();
        if let Some(error) = errors.first() {
            self.differ.entry("errors").or_default().push(format!("{path}:{}", error["start"]));
        }
        for fact in FACTS {
            if let Some(difference) = difference(&ours[fact], &theirs[fact]) {
                self.differ.entry(fact).or_default().push(format!("{path}: {difference}"));
            }
            *self.facts.entry(fact).or_default() += theirs[fact].as_array().unwrap().len();
        }
        let elements = theirs["jsx"].as_array().unwrap();
        self.attributes +=
            elements.iter().map(|element| element["attributes"].as_array().unwrap().len()).sum::<usize>();
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = std::env::var("TSX_SHOWN").ok().and_then(|shown| shown.parse().ok()).unwrap_or(SHOWN);
        for (kind, differ) in &self.differ {
            for one in differ.iter().take(shown) {
                writeln!(formatter, "{kind}: {one}")?;
            }
        }
        let compared = self.files - self.refused;
        writeln!(formatter, "files        {compared} compared, {} with errors for TypeScript", self.refused)?;
        for (fact, count) in &self.facts {
            writeln!(formatter, "{fact:12} {count}, in {} files different", self.differ.get(fact).map_or(0, Vec::len))?;
        }
        writeln!(formatter, "attributes   {}", self.attributes)?;
        write!(formatter, "errors       in {} files", self.differ.get("errors").map_or(0, Vec::len))
    }
}

/// Sources beneath `directory`, in order.
fn sources(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut directories = vec![directory.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap().map(Result::unwrap) {
            let kind = entry.file_type().unwrap();
            let path = entry.path();
            let extension = path.extension().and_then(|extension| extension.to_str());
            if kind.is_dir() {
                directories.push(path);
            } else if kind.is_file()
                && matches!(extension, Some("ts" | "tsx" | "mts" | "cts" | "js" | "jsx" | "mjs" | "cjs"))
                && entry.metadata().unwrap().len() <= MAX_BYTES
                && fs::read(&path).is_ok_and(|bytes| std::str::from_utf8(&bytes).is_ok())
            {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// Compares every source of a tree.
fn compare(root: &Path, sources: &[PathBuf], program: Option<PathBuf>) -> Option<Tally> {
    let mut typescript = Node::typescript()?;
    // Nothing is indexed: only `parse` is asked.
    let builder = Sidecar::builder(root).args(["--exclude", "**"]);
    let mut sidecar = program.into_iter().fold(builder, super::super::harness::Builder::program).spawn();
    let mut tally = Tally::default();
    let mut open: VecDeque<(String, String, Value)> = VecDeque::new();
    let mut next = sources.iter();
    loop {
        while open.len() < AHEAD
            && let Some(source) = next.next()
        {
            let path = source.strip_prefix(root).unwrap().to_str().unwrap().replace(std::path::MAIN_SEPARATOR, "/");
            let question = json!({ "path": source });
            typescript.send(&question);
            open.push_back((sidecar.send("parse", json!({ "path": path })), path, question));
        }
        let Some((id, path, question)) = open.pop_front() else { break };
        tally.add(&path, sidecar.result(&id), typescript.receive(&question));
    }
    sidecar.finish();
    Some(tally)
}

/// The packages of the referees themselves: what TypeScript brings along, and its libraries.
#[test]
fn packages_are_read_as_typescript_reads_them() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/node/node_modules");
    if !root.is_dir() {
        return crate::referee::absent("a tree of packages", "run `npm ci` in tests/node");
    }
    let Some(tally) = compare(&root, &sources(&root), None) else { return };
    assert!(tally.differ.is_empty(), "{tally}");
    assert!(tally.facts["symbols"] > 10_000, "{tally}");
}

/// A tree of one's own: `scripts/tsx-differential DIR`.
///
/// One file in a thousand may differ. Of the 69,514 sources of public packages that the benchmark reads, 18 do. What the
/// grammar takes for errors in them, and is not shown otherwise so far (see `src/tsx/lenient.rs`):
/// - members of a type that are told apart by a line end alone, where the next one starts with a type parameter that has a
///   default or is a constant, or with other members in between (14 files of one package);
/// - a pattern within a pattern in the parameters of a function type (1);
/// - variance behind a `///` comment (1);
/// - two modules that a compiler has written.
#[test]
#[ignore = "needs a tree of sources"]
fn a_tree() {
    let Some(root) = std::env::var_os("TSX_TREE") else {
        eprintln!("SKIPPED: parse::corpus::a_tree: TSX_TREE names no directory");
        return;
    };
    let root = PathBuf::from(root).canonicalize().unwrap();
    let program = std::env::var_os("TSX_PROGRAM").map(PathBuf::from);
    let Some(tally) = compare(&root, &sources(&root), program) else { return };
    eprintln!("{tally}");
    assert!(tally.files > 0, "there are no sources in {}", root.display());
    let differ: std::collections::BTreeSet<&str> =
        tally.differ.values().flatten().filter_map(|one| one.split(':').next()).collect();
    assert!(differ.len() * 1000 <= tally.files, "{} of {} files differ", differ.len(), tally.files);
}
