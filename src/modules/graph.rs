//! The graph of files that refer to each other: pure.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::links::{Link, Links};
use super::resolver::Target;
use crate::error::Result;
use crate::path::RelPath;
use crate::protocol::modules::{ModuleEdge, UnresolvedModule};

/// Which way references are followed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "GraphDirection")]
pub enum Direction {
    /// From a file to what it refers to.
    #[default]
    Imports,
    /// From a file to those that refer to it.
    ImportedBy,
}

/// A file with its references.
pub type Linked = (RelPath, Arc<Links>);

/// Files, and references between them.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Graph {
    /// By path.
    pub nodes: Vec<RelPath>,
    /// By the path of the file that refers, then in the order of its text.
    pub edges: Vec<ModuleEdge>,
    /// In the same order.
    pub unresolved: Vec<UnresolvedModule>,
    /// Sources whose references are not known, by path.
    pub unknown: Vec<RelPath>,
}

impl Graph {
    /// The graph of all of `files`, sorted by path.
    pub fn of_all(files: &[Linked]) -> Self {
        let mut nodes: BTreeSet<&RelPath> = files.iter().map(|(path, _)| path).collect();
        nodes.extend(files.iter().flat_map(|(_, links)| links.list.iter().filter_map(file)));
        let mut graph = Self { nodes: nodes.into_iter().cloned().collect(), ..Self::default() };
        for (path, links) in files {
            graph.add(path, links, |_| true);
        }
        graph
    }

    /// What `starts` refer to, and what these refer to, in at most `depth` steps. `load` gives files their
    /// references, in the same order.
    ///
    /// # Errors
    /// Those of `load`.
    pub fn of_imports(
        starts: BTreeSet<RelPath>,
        depth: u64,
        mut load: impl FnMut(Vec<RelPath>) -> Result<Vec<Linked>>,
    ) -> Result<Self> {
        let mut reached = starts.clone();
        let mut files = BTreeMap::new();
        let mut frontier: Vec<RelPath> = starts.into_iter().collect();
        let mut step = 0;
        while step < depth && !frontier.is_empty() {
            let loaded = load(std::mem::take(&mut frontier))?;
            for target in loaded.iter().flat_map(|(_, links)| links.list.iter().filter_map(file)) {
                if !reached.contains(target) {
                    reached.insert(target.clone());
                    frontier.push(target.clone());
                }
            }
            files.extend(loaded);
            step += 1;
        }
        let mut graph = Self { nodes: reached.into_iter().collect(), ..Self::default() };
        for (path, links) in &files {
            graph.add(path, links, |_| true);
        }
        Ok(graph)
    }

    /// Which of `files`, sorted by path, refer to `starts`, and to these, in at most `depth` steps.
    pub fn of_importers(files: &[Linked], starts: BTreeSet<RelPath>, depth: u64) -> Self {
        let mut importers: HashMap<&RelPath, Vec<&RelPath>> = HashMap::new();
        for (path, links) in files {
            for target in links.list.iter().filter_map(file) {
                importers.entry(target).or_default().push(path);
            }
        }
        // Those whose importers are wanted.
        let mut expanded = BTreeSet::new();
        let mut reached = starts.clone();
        let mut frontier: Vec<RelPath> = starts.into_iter().collect();
        let mut step = 0;
        while step < depth && !frontier.is_empty() {
            let mut next = Vec::new();
            for importer in frontier.iter().filter_map(|path| importers.get(path)).flatten() {
                if !reached.contains(*importer) {
                    reached.insert((*importer).clone());
                    next.push((*importer).clone());
                }
            }
            expanded.extend(std::mem::replace(&mut frontier, next));
            step += 1;
        }
        let mut graph = Self { nodes: reached.into_iter().collect(), ..Self::default() };
        for (path, links) in files {
            graph.add(path, links, |link| file(link).is_some_and(|target| expanded.contains(target)));
        }
        graph
    }

    fn add(&mut self, from: &RelPath, links: &Links, wanted: impl Fn(&Link) -> bool) {
        if links.unknown {
            self.unknown.push(from.clone());
        }
        for link in links.list.iter().filter(|link| wanted(link)) {
            let edge = |to: Option<&RelPath>, package: Option<&str>| ModuleEdge {
                from: from.clone(),
                to: to.cloned(),
                package: package.map(str::to_owned),
                source: link.source.to_string(),
                kind: link.kind,
            };
            match &link.target {
                Target::File(path) => self.edges.push(edge(Some(path), None)),
                Target::Package(name) => self.edges.push(edge(None, Some(name))),
                Target::Nowhere => {
                    self.unresolved.push(UnresolvedModule { from: from.clone(), source: link.source.to_string() });
                }
            }
        }
    }
}

/// The file that a reference leads to, if it leads to one.
fn file(link: &Link) -> Option<&RelPath> {
    match &link.target {
        Target::File(path) => Some(path),
        Target::Package(_) | Target::Nowhere => None,
    }
}
