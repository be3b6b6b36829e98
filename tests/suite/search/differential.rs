//! The same queries, put to ripgrep.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::places::{Places, bytes_of, matches, number};
use super::queries::{Case, Question, Questioner};
use crate::fixtures::{self, Workspace};
use crate::harness::Sidecar;
use crate::random::Random;
use crate::referee;

/// What a search found in a file: byte ranges, and for each line shown whether it has a match.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Found {
    matches: Vec<(usize, usize)>,
    /// The lines that ripgrep shows are not those of the matches it lists: it shows the last line for
    /// an empty match behind its last byte, and in mode `-U` lines on which only a second look from
    /// the end of the match before, as if a line began there, finds something.
    unlisted: bool,
    lines: BTreeMap<usize, (bool, String)>,
}

/// What was found, by path.
pub(super) type AllFound = BTreeMap<String, Found>;

/// A workspace in one state, ripgrep, and what is to be compared.
pub(super) struct Comparison<'workspace> {
    program: PathBuf,
    root: &'workspace Path,
    files: BTreeMap<String, Places>,
    /// The files as text.
    pub(super) texts: Vec<String>,
}

impl<'workspace> Comparison<'workspace> {
    /// None without ripgrep.
    pub(super) fn of(workspace: &'workspace Workspace) -> Option<Self> {
        let program = referee::program()?;
        let files = files(&workspace.root);
        let texts = files.values().map(|file| String::from_utf8_lossy(&file.bytes).into_owned()).collect();
        Some(Self { program, root: &workspace.root, files, texts })
    }

    /// What ripgrep finds; nothing if it breaks down.
    pub(super) fn theirs(&self, question: &Question) -> Option<AllFound> {
        ripgrep(&self.program, self.root, question, "default", &self.files)
    }

    /// Compares a result with what ripgrep found. False if ripgrep was wrong.
    pub(super) fn agrees(&self, result: &Value, theirs: &AllFound, question: &Question, which: &str) -> bool {
        let ours = sidecar(result, question, &self.files);
        if ours == *theirs {
            return true;
        }
        let second = || ripgrep(&self.program, self.root, question, "pcre2", &self.files);
        if question.regex && second().is_some_and(|second| second == ours) {
            // ripgrep 15.0 looks for the end of `a.*, |, ` first, and misses the match that begins before it.
            return false;
        }
        let differs = |path: &&String| ours.get(*path) != theirs.get(*path);
        if let Some(path) = ours.keys().chain(theirs.keys()).find(differs) {
            report(path, &ours, theirs, question, &format!("{which}, {}", self.root.display()));
        }
        true
    }
}

/// The files of a workspace by path, but those with a NUL byte: what ripgrep does with them depends
/// on how it happens to read them, and the contract has a rule of its own.
fn files(root: &Path) -> BTreeMap<String, Places> {
    let walk = ignore::WalkBuilder::new(root).standard_filters(false).build();
    let mut files = BTreeMap::new();
    for entry in walk.filter_map(Result::ok).filter(|entry| entry.file_type().is_some_and(|kind| kind.is_file())) {
        let Some(path) = entry.path().strip_prefix(root).unwrap().to_str() else { continue };
        let places = Places::read(entry.path());
        if !places.bytes.contains(&0) && !path.contains('\\') {
            files.insert(path.replace(std::path::MAIN_SEPARATOR, "/"), places);
        }
    }
    files
}

/// What ripgrep finds; nothing if it breaks down.
fn ripgrep(
    program: &Path,
    root: &Path,
    question: &Question,
    engine: &str,
    files: &BTreeMap<String, Places>,
) -> Option<AllFound> {
    let output = Command::new(program)
        .args(["--engine", engine])
        .args(question.arguments())
        .arg("./")
        .current_dir(root)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    if engine == "pcre2" && output.status.code() == Some(2) {
        // It has a syntax of its own, or is not built in.
        return None;
    }
    if said.contains("panicked at crates/printer") {
        // ripgrep 15.0 slices out of bounds for some matches over several lines. (On several threads it would hang.)
        return None;
    }
    assert!(output.status.code().is_some_and(|code| code < 2), "ripgrep: {said}\n{question:?}");
    let mut found: AllFound = BTreeMap::new();
    for line in output.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let message: Value = serde_json::from_slice(line).unwrap();
        let (kind, data) = (message["type"].as_str().unwrap(), &message["data"]);
        if !matches!(kind, "match" | "context") {
            continue;
        }
        let Some(path) = data["path"]["text"].as_str() else { continue };
        let path = path.trim_start_matches("./").trim_start_matches(".\\").replace('\\', "/");
        let Some(places) = files.get(&path) else { continue };
        let file = found.entry(path).or_default();
        let offset = number(&data["absolute_offset"]);
        let submatches = data["submatches"].as_array().unwrap();
        file.unlisted |= kind == "match" && submatches.is_empty();
        let at = |found: &Value| places.range(offset + number(&found["start"]), offset + number(&found["end"]));
        file.matches.extend(submatches.iter().filter(|_| kind == "match").map(at));
        let text = String::from_utf8_lossy(&bytes_of(&data["lines"])).into_owned();
        let first = number(&data["line_number"]);
        for (number, line) in (first..).zip(text.split_inclusive('\n')) {
            let shown = line.strip_suffix('\n').map_or(line, |line| line.strip_suffix('\r').unwrap_or(line));
            file.lines.insert(number, (kind == "match", shown.to_owned()));
        }
    }
    found.retain(|_, file| !file.matches.is_empty());
    for (path, file) in &mut found {
        if file.unlisted || question.multiline {
            let lines = files[path].shown(&file.matches, question.before, question.after);
            (file.lines, file.unlisted) = (lines, false);
        }
    }
    Some(found)
}

fn sidecar(result: &Value, question: &Question, files: &BTreeMap<String, Places>) -> AllFound {
    assert_eq!(result["limitHit"], false);
    assert_eq!(result["synced"], true);
    let mut all = BTreeMap::new();
    let mut total = 0;
    for file in result["files"].as_array().unwrap() {
        let path = file["path"].as_str().unwrap();
        let places = matches(file);
        assert_eq!(number(&file["matchCount"]), places.len(), "{path} {question:?}");
        total += places.len();
        let Some(text) = files.get(path) else { continue };
        let mut found =
            Found { matches: places.iter().map(|(start, end)| (start.0, end.0)).collect(), ..Found::default() };
        for line in file["lines"].as_array().unwrap() {
            let matched = line.get("context").is_none();
            assert_eq!(matched, !line["matches"].as_array().unwrap().is_empty());
            assert_eq!(line["textColumn"], 1);
            // The mark is a character of the first line, for an editor, and nothing for ripgrep.
            let shown = line["text"].as_str().unwrap();
            let shown = if line["line"] == 1 && text.text.first() == Some(&0xFEFF) { &shown[3..] } else { shown };
            let ended = shown.matches('\n').count();
            for (at, part) in shown.split('\n').enumerate() {
                let part = if at < ended { part.strip_suffix('\r').unwrap_or(part) } else { part };
                let before = found.lines.insert(number(&line["line"]) + at, (matched, part.to_owned()));
                assert_eq!(before, None, "{path}: a line is shown twice {question:?}");
            }
        }
        all.insert(path.to_owned(), found);
    }
    assert_eq!(number(&result["fileCount"]), result["files"].as_array().unwrap().len());
    assert_eq!(number(&result["matchCount"]), total);
    all
}

/// Some ten megabytes of an answer.
const MOST_MATCHES: u64 = 100_000;

/// Puts made-up and given queries to both.
fn compare(workspace: &Workspace, seed: u64, count: usize, given: &[Question]) {
    let Some(comparison) = Comparison::of(workspace) else { return };
    let mut questioner = Questioner { random: Random::new(seed), texts: &comparison.texts };
    // Patterns that match nothing at every place give a lot.
    let mut client = Sidecar::builder(&workspace.root).args(["--max-response-bytes", "2000000000"]).spawn();
    let (mut with_matches, mut total, mut refused, mut overruled) = (0, 0, 0, 0);
    let mut given = given.iter();
    for number in 0..given.len() + count {
        let question = given.next().cloned().unwrap_or_else(|| {
            // A made-up one may match at every place, which of a large tree is more than a slow machine has time for.
            let is_bounded = |question: &Question| {
                let mut params = question.params();
                params["mode"] = json!("count");
                let id = client.send("search", params);
                // One that is refused is ripgrep's to refuse, too.
                let response = client.wait_for(&id);
                response["result"]["matchCount"].as_u64().is_none_or(|matches| matches < MOST_MATCHES)
            };
            let questions = std::iter::repeat_with(|| questioner.next()).take(1000);
            questions.into_iter().find(is_bounded).expect("not all patterns match everywhere")
        });
        let Some(theirs) = comparison.theirs(&question) else {
            refused += 1;
            continue;
        };
        let result = client.request("search", question.params());
        with_matches += usize::from(!theirs.is_empty());
        total += theirs.values().map(|file| file.matches.len()).sum::<usize>();
        let agrees = comparison.agrees(&result, &theirs, &question, &format!("seed {seed}, query {number}"));
        overruled += usize::from(!agrees);
    }
    eprintln!(
        "seed {seed}: {with_matches} queries with matches, {total} matches, {refused} too much for ripgrep, {overruled} overruled"
    );
    assert!(refused + overruled <= count / 20, "ripgrep fails at {refused} queries and is wrong about {overruled}");
    assert!(with_matches * 2 > count, "only {with_matches} of {count} queries match anything");
    client.finish();
}

fn report(path: &str, ours: &AllFound, theirs: &AllFound, question: &Question, which: &str) {
    let quoted: Vec<String> =
        question.arguments().iter().map(|word| format!("'{}'", word.replace('\'', r"'\''"))).collect();
    let (ours, theirs) = (ours.get(path), theirs.get(path));
    let only = |one: Option<&Found>, other: Option<&Found>| {
        let matches: Vec<_> = one
            .iter()
            .flat_map(|file| &file.matches)
            .filter(|at| !other.is_some_and(|file| file.matches.contains(at)))
            .take(5)
            .collect();
        let lines: Vec<_> = one
            .iter()
            .flat_map(|file| &file.lines)
            .filter(|(at, line)| other.and_then(|file| file.lines.get(*at)) != Some(*line))
            .take(5)
            .collect();
        format!("matches {matches:?} lines {lines:?}")
    };
    panic!(
        "{path} differs ({which})\n  rg {} ./\n  workspace-sidecar call search '{}'\n  only here: {}\n  only ripgrep: {}",
        quoted.join(" "),
        question.params().to_string().replace('\'', r"'\''"),
        only(ours, theirs),
        only(theirs, ours),
    );
}

/// What random queries seldom are.
fn given() -> Vec<Question> {
    let insensitive = |pattern: &str| Question { case: Case::Insensitive, ..Question::regex(pattern) };
    let context = |pattern: &str| Question { before: 2, after: 3, ..Question::regex(pattern) };
    vec![
        Question::regex(""),
        Question::regex("").multiline(),
        Question::regex("^$"),
        Question::regex("^$").multiline(),
        Question::regex("$"),
        Question::regex(r"\r$"),
        Question::regex(r"\r"),
        Question::regex("foo|.*"),
        Question::regex("a?"),
        Question::regex("(x|)"),
        insensitive("k"),
        insensitive("straße"),
        insensitive("ſ"),
        insensitive("É"),
        Question::regex("🥐|🥖|𠮷"),
        Question::regex("\u{fffd}"),
        Question::regex(r"\A.").multiline(),
        Question::regex(r"(?s).*").multiline(),
        Question::regex(r"(?s).\z").multiline(),
        Question::regex(r"\s+").multiline(),
        Question::regex(r"\S+\s\S+").multiline(),
        Question::regex(r"\r\n").multiline(),
        Question::regex(r"[^a]\n[^b]").multiline(),
        Question { whole_word: true, ..insensitive("loaf|loaves|🥐") },
        Question { whole_word: true, ..Question::regex("") },
        context("return"),
        context("}$"),
        context(r"\}\n").multiline(),
    ]
}

#[test]
fn the_fixtures_and_what_git_cannot_hold() {
    let workspace = fixtures::copy();
    fixtures::add_oddities(&workspace);
    compare(&workspace, 1, 120, &given());
}

#[test]
fn sources_in_many_encodings() {
    let workspace = Workspace::empty();
    let mut random = Random::new(7);
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    for tree in ["src", "protocol", "tests"] {
        let walk = ignore::WalkBuilder::new(here.join(tree))
            .require_git(false)
            .filter_entry(|entry| entry.file_name() != "node_modules")
            .build();
        let mut paths: Vec<_> =
            walk.filter_map(Result::ok).map(ignore::DirEntry::into_path).filter(|path| path.is_file()).collect();
        paths.sort();
        for path in paths {
            let text = std::fs::read_to_string(&path).unwrap();
            let name = path.strip_prefix(here).unwrap().to_str().unwrap().replace(std::path::MAIN_SEPARATOR, "/");
            workspace.write(&name, rewritten(&text, &mut random));
        }
    }
    compare(&workspace, 2, 120, &given()[10..]);
}

/// The text in some encoding, with some line ends.
pub(super) fn rewritten(text: &str, random: &mut Random) -> Vec<u8> {
    let utf16 =
        |text: &str, unit: fn(u16) -> [u8; 2]| format!("\u{feff}{text}").encode_utf16().flat_map(unit).collect();
    match random.below(10) {
        0 => text.replace('\n', "\r\n").into_bytes(),
        1 => format!("\u{feff}{text}").into_bytes(),
        2 => utf16(text, u16::to_le_bytes),
        3 => utf16(&text.replace('\n', "\r\n"), u16::to_be_bytes),
        4 => {
            let mut bytes = text.as_bytes().to_vec();
            for _ in 0..8 {
                let at = random.below(bytes.len() + 1);
                bytes.splice(
                    at..at,
                    random
                        .pick(&[&b"\xE8"[..], b"\xF0\x9F\x98", b"\x80\x80", b"\xED\xA0\xBD", b"\xC3"])
                        .iter()
                        .copied(),
                );
            }
            bytes
        }
        5 => text.trim_end().as_bytes().to_vec(),
        6 => {
            let often = 1 + random.below(30);
            let letters = text.chars().enumerate();
            letters
                .flat_map(|(at, letter)| [Some(letter), (at % often == 0).then_some('😀')])
                .flatten()
                .collect::<String>()
                .into_bytes()
        }
        _ => text.as_bytes().to_vec(),
    }
}
