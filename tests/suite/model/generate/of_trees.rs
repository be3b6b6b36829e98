//! Changes of more than one file.

use crate::model::generate::{Generator, RULES};
use crate::model::inventory::{Kind, parent};
use crate::model::operation::{NewFile, Node, Operation};
use crate::trees::FILES;

impl Generator {
    pub(super) fn new_files(&mut self, directory: &str, most: usize) -> Vec<NewFile> {
        let mut files: Vec<NewFile> = Vec::new();
        for _ in 0..=self.random.below(most) {
            let below = self.random.pick(&["", "", "one/", "one/two/", "lib/", "node_modules/"]);
            let path = format!("{directory}/{below}{}", self.random.pick(FILES));
            let text = self.text();
            if files.iter().all(|file| file.path != path) {
                files.push(NewFile { path, text });
            }
        }
        if self.random.one_in(6) {
            let path = format!("{directory}/.gitignore");
            files.push(NewFile { path, text: self.random.pick(RULES).to_owned() });
        }
        files
    }

    /// Something to do to many files at once.
    pub(super) fn big(&mut self) -> Operation {
        let files = self.inventory.files();
        let most = self.scale.bulk;
        let held = self.inventory.pick(&mut self.random, |path, kind| kind == Kind::Directory && path.ends_with("/d0"));
        let held = held.map(|path| parent(&path).to_owned());
        let count = 1 + most / 10 + self.random.below(most - most / 10);
        let text = format!("round {}", self.bursts);
        match (self.random.below(6), held) {
            _ if files < self.scale.files / 2 => {
                Operation::WriteMany { directory: self.new_name("packages/n"), count: most, text }
            }
            (_, Some(directory)) if files > self.scale.files * 2 => Operation::DeleteMany { directory, count: most },
            (0, Some(directory)) => Operation::DeleteMany { directory, count },
            (1 | 2, Some(directory)) if self.inventory.holds_many(&directory, count) => {
                Operation::WriteMany { directory, count, text }
            }
            (3, _) => {
                let directory = format!("{}node_modules", self.inventory.place(&mut self.random));
                if self.inventory.holds_many(&directory, count) {
                    Operation::WriteMany { directory, count, text }
                } else {
                    Operation::WriteMany { directory: self.new_name("build"), count, text }
                }
            }
            (4, _) => {
                // The largest of the directories at the root.
                let top = self.inventory.all(|path, kind| kind == Kind::Directory && !path.contains('/'));
                let size = |top: &str| self.inventory.all(|path, _| path.starts_with(&format!("{top}/"))).len();
                match top.into_iter().max_by_key(|top| size(top)).map(str::to_owned) {
                    Some(from) => Operation::Rename { to: self.new_name("packages"), from },
                    None => Operation::WriteMany { directory: self.new_name("build"), count, text },
                }
            }
            _ => Operation::WriteMany { directory: self.new_name("packages/n"), count, text },
        }
    }

    pub(super) fn on_trees(&mut self) -> Vec<Operation> {
        let is_directory = |_: &str, kind| kind == Kind::Directory;
        // Most trees that are moved and deleted are small ones; `big` has the others.
        let is_small =
            |path: &str, kind| kind == Kind::Directory && (path.contains('/') || !path.starts_with("packages"));
        let directory = self.inventory.pick(&mut self.random, is_small);
        let one = |operation: Option<Operation>| operation.into_iter().collect::<Vec<_>>();
        match (self.random.below(14), directory) {
            (0..4, _) => {
                let Some(path) = self.new_path() else { return Vec::new() };
                vec![Operation::MakeTree { files: self.new_files(&path, 6) }]
            }
            (4 | 5, Some(from)) => {
                one(self.new_path().and_then(|to| outside(&from, to)).map(|to| Operation::Rename { from, to }))
            }
            (6, Some(from)) => vec![Operation::Rename { from, to: format!("../stash/{}", self.new_name("")) }],
            (7 | 8, _) => one(self
                .inventory
                .stashed(&mut self.random)
                .and_then(|from| Some(Operation::Rename { from, to: self.new_path()? }))),
            (9, Some(path)) => vec![Operation::DeleteTree { path }],
            (10, Some(path)) => {
                let by = if self.random.one_in(2) { Node::File(self.text()) } else { Node::Link(self.target()) };
                vec![Operation::Replace { path, by }]
            }
            (11, _) => {
                // A `.gitignore` that is a link would be changed by whatever it leads to.
                let is_plain = |path: &str, kind| kind != Kind::Directory && !path.ends_with("ignore");
                let Some(path) = self.inventory.pick(&mut self.random, is_plain) else { return Vec::new() };
                let by = match self.random.below(3) {
                    0 => Node::Link(self.target()),
                    1 => Node::File(self.text()),
                    _ => Node::Directory(self.new_files(&path, 3)),
                };
                vec![Operation::Replace { path, by }]
            }
            (12, _) => {
                let target = self.target();
                one(self.new_path().map(|path| Operation::Replace { path, by: Node::Link(target) }))
            }
            _ => {
                let mode = [0o755, 0o700, 0o777, 0o000][self.random.below(4)];
                one(self.inventory.pick(&mut self.random, is_directory).map(|path| Operation::Chmod { path, mode }))
            }
        }
    }

    /// Where a symbolic link leads: seldom to something.
    fn target(&mut self) -> String {
        let inside = self.inventory.pick(&mut self.random, |path, _| !path.contains('/'));
        match (self.random.below(4), inside) {
            (0, _) => "nowhere".to_owned(),
            (1, _) => "..".to_owned(),
            (_, Some(path)) => path,
            (_, None) => ".".to_owned(),
        }
    }
}

/// A directory cannot move into itself.
fn outside(from: &str, to: String) -> Option<String> {
    (to != from && !to.starts_with(&format!("{from}/"))).then_some(to)
}
