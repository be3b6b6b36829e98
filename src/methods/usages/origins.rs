//! Where a name comes from: through imports, exports and re-exports.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::look::is_star;
use crate::error::Result;
use crate::facts::Digest;
use crate::index::Snapshot;
use crate::indexer::{Digested, Digests};
use crate::methods::Context;
use crate::modules::{State, Target};
use crate::path::RelPath;
use crate::protocol::modules::ReferenceKind;
use crate::protocol::tsx::{Export, ExportKind, Import, Language};

/// A module: a file of the workspace, or what is known by its specifier alone, such as a package.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Module {
    File(RelPath),
    Specifier(Arc<str>),
}

/// What a module exports under a name, and members of it: `["Menu", "Item"]`.
pub(super) type Names = Vec<Arc<str>>;

/// An exported thing, by a module that exports it and how that calls it.
pub(super) type Step = (Module, Names);

/// Chains of re-exports that are longer are not followed to their end, which is told.
const MAX_CHAIN: usize = 100;

/// Stands before the name of a declaration: no export has such a name.
const DECLARED: char = '\0';

/// What a file declares as `local`, by whatever names it exports that.
pub(super) fn declared(path: &RelPath, local: &str, members: &[Arc<str>]) -> Step {
    let local = format!("{DECLARED}{local}").into();
    (Module::File(path.clone()), std::iter::once(local).chain(members.iter().cloned()).collect())
}

/// Whether a name is one that [`declared`] gives.
pub(super) fn is_declared(name: &str) -> bool {
    name.starts_with(DECLARED)
}

/// What a local name stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Binding {
    /// An export of another module.
    Export { source: Arc<str>, name: Arc<str> },
    /// All exports of another module.
    Namespace { source: Arc<str> },
}

/// The local names that imports bind.
pub(super) fn bindings(imports: &[Import]) -> HashMap<&str, Binding> {
    let mut bound = HashMap::new();
    for import in imports {
        let source: Arc<str> = import.source.as_str().into();
        if let Some(default) = &import.default {
            let name = Arc::from("default");
            bound.insert(default.name.as_str(), Binding::Export { source: Arc::clone(&source), name });
        }
        if let Some(namespace) = &import.namespace {
            bound.insert(namespace.name.as_str(), Binding::Namespace { source: Arc::clone(&source) });
        }
        for named in &import.named {
            let name = named.imported.as_str().into();
            bound.insert(named.local.as_str(), Binding::Export { source: Arc::clone(&source), name });
        }
    }
    bound
}

/// Imports and exports of a file.
#[derive(Debug)]
struct Sides {
    imports: Vec<Import>,
    exports: Vec<Export>,
}

/// Finds out where names come from, and remembers it.
pub(super) struct Origins {
    pub(super) context: Context,
    pub(super) snapshot: Arc<Snapshot>,
    pub(super) state: Arc<State>,
    sides: Mutex<HashMap<RelPath, Option<Arc<Sides>>>>,
    known: Mutex<HashMap<Step, Arc<[Step]>>>,
    /// Whether a chain was longer than is followed.
    is_cut: AtomicBool,
}

impl Origins {
    pub(super) fn new(context: &Context, snapshot: &Arc<Snapshot>, state: Arc<State>) -> Self {
        Self {
            context: context.clone(),
            snapshot: Arc::clone(snapshot),
            state,
            sides: Mutex::default(),
            known: Mutex::default(),
            is_cut: AtomicBool::new(false),
        }
    }

    /// Whether a chain was longer than is followed.
    pub(super) fn is_cut(&self) -> bool {
        self.is_cut.load(Ordering::Relaxed)
    }

    /// The module that a specifier in a file leads to.
    pub(super) fn module(&self, from: &RelPath, source: &Arc<str>) -> Module {
        match self.state.resolve(from, source, ReferenceKind::Value) {
            Target::File(path) => Module::File(path),
            Target::Package(_) | Target::Nowhere => Module::Specifier(from_anywhere(from, source)),
        }
    }

    /// What a module exports as `name`, or as its default if it declares that as `name`.
    ///
    /// # Errors
    /// `cancelled`.
    pub(super) fn named(&self, module: Module, name: &str) -> Result<Step> {
        let mut names: Names = name.split('.').map(Arc::from).collect();
        if let (Module::File(_), Some(head)) = (&module, names.first_mut())
            && !self.exports(&(module.clone(), vec![Arc::clone(head)]))?
            && self.is_default(&module, head)?
        {
            *head = Arc::from("default");
        }
        Ok((module, names))
    }

    /// Whether the module exports it, as far as that is known.
    fn exports(&self, step: &Step) -> Result<bool> {
        self.follow(step, &mut Vec::new(), &mut HashSet::new(), 0)
    }

    /// Whether the default export of a module is declared as `name`, wherever that is.
    fn is_default(&self, module: &Module, name: &str) -> Result<bool> {
        for (module, names) in self.trace(&(module.clone(), vec![Arc::from("default")]))?.iter() {
            let (Module::File(path), [head]) = (module, names.as_slice()) else { continue };
            if head.strip_prefix(DECLARED) == Some(name) || self.default_component(path, head)?.as_deref() == Some(name)
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The name of the component that `export default` exports without declaring it, as in `export default memo(Name)`.
    fn default_component(&self, path: &RelPath, head: &str) -> Result<Option<String>> {
        let Some(sides) = self.sides(path)? else { return Ok(None) };
        let is_unnamed =
            |export: &Export| export.name == "default" && export.local.is_none() && export.source.is_none();
        match language(path) {
            Some(language) if head == "default" && sides.exports.iter().any(is_unnamed) => {
                digests(&self.context).default_component(path, language)
            }
            _ => Ok(None),
        }
    }

    /// What a local name of a file, and members of it, stand for in another module; none for a namespace as such.
    pub(super) fn step(&self, from: &RelPath, binding: &Binding, members: &[Arc<str>]) -> Option<Step> {
        match binding {
            Binding::Export { source, name } => {
                let names = std::iter::once(name).chain(members).cloned().collect();
                Some((self.module(from, source), names))
            }
            Binding::Namespace { source } if !members.is_empty() => Some((self.module(from, source), members.to_vec())),
            Binding::Namespace { .. } => None,
        }
    }

    /// A step, and all that lead from it to the declaration: what the module re-exports it from, and so on.
    ///
    /// # Errors
    /// `cancelled`.
    pub(super) fn trace(&self, step: &Step) -> Result<Arc<[Step]>> {
        if let Some(known) = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(step) {
            return Ok(Arc::clone(known));
        }
        let (mut trace, mut entered) = (Vec::new(), HashSet::new());
        self.follow(step, &mut trace, &mut entered, 0)?;
        if trace.is_empty() {
            // Whatever the module says, somebody imports it from there.
            trace.push(step.clone());
        }
        let trace: Arc<[Step]> = trace.into();
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(step.clone(), Arc::clone(&trace));
        Ok(trace)
    }

    /// Whether the module exports it. If so, the step and those behind it are added to `trace`.
    fn follow(&self, step: &Step, trace: &mut Vec<Step>, entered: &mut HashSet<Step>, depth: usize) -> Result<bool> {
        let (module, names) = step;
        if depth > MAX_CHAIN {
            self.is_cut.store(true, Ordering::Relaxed);
            return Ok(false);
        }
        if !entered.insert(step.clone()) {
            return Ok(false);
        }
        let Module::File(path) = module else {
            trace.push(step.clone());
            return Ok(true);
        };
        let (Some(sides), Some((head, members))) = (self.sides(path)?, names.split_first()) else {
            // What cannot be looked into is where it ends.
            trace.push(step.clone());
            return Ok(true);
        };
        let mut explicit = sides.exports.iter().filter(|export| !is_star(export) && *export.name == **head).peekable();
        if explicit.peek().is_some() {
            trace.push(step.clone());
            let bound = bindings(&sides.imports);
            for export in explicit {
                if let Some(next) = self.exported(path, export, members, &bound) {
                    self.follow(&next, trace, entered, depth + 1)?;
                    // Nobody looks into packages: their default export has the name that it is given first.
                    let given = if export.source.is_some() { Some(&export.name) } else { export.local.as_ref() };
                    if let ((Module::Specifier(_), names), Some(given)) = (&next, given)
                        && names.first().is_some_and(|name| **name == *"default")
                        && given != "default"
                    {
                        let names = std::iter::once(Arc::from(given.as_str())).chain(members.iter().cloned());
                        trace.push((next.0.clone(), names.collect()));
                    }
                } else if let (None, Some(local)) = (&export.source, &export.local) {
                    trace.push(declared(path, local, members));
                }
            }
            return Ok(true);
        }
        if **head == *"default" {
            return Ok(false);
        }
        // `export * from`: of modules that cannot be looked into, any may be it, if no other is.
        let mut others = Vec::new();
        let at = trace.len();
        trace.push(step.clone());
        for source in
            sides.exports.iter().filter(|export| is_star(export)).filter_map(|export| export.source.as_deref())
        {
            let next = (self.module(path, &source.into()), names.clone());
            if matches!(next.0, Module::Specifier(_)) {
                others.push(next);
            } else if self.follow(&next, trace, entered, depth + 1)? {
                return Ok(true);
            }
        }
        trace.extend(others);
        if trace.len() == at + 1 {
            trace.pop();
        }
        Ok(trace.len() > at)
    }

    /// What an export stands for in another module, if it comes from one.
    fn exported(
        &self,
        path: &RelPath,
        export: &Export,
        members: &[Arc<str>],
        bound: &HashMap<&str, Binding>,
    ) -> Option<Step> {
        match (export.kind, &export.source) {
            (ExportKind::ReExport, Some(source)) => {
                let name = export.local.as_deref().unwrap_or(&export.name).into();
                self.step(path, &Binding::Export { source: source.as_str().into(), name }, members)
            }
            (ExportKind::All, Some(source)) => {
                self.step(path, &Binding::Namespace { source: source.as_str().into() }, members)
            }
            _ => self.step(path, bound.get(export.local.as_deref()?)?, members),
        }
    }

    /// Imports and exports of a file; `None` if they are not known.
    fn sides(&self, path: &RelPath) -> Result<Option<Arc<Sides>>> {
        if let Some(known) = self.sides.lock().unwrap_or_else(PoisonError::into_inner).get(path) {
            return Ok(known.clone());
        }
        let hash = self.snapshot.file(path).and_then(|entry| entry.known()).map(|facts| facts.hash);
        let digested = match language(path) {
            Some(language) => digests(&self.context).of(path, language, hash, |_| true)?,
            None => Digested::Unknown,
        };
        let sides = |digest: &Digest| Some(Arc::new(Sides { imports: digest.imports()?, exports: digest.exports()? }));
        let sides = if let Digested::Known(_, digest) = &digested { sides(digest) } else { None };
        self.sides.lock().unwrap_or_else(PoisonError::into_inner).insert(path.clone(), sides.clone());
        Ok(sides)
    }
}

/// A specifier of what is not known to be a file, so that it means the same wherever it is written.
fn from_anywhere(from: &RelPath, source: &Arc<str>) -> Arc<str> {
    if !source.starts_with('.') {
        return Arc::clone(source);
    }
    let mut parts: Vec<&str> = from.as_str().split('/').collect();
    parts.pop();
    for part in source.split('/') {
        match part {
            "" | "." => {}
            ".." => _ = parts.pop(),
            part => parts.push(part),
        }
    }
    format!("./{}", parts.join("/")).into()
}

pub(super) fn language(path: &RelPath) -> Option<Language> {
    path.extension().and_then(Language::of_extension)
}

/// What it takes to find digests in a request.
pub(super) fn digests(context: &Context) -> Digests<'_> {
    Digests {
        root: &context.shared.root,
        store: &context.shared.facts,
        max_bytes: context.shared.config.limits.max_parse_bytes,
        cancel: &context.cancel,
    }
}
