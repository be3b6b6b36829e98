//! With the trigram index, in every state of it, a search finds what ripgrep finds.

use std::fs::{self, File};
use std::path::Path;
use std::time::Instant;

use serde_json::{Value, json};

use super::differential::{Comparison, rewritten};
use super::queries::{Question, Questioner};
use crate::fixtures::{self, Workspace};
use crate::harness::{LIMIT, Sidecar};
use crate::random::Random;
use crate::referee;

/// What the index did for some queries.
#[derive(Debug, Default)]
struct Tally {
    queries: usize,
    with_matches: usize,
    /// Those for which it was asked, and those for which it left files out.
    indexed: usize,
    narrowed: usize,
    /// Literals of three bytes or more, and those for which it was asked.
    literals: usize,
    indexed_literals: usize,
    /// ripgrep was wrong, or broke down.
    overruled: usize,
}

impl Tally {
    fn add(&mut self, question: &Question, result: &Value) {
        let stats = &result["stats"];
        let count = |name: &str| stats[name].as_u64().unwrap();
        let indexed = stats["indexed"] == true;
        assert!(count("candidates") <= count("filesConsidered"));
        assert!(indexed || count("candidates") == count("filesConsidered"), "{question:?} {result:.500}");
        let is_literal = !question.regex && question.pattern.len() >= 3;
        self.queries += 1;
        self.with_matches += usize::from(result["matchCount"] != 0);
        self.indexed += usize::from(indexed);
        self.narrowed += usize::from(count("candidates") < count("filesConsidered"));
        self.literals += usize::from(is_literal);
        self.indexed_literals += usize::from(is_literal && indexed);
    }

    /// Compares a result with ripgrep's, and counts where ripgrep fails.
    fn agreed(&mut self, comparison: &Comparison<'_>, question: &Question, result: &Value, which: &str) {
        let theirs = comparison.theirs(question);
        let agrees = theirs.is_some_and(|theirs| comparison.agrees(result, &theirs, question, which));
        self.overruled += usize::from(!agrees);
    }

    /// That the index was used, so that the comparison is about it.
    fn check(&self) {
        assert!(self.with_matches * 5 > self.queries * 2, "{self:?}");
        assert!(self.narrowed * 2 > self.queries, "{self:?}");
        assert!(self.indexed_literals * 10 >= self.literals * 9 && self.literals > 0, "{self:?}");
        assert!(self.overruled * 20 <= self.queries, "{self:?}");
    }
}

/// Fixtures, sources in many encodings, a text of several blocks, and files that cut the index into several parts.
fn grown(random: &mut Random) -> Workspace {
    let workspace = fixtures::copy();
    fixtures::add_oddities(&workspace);
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut lines = Vec::new();
    for tree in ["src/search", "src/index", "src/methods", "src/trigram"] {
        for path in referee::walk(&here.join(tree)) {
            let text = fs::read_to_string(here.join(tree).join(&path)).unwrap();
            lines.extend(text.lines().map(str::to_owned));
            workspace.write(&format!("{tree}/{path}"), rewritten(&text, random));
        }
    }
    let mut long = String::new();
    for at in 0..6 {
        // Characters of three bytes, so that lines lie at each place of a border in some file or other.
        long.push_str(&"\u{3164}".repeat(21_800 + random.below(60)));
        let line = random.below(lines.len() - 4);
        long.extend([&format!("\n{at} "), &lines[line..line + 4].join("\n"), "\n"]);
    }
    workspace.write("long.txt", long);
    for at in ["fixed.bin", "src/middle.bin", "src/methods/late.bin"] {
        // Nothing but NUL bytes, and nothing on disk.
        workspace.write(at, "");
        File::options().write(true).open(workspace.at(at)).unwrap().set_len(9 << 20).unwrap();
    }
    workspace
}

/// Changes, replaces, renames, deletes and makes files.
fn edit(workspace: &Workspace, texts: &[String], random: &mut Random, count: usize) {
    for at in 0..count {
        let is_rule = |path: &String| path.ends_with("ignore") || path.contains(".git");
        let files: Vec<String> = referee::walk(&workspace.root).into_iter().filter(|path| !is_rule(path)).collect();
        let (path, text) = (&files[random.below(files.len())], &texts[random.below(texts.len())]);
        match random.below(6) {
            0 => fs::remove_file(workspace.at(path)).unwrap(),
            1 => fs::rename(workspace.at(path), workspace.at(&format!("{path}-{at}"))).unwrap(),
            2 => workspace.write(&format!("made-{}/{at}", random.below(9)), rewritten(text, random)),
            // The same content under another stamp.
            3 => fs::write(workspace.at(path), fs::read(workspace.at(path)).unwrap()).unwrap(),
            _ => workspace.write(path, rewritten(text, random)),
        }
    }
}

/// The params, and more of them.
fn merged(mut params: Value, more: Value) -> Value {
    params.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    params
}

/// Puts queries to a process, with the index and without, and to ripgrep.
fn ask(client: &mut Sidecar, workspace: &Workspace, random: Random, count: usize, which: &str) -> Tally {
    let comparison = Comparison::of(workspace).unwrap();
    let mut questioner = Questioner { random, texts: &comparison.texts };
    let mut tally = Tally::default();
    for number in 0..count {
        // What matches nearly everywhere takes long and says little about an index.
        let is_rare = |question: &Question| {
            let params = merged(question.params(), json!({ "mode": "count" }));
            client.request("search", params)["matchCount"].as_u64().unwrap() < 20_000
        };
        let question = std::iter::repeat_with(|| questioner.next()).find(is_rare).unwrap();
        let with = client.request("search", question.params());
        let without = client.request("search", merged(question.params(), json!({ "useIndex": false })));
        assert_eq!(without["stats"]["indexed"], false);
        tally.add(&question, &with);
        for field in ["files", "fileCount", "matchCount"] {
            assert_eq!(
                with[field],
                without[field],
                "{which}, query {number}: {question:?} {}",
                workspace.root.display()
            );
        }
        tally.agreed(&comparison, &question, &with, &format!("{which}, query {number}"));
    }
    eprintln!("{which}: {tally:?}");
    tally
}

/// A process to which queries were put while it built the index: all are sent before it can have listed anything.
fn asked_while_it_is_built(workspace: &Workspace, comparison: &Comparison<'_>) -> Sidecar {
    let mut questioner = Questioner { random: Random::new(32), texts: &comparison.texts };
    let questions: Vec<Question> = (0..30).map(|_| questioner.next()).collect();
    // A machine may be so busy that they come late.
    for _ in 0..10 {
        let mut client = Sidecar::builder(&workspace.root).args(["--max-response-bytes", "2000000000"]).spawn();
        let ids = client.send_all(questions.iter().map(|question| ("search", question.params())));
        let mut tally = Tally::default();
        for (question, id) in questions.iter().zip(&ids) {
            let result = client.result(id);
            tally.add(question, &result);
            tally.agreed(comparison, question, &result, "while it is built");
        }
        eprintln!("while it is built: {tally:?}");
        assert!(tally.overruled * 20 <= tally.queries, "{tally:?}");
        if tally.indexed_literals < tally.literals {
            return client;
        }
        client.finish();
    }
    panic!("the index is built before anything can be asked");
}

fn dirty_files(client: &mut Sidecar) -> u64 {
    client.request("status", json!({}))["textIndex"]["dirtyFiles"].as_u64().unwrap()
}

#[test]
fn in_every_state_of_the_index() {
    if referee::program().is_none() {
        return;
    }
    let mut random = Random::new(31);
    let workspace = grown(&mut random);
    let comparison = Comparison::of(&workspace).unwrap();
    let mut client = asked_while_it_is_built(&workspace, &comparison);
    client.wait_event("indexed");
    assert_eq!(dirty_files(&mut client), 0);
    ask(&mut client, &workspace, Random::new(33), 120, "as it was built").check();

    // Fewer changes than it is built anew for.
    edit(&workspace, &comparison.texts, &mut random, 40);
    ask(&mut client, &workspace, Random::new(34), 50, "with changes").check();
    assert!((1..64).contains(&dirty_files(&mut client)));

    edit(&workspace, &comparison.texts, &mut random, 150);
    let tally = ask(&mut client, &workspace, Random::new(35), 60, "while parts are built anew");
    assert!(tally.indexed * 2 > tally.queries, "{tally:?}");
    // It is built in a share of the time only, which is long where building takes long.
    let deadline = Instant::now() + 5 * LIMIT;
    while dirty_files(&mut client) >= 64 {
        assert!(Instant::now() < deadline, "nothing is built anew{}", client.told());
        client.request("sync", json!({}));
    }
    ask(&mut client, &workspace, Random::new(36), 60, "with parts that were built anew").check();
    client.finish();
}
