//! Bursts of operations from a seed.

use crate::model::inventory::{Inventory, Kind};
use crate::model::operation::{NewFile, Operation};
use crate::model::plan::{Ask, Burst, First};
use crate::random::Random;
use crate::trees::{DIRECTORIES, FILES};

mod of_trees;

/// How large everything is.
#[derive(Clone, Copy)]
pub(crate) struct Scale {
    /// Files at the start, about which their number stays.
    pub(crate) files: usize,
    /// The most files a single operation makes.
    pub(crate) bulk: usize,
    /// The most operations of an ordinary burst.
    pub(crate) burst: usize,
}

/// Names of files with rules.
const RULE_FILES: &[&str] = &[".gitignore", ".gitignore", ".ignore", ".rgignore"];

/// Rules for the names that are used here, in one file. None hides everything: that would end the game.
const RULES: &[&str] = &[
    "",
    "node_modules\n",
    "node_modules\n*.log\n",
    "node_modules\n/src/\n",
    "node_modules\nlib/\n!*.md\n",
    "node_modules\n/packages/p1/\n",
    "node_modules\n/packages/*/d0/\n",
    "*.ts\n!d.ts\n",
    "!*.ts\n",
    "!node_modules\n",
    "build/\n.cache/\n",
    "!build/\n",
    "a\n!/a\n",
    "**/src/a\n",
    "f1*.ts\n",
    "!f1*.ts\n",
    ".env\n\\#n\n",
];

/// Rules of a directory below the root may hide all of it.
const NESTED_RULES: &[&str] = &["*\n", "*\n!c.ts\n", "*\n!*/\n!*.md\n", "!*\n", "/*\n!/a\n"];

/// Makes bursts that fit the tree as those before have left it.
pub(crate) struct Generator {
    random: Random,
    scale: Scale,
    inventory: Inventory,
    /// What markers begin with, so that runs can be told apart.
    seed: u64,
    bursts: usize,
    /// For names that were never used before.
    names: usize,
}

impl Generator {
    pub(crate) fn new(seed: u64, scale: Scale) -> Self {
        Self { random: Random::new(seed), scale, inventory: Inventory::default(), seed, bursts: 0, names: 0 }
    }

    /// What is there at the start: a few directories of odd names, and packages of plain ones.
    pub(crate) fn setup(&mut self) -> Vec<Operation> {
        let mut operations = vec![Operation::Rules { path: ".gitignore".into(), text: "node_modules\n".into() }];
        let mut files = Vec::new();
        let mut grow = |random: &mut Random, prefix: &str| {
            for name in FILES {
                if random.one_in(2) {
                    files.push(NewFile { path: format!("{prefix}{name}"), text: format!("{name} {prefix}\n") });
                }
            }
        };
        grow(&mut self.random, "");
        for directory in DIRECTORIES.iter().filter(|name| !FILES.contains(name)) {
            grow(&mut self.random, &format!("{directory}/"));
            if self.random.one_in(2) {
                let below = self.random.pick(&["lib", "deep", "b.d"]);
                grow(&mut self.random, &format!("{directory}/{below}/"));
            }
        }
        let packages = self.scale.files.saturating_sub(files.len());
        operations.push(Operation::MakeTree { files });
        for at in 0..4 {
            let directory = format!("packages/p{at}");
            operations.push(Operation::WriteMany { directory, count: packages / 4, text: "at first".into() });
        }
        for operation in &operations {
            self.inventory.note(operation);
        }
        operations
    }

    /// The next burst.
    pub(crate) fn burst(&mut self) -> Burst {
        self.bursts += 1;
        let quiet = self.random.one_in(8);
        let mut operations = Vec::new();
        if !quiet && self.random.one_in(8) {
            let operation = self.big();
            self.push(&mut operations, operation);
        }
        let most = if self.random.one_in(3) { 3 } else { self.scale.burst };
        let count = 1 + self.random.below(most);
        while operations.len() < count {
            let more = if quiet { self.no_change() } else { self.some() };
            for operation in more {
                self.push(&mut operations, operation);
            }
        }
        let mut patterns = vec![self.marker(self.random_burst())];
        if !quiet {
            let marker = self.marker(self.bursts);
            for _ in 0..=self.random.below(2) {
                let operation = self.write_marker(&marker);
                self.push(&mut operations, operation);
            }
            patterns.insert(0, marker);
        }
        let ask = self.ask(&operations, patterns);
        Burst { operations, ask }
    }

    fn push(&mut self, operations: &mut Vec<Operation>, operation: Operation) {
        self.inventory.note(&operation);
        operations.push(operation);
    }

    fn ask(&mut self, operations: &[Operation], patterns: Vec<String>) -> Ask {
        let first = match self.random.below(10) {
            0..3 => First::Listing,
            3..5 => First::Search,
            5 => First::Together,
            6..8 => First::Paths,
            _ if operations.iter().all(|operation| self.is_told(operation)) => First::Events,
            _ => First::Listing,
        };
        let midway = self.random.one_in(4).then(|| self.random.below(operations.len()));
        Ask { first, patterns, midway, sample: self.random.next() }
    }

    /// Whether a watcher alone can tell: of a write through one name of a file, nobody tells those who watch
    /// another, and what lies above the root is not the workspace's.
    fn is_told(&self, operation: &Operation) -> bool {
        let path = match operation {
            Operation::Write { path, .. }
            | Operation::Append { path, .. }
            | Operation::Grow { path, .. }
            | Operation::Truncate { path, .. }
            | Operation::EditUnnoticeably { path } => path,
            Operation::Rules { path, .. } => {
                return !path.starts_with("../") && self.inventory.kind(path) != Some(Kind::File { linked: true });
            }
            Operation::WriteMany { .. } => {
                return self.inventory.all(|_, kind| kind == Kind::File { linked: true }).is_empty();
            }
            _ => return true,
        };
        // What was renamed or deleted since may have had another name.
        matches!(self.inventory.kind(path), Some(Kind::File { linked: false }))
    }

    fn marker(&self, burst: usize) -> String {
        format!("<<{}.{burst}>>", self.seed)
    }

    fn random_burst(&self) -> usize {
        // Not worth a draw of its own: any earlier burst will do.
        self.bursts * 2 / 3
    }

    fn write_marker(&mut self, marker: &str) -> Operation {
        let text = format!("before {marker} behind\n");
        let existing = self.inventory.file(&mut self.random);
        match (self.random.below(3), existing) {
            (0, Some(path)) => Operation::Append { path, text },
            (1, Some(path)) => Operation::Write { path, text },
            _ => match self.new_path() {
                Some(path) => Operation::Create { path, text },
                None => Operation::MakeTree { files: vec![NewFile { path: self.new_name("marked") + "/m.ts", text }] },
            },
        }
    }

    /// A name that was never used before, at the root.
    fn new_name(&mut self, stem: &str) -> String {
        self.names += 1;
        format!("{stem}{}", self.names)
    }

    /// A free path in a directory there is; one of few names, so that rules and earlier files meet it.
    fn new_path(&mut self) -> Option<String> {
        let place = self.inventory.place(&mut self.random);
        let names: &[&str] = if self.random.one_in(4) { DIRECTORIES } else { FILES };
        let path = format!("{place}{}", self.random.pick(names));
        self.inventory.kind(&path).is_none().then_some(path)
    }

    fn text(&mut self) -> String {
        let number = self.random.next();
        match self.random.below(12) {
            0 => String::new(),
            1 => format!("binary\0{number}"),
            2 => format!("{number} ünï\r\n").repeat(40),
            _ => format!("export const x = {number};\n"),
        }
    }

    /// What leaves the listing, and all contents, as they were.
    fn no_change(&mut self) -> Vec<Operation> {
        if let (true, Some(path)) = (self.random.one_in(4), self.new_path()) {
            let text = self.text();
            return vec![Operation::Create { path: path.clone(), text }, Operation::Delete { path }];
        }
        let Some(path) = self.inventory.file(&mut self.random) else { return Vec::new() };
        match self.random.below(4) {
            0 => vec![Operation::SetTime { path, seconds: 1_000_000_000 + self.random.below(900_000_000) as u64 }],
            1 => vec![Operation::Chmod { path, mode: [0o600, 0o644, 0o755, 0o000][self.random.below(4)] }],
            2 => {
                let aside = format!("{path}.aside");
                if self.inventory.kind(&aside).is_some() {
                    return Vec::new();
                }
                vec![
                    Operation::Rename { from: path.clone(), to: aside.clone() },
                    Operation::Rename { from: aside, to: path },
                ]
            }
            _ => vec![Operation::Rewrite { path }],
        }
    }

    /// A small change, or nothing where there is nothing to change.
    fn some(&mut self) -> Vec<Operation> {
        match self.random.below(100) {
            0..45 => self.on_files().into_iter().collect(),
            45..55 => self.rules().into_iter().collect(),
            55..85 => self.on_trees(),
            85..99 => self.no_change(),
            _ if self.random.one_in(4) => {
                let files =
                    ["src", "packages/p0/d0", "lib/deep"].map(|directory| self.new_files(directory, 20)).concat();
                vec![Operation::RecreateRoot { move_aside: self.random.one_in(2), files }]
            }
            _ => Vec::new(),
        }
    }

    fn on_files(&mut self) -> Option<Operation> {
        let text = self.text();
        let path = self.inventory.file(&mut self.random);
        Some(match self.random.below(20) {
            0..3 => Operation::Create { path: self.new_path()?, text },
            // Nobody's business, but on a watch that was not given up.
            3 => Operation::Write { path: self.inventory.stashed_file(&mut self.random)?, text },
            4..6 => Operation::Write { path: path?, text },
            6 => Operation::Append { path: path?, text },
            7 => Operation::Grow { path: path?, bytes: 1 << self.random.below(18) },
            8 => Operation::Truncate { path: path?, size: self.random.below(30) as u64 },
            9..11 => Operation::EditUnnoticeably { path: path? },
            11..13 => self.atomic_save(path?, text),
            13 => Operation::Rename { from: path?, to: self.new_path()? },
            14 => self.rename_over(&path?)?,
            15..17 => Operation::Delete { path: path? },
            17 => self.hard_link(path?)?,
            18 => {
                let is_linked = |_: &str, kind| kind == Kind::File { linked: true };
                Operation::Append { path: self.inventory.pick(&mut self.random, is_linked)?, text }
            }
            _ => self.change_case(&path?)?,
        })
    }

    fn atomic_save(&mut self, path: String, text: String) -> Operation {
        let temporary = match self.random.below(3) {
            0 => format!("{}{}", self.inventory.place(&mut self.random), self.new_name(".tmp")),
            1 => format!("../stash/{}", self.new_name("tmp")),
            _ => format!("{path}.tmp"),
        };
        let temporary = if self.inventory.kind(&temporary).is_some() { self.new_name(".tmp") } else { temporary };
        Operation::AtomicSave { path, temporary, text }
    }

    fn rename_over(&mut self, from: &str) -> Option<Operation> {
        // A rename of one name of a file over another of its names does nothing at all.
        let plain = Kind::File { linked: false };
        let to = self.inventory.pick(&mut self.random, |path, kind| path != from && kind == plain)?;
        Some(Operation::Rename { from: from.to_owned(), to })
    }

    fn hard_link(&mut self, from: String) -> Option<Operation> {
        // Rules that change by another name are out: nobody could tell whose they are.
        let to = self.new_path()?;
        (!RULE_FILES.iter().any(|name| from.ends_with(name))).then_some(Operation::HardLink { from, to })
    }

    fn change_case(&mut self, from: &str) -> Option<Operation> {
        let name = from.rsplit('/').next()?;
        let swapped: String =
            name.chars()
                .map(|letter| {
                    if letter.is_ascii_uppercase() { letter.to_ascii_lowercase() } else { letter.to_ascii_uppercase() }
                })
                .collect();
        let to = format!("{}{swapped}", &from[..from.len() - name.len()]);
        self.inventory.kind(&to).is_none().then(|| Operation::Rename { from: from.to_owned(), to })
    }

    fn rules(&mut self) -> Option<Operation> {
        let named = |path: &str, kind| {
            matches!(kind, Kind::File { .. })
                && RULE_FILES.iter().any(|name| path == *name || path.ends_with(&format!("/{name}")))
        };
        if self.random.one_in(4) {
            return Some(Operation::Delete { path: self.inventory.pick(&mut self.random, named)? });
        }
        let text = self.random.pick(RULES).to_owned();
        Some(match self.random.below(12) {
            0..6 => Operation::Rules { path: self.rule_file("")?, text },
            6..8 => Operation::Rules { path: ".git/info/exclude".into(), text },
            8 if self.random.one_in(3) => Operation::Rules { path: "../.ignore".into(), text },
            _ => {
                let place = self.inventory.place(&mut self.random);
                let path = self.rule_file(&place)?;
                let text = if place.is_empty() { text } else { self.random.pick(NESTED_RULES).to_owned() };
                Operation::Rules { path, text }
            }
        })
    }

    /// A file for rules that is there or can be.
    fn rule_file(&mut self, place: &str) -> Option<String> {
        let path = format!("{place}{}", self.random.pick(RULE_FILES));
        self.inventory.kind(&path).is_none_or(|kind| matches!(kind, Kind::File { .. })).then_some(path)
    }
}
