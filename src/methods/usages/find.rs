//! Finding the elements: which files may have some, and which of theirs it are.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::origins::{Binding, Module, Names, Origins, Step, bindings, declared, digests, is_declared, language};
use super::{AttributeFilter, UsagesFile};
use crate::error::Result;
use crate::facts::Digest;
use crate::glob::PathFilter;
use crate::index::{FileEntry, Snapshot};
use crate::indexer::Digested;
use crate::methods::Context;
use crate::methods::candidates::{candidates, texts_with};
use crate::methods::module_graph::Loader;
use crate::modules::{State, Target};
use crate::ordered::ordered_map;
use crate::path::RelPath;
use crate::protocol::Consistency;
use crate::protocol::frame;
use crate::protocol::modules::ReferenceKind;
use crate::protocol::tsx::{Export, ExportKind, JsxAttribute, JsxElement};

/// So many files are looked into in one task.
const BATCH: usize = 16;

/// Which elements are wanted, whatever their names are.
pub(super) struct Wanted {
    pub(super) filter: PathFilter,
    pub(super) attributes: Vec<AttributeFilter>,
}

/// What was found.
#[derive(Default)]
pub(super) struct Found {
    pub(super) files: BTreeMap<RelPath, FoundFile>,
    /// Sources that could not be looked into.
    pub(super) skipped: Vec<RelPath>,
}

/// The elements of a file, as they are written on the wire.
pub(super) struct FoundFile {
    hash: String,
    elements: Vec<JsxElement>,
    pub(super) count: u64,
    pub(super) json: Vec<u8>,
}

impl FoundFile {
    fn new(path: &RelPath, hash: blake3::Hash, elements: Vec<JsxElement>) -> Result<Self> {
        let (count, hash) = (elements.len() as u64, hash.to_hex().to_string());
        let file = UsagesFile { path: path.clone(), hash, elements };
        let json = frame::encode(&file)?;
        Ok(Self { hash: file.hash, elements: file.elements, count, json })
    }

    /// It with the first so many elements.
    pub(super) fn first(&self, path: &RelPath, count: u64) -> Result<Vec<u8>> {
        let elements = self.elements.iter().take(count as usize).cloned().collect();
        frame::encode(&UsagesFile { path: path.clone(), hash: self.hash.clone(), elements })
    }
}

fn is_source(entry: &Arc<FileEntry>) -> bool {
    State::is_source(&entry.path)
}

/// Who may use something.
#[derive(Default)]
struct Users {
    entries: BTreeMap<RelPath, Arc<FileEntry>>,
    /// Those that are looked into whatever their texts hold; of the others, those that hold one of `texts`.
    certain: HashSet<RelPath>,
    texts: BTreeSet<String>,
}

/// What a look into one file gave.
enum Looked {
    Unknown,
    OfNoInterest,
    Known {
        found: Option<FoundFile>,
        /// Names under which the file exports what is looked for.
        aliases: Vec<Arc<str>>,
    },
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
        // Between the parts of a tag may be white space and comments.
        let parts: Vec<String> = name.split(['.', ':', '-']).map(str::to_owned).collect();
        let plan = texts_with(parts.iter().map(String::as_str), true);
        let accepted = |entry: &Arc<FileEntry>| self.wanted.filter.accepts(entry.path.as_str());
        let entries = candidates(&self.snapshot, &plan).into_iter().filter(is_source).filter(accepted).collect();
        let name = name.to_owned();
        let mut found = Found::default();
        let holds_all = move |_: &RelPath, text: &str| parts.iter().all(|part| holds(text, part));
        self.look(entries, &mut found, holds_all, move |path, hash, digest, wanted| {
            let elements = wanted.of(digest, |tag| tag == name);
            let file = if elements.is_empty() { None } else { Some(FoundFile::new(path, hash, elements)?) };
            Ok(Looked::Known { found: file, aliases: Vec::new() })
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
        let module = self.module(from, &origins);
        let mut names: Names = name.split('.').map(Arc::from).collect();
        if let (Module::File(path), Some(head)) = (&module, names.first_mut())
            && origins.is_default(path, head)?
        {
            *head = Arc::from("default");
        }
        // What is looked for, by all names it has on the way to its declaration.
        let goal: HashSet<Step> = origins.trace(&(module, names))?.iter().cloned().collect();
        // Where it was found to be exported, and not yet looked who imports it from there.
        let mut aliases: Vec<(Module, Arc<str>)> =
            goal.iter().filter_map(|(module, names)| Some((module.clone(), Arc::clone(names.first()?)))).collect();
        let mut seen: HashSet<(Module, Arc<str>)> = aliases.iter().cloned().collect();
        let (mut looked, mut found) = (HashSet::new(), Found::default());
        let goal = Arc::new(goal);
        while !aliases.is_empty() {
            let Users { entries, certain, texts } = self.users(&std::mem::take(&mut aliases), &origins)?;
            let new = entries.into_values().filter(|entry| !looked.contains(&entry.path)).collect();
            let (origins, goal) = (Arc::clone(&origins), Arc::clone(&goal));
            let holds_any =
                move |path: &RelPath, text: &str| certain.contains(path) || texts.iter().any(|part| holds(text, part));
            let more = self.look(new, &mut found, holds_any, move |path, hash, digest, wanted| {
                Look { path, origins: &origins, goal: &goal }.into_file(hash, digest, wanted)
            })?;
            for (path, names) in more {
                let aliases_of = |name| (Module::File(path.clone()), name);
                aliases.extend(names.into_iter().map(aliases_of).filter(|alias| seen.insert(alias.clone())));
                looked.insert(path);
            }
        }
        Ok(found)
    }

    /// The module that `importedFrom` names.
    fn module(&self, from: &str, origins: &Origins) -> Module {
        let path = RelPath::parse(from).ok();
        if let Some(path) = path.filter(|path| self.snapshot.file(path).is_some()) {
            return Module::File(path);
        }
        // As a file in the root would import it: an alias, a package of the workspace.
        let root = RelPath::parse("index.ts").ok();
        match root.map(|root| origins.state.resolve(&root, from, ReferenceKind::Value)) {
            Some(Target::File(path)) => Module::File(path),
            _ => Module::Specifier(from.into()),
        }
    }

    /// The files that may use what modules export under these names.
    fn users(&self, aliases: &[(Module, Arc<str>)], origins: &Arc<Origins>) -> Result<Users> {
        let mut users = Users::default();
        let mut words: BTreeSet<&str> = BTreeSet::new();
        let mut defaults: BTreeSet<&RelPath> = BTreeSet::new();
        for (module, name) in aliases {
            match module {
                // Whoever imports it by name, or as a member of all, has that name.
                Module::File(path) => {
                    users.add_certain(self.snapshot.file(path).cloned());
                    if **name == *"default" {
                        defaults.insert(path);
                    } else if !is_declared(name) {
                        words.insert(name);
                    }
                }
                // So it is with packages; and a default may go by any name.
                Module::Specifier(source) => {
                    users.add(candidates(&self.snapshot, &texts_with([&**source], false)), source);
                }
            }
        }
        for word in words {
            users.add(candidates(&self.snapshot, &texts_with([word], true)), word);
        }
        if !defaults.is_empty() {
            let loader = Loader { context: &self.context, snapshot: &self.snapshot, state: &origins.state };
            let leads_there = |target: &Target| matches!(target, Target::File(path) if defaults.contains(path));
            let importers = loader.all()?.into_iter();
            let importers = importers.filter(|(_, links)| links.list.iter().any(|link| leads_there(&link.target)));
            users.add_certain(importers.filter_map(|(path, _)| self.snapshot.file(&path).cloned()));
        }
        Ok(users)
    }

    /// Looks into files, in parallel. Returns those that were looked into, with the names under which they export what is
    /// looked for.
    fn look(
        &self,
        entries: Vec<Arc<FileEntry>>,
        found: &mut Found,
        interested: impl Fn(&RelPath, &str) -> bool + Send + Sync + 'static,
        look: impl Fn(&RelPath, blake3::Hash, &Digest, &Wanted) -> Result<Looked> + Send + Sync + 'static,
    ) -> Result<Vec<(RelPath, Vec<Arc<str>>)>> {
        let paths: Vec<RelPath> = entries.iter().map(|entry| entry.path.clone()).collect();
        let (context, wanted) = (self.context.clone(), Arc::clone(&self.wanted));
        let window = 4 * context.shared.config.threads;
        let pool = Arc::clone(&context.shared.pool);
        let all = ordered_map(pool, entries, BATCH, window, move |entry: &Arc<FileEntry>| {
            context.cancel.check()?;
            let Some(language) = language(&entry.path) else { return Ok(Looked::Unknown) };
            let hash = entry.known().map(|facts| facts.hash);
            match digests(&context).of(&entry.path, language, hash, |text| interested(&entry.path, text))? {
                Digested::Known(hash, digest) => look(&entry.path, hash, &digest, &wanted),
                Digested::OfNoInterest => Ok(Looked::OfNoInterest),
                Digested::Unknown => Ok(Looked::Unknown),
            }
        });
        let mut aliases = Vec::new();
        for (path, looked) in paths.into_iter().zip(all) {
            match looked?? {
                Looked::OfNoInterest => {}
                Looked::Unknown => {
                    found.skipped.push(path.clone());
                    aliases.push((path, Vec::new()));
                }
                Looked::Known { found: file, aliases: names } => {
                    aliases.push((path.clone(), names));
                    if let Some(file) = file {
                        found.files.insert(path, file);
                    }
                }
            }
        }
        Ok(aliases)
    }
}

impl Users {
    /// Files that may hold a text.
    fn add(&mut self, entries: Vec<Arc<FileEntry>>, text: &str) {
        let sources = entries.into_iter().filter(is_source);
        self.entries.extend(sources.map(|entry| (entry.path.clone(), entry)));
        self.texts.insert(text.to_owned());
    }

    fn add_certain(&mut self, entries: impl IntoIterator<Item = Arc<FileEntry>>) {
        for entry in entries.into_iter().filter(is_source) {
            self.certain.insert(entry.path.clone());
            self.entries.insert(entry.path.clone(), entry);
        }
    }
}

fn holds(text: &str, part: &str) -> bool {
    memchr::memmem::find(text.as_bytes(), part.as_bytes()).is_some()
}

/// A look into one file for what comes from a module.
struct Look<'look> {
    path: &'look RelPath,
    origins: &'look Origins,
    goal: &'look HashSet<Step>,
}

impl Look<'_> {
    fn into_file(self, hash: blake3::Hash, digest: &Digest, wanted: &Wanted) -> Result<Looked> {
        let (Some(imports), Some(exports)) = (digest.imports(), digest.exports()) else { return Ok(Looked::Unknown) };
        let bound = bindings(&imports);
        let mut found = None;
        if wanted.filter.accepts(self.path.as_str()) {
            let (mut tags, mut failed) = (HashMap::<String, bool>::new(), None);
            let elements = wanted.of(digest, |tag| {
                if let Some(known) = tags.get(tag) {
                    return *known;
                }
                let is_wanted = self.is_wanted(tag, &bound).unwrap_or_else(|error| {
                    failed = Some(error);
                    false
                });
                tags.insert(tag.to_owned(), is_wanted);
                is_wanted
            });
            if let Some(error) = failed {
                return Err(error);
            }
            if !elements.is_empty() {
                found = Some(FoundFile::new(self.path, hash, elements)?);
            }
        }
        let mut aliases = Vec::new();
        let is_star = |export: &Export| export.kind == ExportKind::All && export.name == "*";
        let is_goal = self.goal.iter().any(|(module, _)| matches!(module, Module::File(path) if path == self.path));
        for export in exports.iter().filter(|export| !is_star(export)) {
            let local = export.local.as_deref().unwrap_or_default();
            let may_lead_there = is_goal || export.source.is_some() || bound.contains_key(local);
            let name: Arc<str> = export.name.as_str().into();
            if may_lead_there && self.leads_to_goal(&(Module::File(self.path.clone()), vec![Arc::clone(&name)]))? {
                aliases.push(name);
            }
        }
        Ok(Looked::Known { found, aliases })
    }

    /// Whether a tag stands for what is looked for.
    fn is_wanted(&self, tag: &str, bound: &HashMap<&str, Binding>) -> Result<bool> {
        let names: Names = tag.split('.').map(Arc::from).collect();
        let Some((head, members)) = names.split_first() else { return Ok(false) };
        // React takes it for an element of the document, whatever else has that name.
        if members.is_empty() && head.starts_with(|first: char| first.is_ascii_lowercase()) {
            return Ok(false);
        }
        if let Some(binding) = bound.get(&**head) {
            let Some(step) = self.origins.step(self.path, binding, members) else { return Ok(false) };
            return Ok(self.leads_to_goal(&step)? || self.is_default_of_package(&step, head));
        }
        Ok(self.goal.contains(&declared(self.path, head, members)))
    }

    fn leads_to_goal(&self, step: &Step) -> Result<bool> {
        Ok(self.origins.trace(step)?.iter().any(|step| self.goal.contains(step)))
    }

    /// Nobody looks into packages: their default export has the name that it is imported by.
    fn is_default_of_package(&self, (module, names): &Step, local: &Arc<str>) -> bool {
        let Some(("default", members)) = names.split_first().map(|(head, members)| (&**head, members)) else {
            return false;
        };
        let by_name = std::iter::once(local).chain(members).cloned().collect();
        matches!(module, Module::Specifier(_)) && self.goal.contains(&(module.clone(), by_name))
    }
}

impl Wanted {
    /// The elements with a wanted tag and all wanted attributes.
    fn of(&self, digest: &Digest, tag: impl FnMut(&str) -> bool) -> Vec<JsxElement> {
        let mut elements = digest.elements(tag).unwrap_or_default();
        elements.retain(|element| self.attributes.iter().all(|wanted| has(element, wanted)));
        elements
    }
}

fn has(element: &JsxElement, wanted: &AttributeFilter) -> bool {
    let last = element.attributes.iter().rev().find_map(|attribute| match attribute {
        JsxAttribute::Attribute { name, value, .. } if *name == wanted.name => Some(value),
        _ => None,
    });
    let Some(value) = last else { return false };
    wanted.value.as_ref().is_none_or(|wanted| match value {
        None => *wanted == true,
        Some(value) => value.literal.as_ref().is_some_and(|literal| {
            literal == wanted
                || literal.as_f64().zip(wanted.as_f64()).is_some_and(|(one, two)| one.total_cmp(&two).is_eq())
        }),
    })
}
