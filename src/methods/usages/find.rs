//! Finding the elements: which files may have some.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use super::look::{FoundFile, Look, Looked, Wanted};
use super::origins::{Module, Origins, Step, digests, is_declared, language};
use crate::error::{Code, Error, Result};
use crate::facts::Digest;
use crate::index::{FileEntry, Snapshot};
use crate::indexer::Digested;
use crate::methods::Context;
use crate::methods::candidates::Pieces;
use crate::methods::module_graph::Loader;
use crate::modules::{State, Target};
use crate::ordered::ordered_map;
use crate::path::RelPath;
use crate::protocol::Consistency;
use crate::protocol::modules::ReferenceKind;
use crate::text::Class;

/// So many files are looked into in one task.
const BATCH: usize = 16;

/// What was found, as far as it will be reported: the first files, by path.
#[derive(Default)]
pub(super) struct Found {
    pub(super) files: BTreeMap<RelPath, FoundFile>,
    /// Elements and bytes of these.
    count: u64,
    bytes: usize,
    /// Whether there is more.
    pub(super) is_cut: bool,
    /// Sources that could not be looked into.
    pub(super) skipped: BTreeSet<RelPath>,
}

impl Found {
    /// Adds a file; lets those go that are behind what `wanted` has room for.
    fn add(&mut self, path: RelPath, file: FoundFile, wanted: &Wanted) {
        self.count += file.count();
        self.bytes += file.bytes();
        self.files.insert(path, file);
        while let Some((path, last)) = self.files.pop_last() {
            let (count, bytes) = (self.count - last.count(), self.bytes - last.bytes());
            if count < wanted.limit && bytes < wanted.room {
                self.files.insert(path, last);
                return;
            }
            (self.count, self.bytes, self.is_cut) = (count, bytes, true);
        }
    }
}

/// Files that may use something.
#[derive(Default)]
struct Users {
    entries: BTreeMap<RelPath, Arc<FileEntry>>,
    /// Each of them has the pieces of one of these, …
    pieces: Vec<Pieces>,
    /// … or is one of these.
    others: HashSet<RelPath>,
}

impl Users {
    fn add(&mut self, entry: &Arc<FileEntry>) {
        if State::is_source(&entry.path) {
            self.entries.insert(entry.path.clone(), Arc::clone(entry));
        }
    }

    fn add_holding(&mut self, pieces: Pieces, snapshot: &Snapshot) {
        for entry in pieces.candidates(snapshot) {
            self.add(&entry);
        }
        self.pieces.push(pieces);
    }

    /// Whether one of the files is a user after all: the index admits too much, and all before it is built.
    fn may_be(&self, path: &RelPath, text: &[u8]) -> bool {
        self.others.contains(path) || self.pieces.iter().any(|pieces| pieces.are_in(text))
    }

    fn add_other(&mut self, entry: &Arc<FileEntry>) {
        self.add(entry);
        self.others.insert(entry.path.clone());
    }
}

/// Finds elements in one state of the workspace.
pub(super) struct Finder {
    context: Context,
    snapshot: Arc<Snapshot>,
    wanted: Arc<Wanted>,
}

impl Finder {
    pub(super) fn new(context: &Context, snapshot: &Arc<Snapshot>, wanted: Wanted) -> Self {
        Self { context: context.clone(), snapshot: Arc::clone(snapshot), wanted: Arc::new(wanted) }
    }

    /// The elements whose tag is `name`, wherever that comes from.
    ///
    /// # Errors
    /// `cancelled`.
    pub(super) fn by_tag(&self, name: &str) -> Result<Found> {
        let mut users = Users::default();
        // Between the parts of a tag may be white space and comments.
        users.add_holding(Pieces::new(name.split(['.', ':', '-']), true), &self.snapshot);
        users.entries.retain(|path, _| self.wanted.filter.accepts(path.as_str()));
        let (mut found, name, wanted) = (Found::default(), name.to_owned(), Arc::clone(&self.wanted));
        // Files come by path: nothing behind the limit is of interest.
        self.look(users, &mut found, true, move |path, hash, digest| {
            let elements = wanted.of(digest, |tag| tag == name);
            let file = if elements.is_empty() { None } else { Some(FoundFile::new(path, hash, elements)?) };
            Ok(Some(Looked { found: file, aliases: Vec::new() }))
        })?;
        Ok(found)
    }

    /// The elements that are what a module exports as `name`.
    ///
    /// # Errors
    /// `cancelled`.
    pub(super) fn by_origin(&self, name: &str, from: &str, consistency: Consistency) -> Result<Found> {
        let shared = &self.context.shared;
        let state = match consistency {
            Consistency::Synced => shared.pool.install(|| shared.modules.now(&shared.root)),
            Consistency::Eventual => shared.modules.latest(&shared.root),
        };
        let origins = Arc::new(Origins::new(&self.context, &self.snapshot, state));
        // What is looked for, by all names it has on the way to its declaration.
        let mut goal: HashSet<Step> = HashSet::new();
        for module in self.modules(from, &origins)? {
            goal.extend(origins.trace(&origins.named(module, name)?)?.iter().cloned());
        }
        let mut users = Users::default();
        let mut aliases: Vec<(Module, Arc<str>)> = Vec::new();
        let mut members: BTreeSet<&[Arc<str>]> = BTreeSet::new();
        for (module, names) in &goal {
            match names.as_slice() {
                [name] => aliases.push((module.clone(), Arc::clone(name))),
                // Members are written in the tag, whatever the first name has become.
                [_, rest @ ..] => _ = members.insert(rest),
                [] => {}
            }
        }
        for names in members {
            users.add_holding(Pieces::new(names.iter().map(|name| &**name), true), &self.snapshot);
        }
        // From where it is exported on to whoever imports it from there, and to how these export it in turn.
        let mut seen: HashSet<(Module, Arc<str>)> = aliases.iter().cloned().collect();
        let (mut looked, mut found) = (HashSet::new(), Found::default());
        let goal = Arc::new(goal);
        loop {
            self.add_users(&mut users, &std::mem::take(&mut aliases), &origins)?;
            users.entries.retain(|path, _| !looked.contains(path));
            if users.entries.is_empty() {
                found.is_cut |= origins.is_cut();
                return Ok(found);
            }
            let (origins, goal, wanted) = (Arc::clone(&origins), Arc::clone(&goal), Arc::clone(&self.wanted));
            let known = self.look(std::mem::take(&mut users), &mut found, false, move |path, hash, digest| {
                Look { path, origins: &origins, goal: &goal, wanted: &wanted }.into_file(hash, digest)
            })?;
            for (path, names) in known {
                for name in names {
                    let alias = (Module::File(path.clone()), name);
                    if seen.insert(alias.clone()) {
                        aliases.push(alias);
                    }
                }
                looked.insert(path);
            }
        }
    }

    /// The modules that `importedFrom` names.
    fn modules(&self, from: &str, origins: &Origins) -> Result<HashSet<Module>> {
        let path = RelPath::parse(from).ok();
        if let Some(path) = path.clone().filter(|path| self.snapshot.file(path).is_some()) {
            return Ok(HashSet::from([Module::File(path)]));
        }
        // As a file in the root would import it: an alias, a package of the workspace, an ignored file.
        let at_root =
            |source: &str| match origins.state.resolve(&RelPath::parse("index.ts").ok()?, source, ReferenceKind::Value)
            {
                Target::File(path) => Some(path),
                Target::Package(_) | Target::Nowhere => None,
            };
        let ignored = || at_root(&format!("./{from}")).filter(|found| Some(found) == path.as_ref());
        if let Some(path) = at_root(from).or_else(ignored) {
            return Ok(HashSet::from([Module::File(path)]));
        }
        // Whatever it is where it is imported: packages may be linked, and aliases known, in some directories only.
        let mut modules = HashSet::from([Module::Specifier(from.into())]);
        let importers = Pieces::new([from], false).candidates(&self.snapshot).into_iter();
        let importers: Vec<RelPath> = importers.map(|entry| entry.path.clone()).filter(State::is_source).collect();
        let mut is_imported = false;
        for (_, links) in self.loader(origins).some(&importers)? {
            for link in links.list.iter().filter(|link| *link.source == *from) {
                is_imported = true;
                if let Target::File(path) = &link.target {
                    modules.insert(Module::File(path.clone()));
                }
            }
        }
        match path {
            Some(path) if !is_imported => self.check_specifier(&path).map(|()| modules),
            _ => Ok(modules),
        }
    }

    /// What nobody imports may be a package that is not used yet, but not what looks like a path.
    fn check_specifier(&self, path: &RelPath) -> Result<()> {
        let problem = if self.snapshot.directory(path).is_some() {
            "a directory, which is no module; name a file in it, such as its `index.ts`"
        } else if language(path).is_some() {
            "the index holds no such file, and nobody imports a module of that name"
        } else {
            return Ok(());
        };
        let message = format!("`importedFrom`: {path}: {problem}");
        Err(Error::new(Code::NotFound, message).with("param", "importedFrom"))
    }

    fn loader<'finder>(&'finder self, origins: &'finder Origins) -> Loader<'finder> {
        Loader { context: &self.context, snapshot: &self.snapshot, state: &origins.state }
    }

    /// Adds the files that may use what modules export under these names.
    fn add_users(&self, users: &mut Users, aliases: &[(Module, Arc<str>)], origins: &Origins) -> Result<()> {
        let mut words: BTreeSet<&str> = BTreeSet::new();
        let mut defaults: BTreeSet<&RelPath> = BTreeSet::new();
        for (module, name) in aliases {
            if let Module::File(path) = module
                && let Some(entry) = self.snapshot.file(path)
            {
                users.add_other(entry);
            }
            match module {
                _ if is_declared(name) => {}
                // Whoever imports it by name, or as a member of all, has that name.
                _ if **name != *"default" => _ = words.insert(name),
                // A default may go by any name.
                Module::File(path) => _ = defaults.insert(path),
                Module::Specifier(source) => {
                    let written = if source.starts_with('.') { source.rsplit('/').next() } else { Some(&**source) };
                    users.add_holding(Pieces::new(written, false), &self.snapshot);
                }
            }
        }
        for word in words {
            users.add_holding(Pieces::new([word], true), &self.snapshot);
        }
        if !defaults.is_empty() {
            let leads_there = |target: &Target| matches!(target, Target::File(path) if defaults.contains(path));
            for (path, links) in self.loader(origins).all()? {
                if (links.unknown || links.list.iter().any(|link| leads_there(&link.target)))
                    && let Some(entry) = self.snapshot.file(&path)
                {
                    users.add_other(entry);
                }
            }
        }
        Ok(())
    }

    /// Looks into files, in parallel. Returns those that could be, each with the names under which it exports what is
    /// looked for; if `ends_at_limit`, only up to where the limit is reached.
    fn look(
        &self,
        mut users: Users,
        found: &mut Found,
        ends_at_limit: bool,
        look: impl Fn(&RelPath, blake3::Hash, &Digest) -> Result<Option<Looked>> + Send + Sync + 'static,
    ) -> Result<Vec<(RelPath, Vec<Arc<str>>)>> {
        let paths: Vec<RelPath> = users.entries.keys().cloned().collect();
        let entries = std::mem::take(&mut users.entries).into_values().collect();
        let context = self.context.clone();
        let window = 4 * context.shared.config.threads;
        let pool = Arc::clone(&context.shared.pool);
        let all = ordered_map(pool, entries, BATCH, window, move |entry: &Arc<FileEntry>| {
            context.cancel.check()?;
            let path = &entry.path;
            let hash = entry.known().map(|facts| facts.hash);
            let digested = match language(path) {
                Some(language) => {
                    digests(&context).of(path, language, hash, |text| users.may_be(path, text.as_bytes()))?
                }
                None => Digested::Unknown,
            };
            let looked = match digested {
                Digested::Known(hash, digest) => look(path, hash, &digest)?,
                Digested::OfNoInterest => return Ok(Err(false)),
                Digested::Unknown => None,
            };
            looked.map_or_else(|| Ok(Err(may_be_unread(&context, path, &users))), |looked| Ok(Ok(looked)))
        });
        let mut known = Vec::new();
        for (path, looked) in paths.into_iter().zip(all) {
            if ends_at_limit && found.is_cut {
                break;
            }
            match looked?? {
                Ok(Looked { found: file, aliases }) => {
                    if let Some(file) = file {
                        found.add(path.clone(), file, &self.wanted);
                    }
                    known.push((path, aliases));
                }
                Err(true) => _ = found.skipped.insert(path),
                Err(false) => {}
            }
        }
        Ok(known)
    }
}

/// Whether a file that cannot be looked into may be one of `users`.
fn may_be_unread(context: &Context, path: &RelPath, users: &Users) -> bool {
    let shared = &context.shared;
    match shared.root.read(path, shared.config.limits.max_file_bytes) {
        Ok(content) if Class::of(&content.bytes) == Class::Binary => false,
        Ok(content) => users.may_be(path, &content.bytes),
        Err(error) => error.code != Code::NotFound,
    }
}
