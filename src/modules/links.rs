//! The references of a file, with what they lead to.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use super::References;
use super::resolver::{Resolver, Target};
use crate::cancel::CancelToken;
use crate::error::Result;
use crate::fs::WorkspaceRoot;
use crate::path::RelPath;
use crate::protocol::modules::ReferenceKind;
use crate::protocol::tsx::Language;

/// A reference, and what it leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The specifier as written, unescaped.
    pub source: Arc<str>,
    /// How it refers.
    pub kind: ReferenceKind,
    /// What it leads to.
    pub target: Target,
}

/// The references of one file in their order, each specifier once for each kind.
#[derive(Debug, Default)]
pub struct Links {
    /// The references.
    pub list: Box<[Link]>,
    /// Set if the file is a source whose references are not known: too long, no text, or not readable.
    pub unknown: bool,
}

impl Links {
    /// Those of a source whose references are not known.
    pub fn unknown() -> Self {
        Self { list: Box::default(), unknown: true }
    }
}

/// What it takes to find the references of a file.
#[derive(Debug)]
pub struct Sources<'request> {
    /// Where the files are.
    pub root: &'request WorkspaceRoot,
    /// What is known of contents.
    pub references: &'request References,
    /// Longer files are not parsed.
    pub max_bytes: u64,
    /// Of the request.
    pub cancel: &'request CancelToken,
}

/// What the links of a file take beside their texts and its path.
const ENTRY_BYTES: usize = 128;

/// The references of files, by path and content.
#[derive(Debug, Default)]
struct Found {
    links: HashMap<RelPath, (blake3::Hash, Arc<Links>)>,
    /// About how much they take.
    bytes: usize,
}

impl Found {
    fn insert(&mut self, path: &RelPath, hash: blake3::Hash, links: Arc<Links>) {
        self.bytes += cost(path, &links);
        if let Some((_, before)) = self.links.insert(path.clone(), (hash, links)) {
            self.bytes -= cost(path, &before);
        }
    }

    fn retain(&mut self, is_there: impl Fn(&RelPath) -> bool) {
        self.links.retain(|path, _| is_there(path));
        self.bytes = self.links.iter().map(|(path, (_, links))| cost(path, links)).sum();
    }
}

/// Sources are shared with what is kept by content, and counted there.
fn cost(path: &RelPath, links: &Links) -> usize {
    let target = |target: &Target| match target {
        Target::File(path) => path.as_str().len(),
        Target::Package(name) => name.len(),
        Target::Nowhere => 0,
    };
    let each = |link: &Link| size_of::<Link>() + target(&link.target);
    path.as_str().len() + ENTRY_BYTES + links.list.iter().map(each).sum::<usize>()
}

/// What is known as long as what was seen on disk still holds.
#[derive(Debug)]
pub struct State {
    resolver: RwLock<Arc<Resolver>>,
    /// What it saw is let go once it takes more.
    max_seen_bytes: usize,
    /// Whether that happened.
    let_go: AtomicBool,
    found: RwLock<Found>,
}

impl State {
    pub(super) fn new(resolver: Resolver, max_seen_bytes: usize) -> Self {
        let resolver = RwLock::new(Arc::new(resolver));
        Self { resolver, max_seen_bytes, let_go: AtomicBool::new(false), found: RwLock::default() }
    }

    pub(super) fn resolver(&self) -> Arc<Resolver> {
        Arc::clone(&self.resolver.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether a comparison of what it saw with the disk tells whether it still holds.
    pub(super) fn has_all_it_saw(&self) -> bool {
        !self.let_go.load(Ordering::Relaxed)
    }

    /// Looks at everything anew from now on, in place of what `full` saw.
    fn start_anew(&self, full: &Arc<Resolver>) {
        let mut resolver = self.resolver.write().unwrap_or_else(PoisonError::into_inner);
        // Others may have seen the same.
        if Arc::ptr_eq(&resolver, full) {
            tracing::debug!("what was seen of modules takes {} bytes, it is let go", full.looks().bytes());
            self.let_go.store(true, Ordering::Relaxed);
            *resolver = Arc::new(Resolver::new(full.looks().anew()));
        }
    }

    /// Whether a file is one whose references are followed: a source by its name, outside `node_modules`.
    pub fn is_source(path: &RelPath) -> bool {
        language(path).is_some() && !path.as_str().split('/').any(|part| part == "node_modules")
    }

    /// What `source` leads to in the file `from`.
    pub fn resolve(&self, from: &RelPath, source: &str, kind: ReferenceKind) -> Target {
        let resolver = self.resolver();
        let target = resolver.resolve(from, source, kind);
        if resolver.looks().bytes() > self.max_seen_bytes {
            self.start_anew(&resolver);
        }
        target
    }

    /// The references of a file that were found when its content had `hash`.
    pub fn known(&self, path: &RelPath, hash: blake3::Hash) -> Option<Arc<Links>> {
        let found = self.found.read().unwrap_or_else(PoisonError::into_inner);
        found.links.get(path).filter(|(held, _)| *held == hash).map(|(_, links)| Arc::clone(links))
    }

    /// The references of a file whose content has `hash`, as far as that is known, found now and remembered.
    ///
    /// # Errors
    /// `cancelled`.
    pub fn find(&self, path: &RelPath, hash: blake3::Hash, sources: &Sources<'_>) -> Result<Arc<Links>> {
        let Some(language) = language(path) else { return Ok(Arc::default()) };
        let Sources { root, references, max_bytes, cancel } = sources;
        // The file may have moved on.
        let read = references.of(root, path, hash, language, *max_bytes, cancel)?;
        let Some((hash, references)) = read else { return Ok(Arc::new(Links::unknown())) };
        let mut list: Vec<Link> = Vec::with_capacity(references.len());
        let mut seen = std::collections::HashSet::new();
        for reference in references.iter().filter(|reference| seen.insert((&reference.source, reference.kind))) {
            cancel.check()?;
            let target = self.resolve(path, &reference.source, reference.kind);
            list.push(Link { source: Arc::clone(&reference.source), kind: reference.kind, target });
        }
        let links = Arc::new(Links { list: list.into(), unknown: false });
        let mut found = self.found.write().unwrap_or_else(PoisonError::into_inner);
        found.insert(path, hash, Arc::clone(&links));
        Ok(links)
    }

    /// Forgets files that are gone: one that referred to nothing leaves no other trace. `sources`: how many there are.
    pub fn forget(&self, sources: usize, is_there: impl Fn(&RelPath) -> bool) {
        let mut found = self.found.write().unwrap_or_else(PoisonError::into_inner);
        if found.links.len() > 2 * sources {
            found.retain(is_there);
        }
    }

    /// About how many bytes it takes to know all this.
    pub(super) fn bytes(&self) -> usize {
        let found = self.found.read().unwrap_or_else(PoisonError::into_inner).bytes;
        found + self.resolver().looks().bytes()
    }
}

fn language(path: &RelPath) -> Option<Language> {
    path.extension().and_then(Language::of_extension)
}
