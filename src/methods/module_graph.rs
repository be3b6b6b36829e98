//! `moduleGraph`: which files refer to which.

use std::collections::BTreeSet;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Context, Depth, Lane, Method};
use crate::error::{Code, Error, Result};
use crate::index::{FileEntry, Snapshot};
use crate::modules::{Direction, Graph, Linked, Links, Sources, State};
use crate::ordered::ordered_map;
use crate::path::RelPath;
use crate::protocol::Consistency;
use crate::protocol::modules::{ModuleEdge, UnresolvedModule};

/// The method.
pub struct ModuleGraph;

/// The params of `moduleGraph`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ModuleGraphParams {
    /// The files to start from; if absent, the graph is that of all sources, `node_modules` left out.
    pub paths: Option<Vec<String>>,
    /// Whether to go from `paths` to what they refer to, or to those that refer to them.
    #[schemars(extend("default" = Direction::default()))]
    pub direction: Option<Direction>,
    /// How many steps to go from `paths`; as far as it goes if absent.
    pub depth: Option<u64>,
    /// How fresh the answer must be.
    #[schemars(extend("default" = Consistency::default()))]
    pub consistency: Option<Consistency>,
    /// How long to wait for freshness, in milliseconds; `limits.syncTimeoutMs` if absent.
    pub sync_timeout_ms: Option<u64>,
}

/// The result of `moduleGraph`.
///
/// Sources are files with the extensions of `parse`'s languages. Specifiers are resolved as TypeScript does with
/// `"moduleResolution": "bundler"` (`tsconfig.json` with `extends`, `references`, `baseUrl` and `paths`; `package.json`
/// with `exports`, `imports`, `types` and `main`; packages linked into `node_modules`), and where it finds nothing, such as
/// a style or an image, as bundlers do. Letter case counts everywhere. Nothing outside the workspace is looked at.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ModuleGraphResult {
    /// The files that were reached, by path; of the whole workspace, all sources and what they refer to. An ignored
    /// file that is referred to is among them; its own references are not followed.
    pub nodes: Vec<RelPath>,
    /// References that lead to a file or a package, by `from`, then in the order of its text; those of one file with
    /// the same `source` and `kind` are one.
    pub edges: Vec<ModuleEdge>,
    /// References that lead nowhere, or to a package that is not there, in the same order. Only of files whose
    /// references were followed, so none with `importedBy`.
    pub unresolved: Vec<UnresolvedModule>,
    /// Sources whose references are not known: longer than `limits.maxParseBytes`, not text, or not readable.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(default)]
    pub skipped: Vec<RelPath>,
    /// The state of the index the sources are from.
    pub clock: String,
    /// Whether it reflects every change made before the request was read.
    pub synced: bool,
}

impl Method for ModuleGraph {
    const NAME: &'static str = "moduleGraph";
    const SUMMARY: &'static str = "Tells which files refer to which, and to which packages.";
    const EXAMPLE: &'static str = r#"{"paths": ["src/types.ts"], "direction": "importedBy", "depth": 1}"#;
    const LANE: Lane = Lane::Heavy;
    type Params = ModuleGraphParams;
    type Output = ModuleGraphResult;

    fn run(params: ModuleGraphParams, context: &Context) -> Result<ModuleGraphResult> {
        let parse = |path: &String| RelPath::parse(path);
        let paths = params.paths.map(|paths| paths.iter().map(parse).collect::<Result<Vec<_>>>()).transpose()?;
        let view = context.view(params.consistency, Depth::Contents, params.sync_timeout_ms)?;
        let snapshot = &view.snapshot;
        for (at, path) in paths.iter().flatten().enumerate() {
            if snapshot.file(path).is_none() {
                let message = format!("`paths[{at}]`: {path}: the index holds no such file");
                return Err(Error::new(Code::NotFound, message).with("param", format!("paths[{at}]")));
            }
        }
        let shared = &context.shared;
        let state = match params.consistency.unwrap_or_default() {
            Consistency::Synced => shared.pool.install(|| shared.modules.now(&shared.root)),
            Consistency::Eventual => shared.modules.latest(&shared.root),
        };
        let loader = Loader { context, snapshot, state: &state };
        let depth = params.depth.unwrap_or(u64::MAX);
        let starts = paths.map(BTreeSet::from_iter);
        let graph = match (starts, params.direction.unwrap_or_default()) {
            (None, _) => Graph::of_all(&loader.all()?),
            (Some(starts), Direction::Imports) => Graph::of_imports(starts, depth, |paths| loader.some(&paths))?,
            (Some(starts), Direction::ImportedBy) => Graph::of_importers(&loader.all()?, starts, depth),
        };
        context.cancel.check()?;
        Ok(ModuleGraphResult {
            nodes: graph.nodes,
            edges: graph.edges,
            unresolved: graph.unresolved,
            skipped: graph.unknown,
            clock: snapshot.clock.to_string(),
            synced: view.synced,
        })
    }
}

/// So many files are read, parsed and resolved in one task.
const BATCH: usize = 16;

/// Finds the references of files.
pub(super) struct Loader<'request> {
    pub(super) context: &'request Context,
    pub(super) snapshot: &'request Snapshot,
    pub(super) state: &'request Arc<State>,
}

impl Loader<'_> {
    /// Of all sources, by path.
    pub(super) fn all(&self) -> Result<Vec<Linked>> {
        self.load(self.snapshot.files.iter().filter(|entry| State::is_source(&entry.path)))
    }

    /// Of these files, in their order; of those that are not indexed, none.
    pub(super) fn some(&self, paths: &[RelPath]) -> Result<Vec<Linked>> {
        self.load(paths.iter().filter_map(|path| self.snapshot.file(path)))
    }

    fn load<'a>(&self, entries: impl Iterator<Item = &'a Arc<FileEntry>>) -> Result<Vec<Linked>> {
        // None where it is to be found yet.
        let mut linked: Vec<(RelPath, Option<Arc<Links>>)> = Vec::new();
        let mut missing = Vec::new();
        for entry in entries {
            let known = entry.known().and_then(|facts| self.state.known(&entry.path, facts.hash));
            if known.is_none() {
                missing.push(Arc::clone(entry));
            }
            linked.push((entry.path.clone(), known));
        }
        let mut found = self.find(missing)?.into_iter();
        let fill =
            |(path, known): (RelPath, Option<Arc<Links>>)| (path, known.or_else(|| found.next()).unwrap_or_default());
        Ok(linked.into_iter().map(fill).collect())
    }

    /// The references of files, in parallel, in their order.
    fn find(&self, entries: Vec<Arc<FileEntry>>) -> Result<Vec<Arc<Links>>> {
        let (context, state) = (self.context.clone(), Arc::clone(self.state));
        let window = 4 * context.shared.config.threads;
        let find = move |entry: &Arc<FileEntry>| -> Result<Arc<Links>> {
            let shared = &context.shared;
            let sources = Sources {
                root: &shared.root,
                references: &shared.modules.references,
                max_bytes: shared.config.limits.max_parse_bytes,
                cancel: &context.cancel,
            };
            // What cannot be read, or is gone, is not known.
            let Some(hash) = context.facts(entry).map(|facts| facts.hash) else {
                context.cancel.check()?;
                return Ok(Arc::new(Links::unknown()));
            };
            match state.known(&entry.path, hash) {
                Some(links) => Ok(links),
                None => state.find(&entry.path, hash, &sources),
            }
        };
        let pool = Arc::clone(&self.context.shared.pool);
        let links = ordered_map(pool, entries, BATCH, window, find).map(|found| found?).collect::<Result<_>>()?;
        self.state.forget(self.snapshot.files.len(), |path| self.snapshot.file(path).is_some());
        Ok(links)
    }
}
