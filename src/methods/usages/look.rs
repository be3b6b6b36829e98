//! A look into one file: which of its elements are wanted.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::origins::{Binding, Module, Names, Origins, Step, bindings, declared};
use super::{AttributeFilter, UsagesFile};
use crate::error::Result;
use crate::facts::Digest;
use crate::glob::PathFilter;
use crate::path::RelPath;
use crate::protocol::frame;
use crate::protocol::tsx::{Export, ExportKind, JsxAttribute, JsxElement};

/// Which elements are wanted, whatever their names are.
pub(super) struct Wanted {
    pub(super) filter: PathFilter,
    pub(super) attributes: Vec<AttributeFilter>,
    /// Elements, and bytes of JSON, that are reported at most.
    pub(super) limit: u64,
    pub(super) room: usize,
}

/// The elements of a file, as they are written on the wire.
pub(super) struct FoundFile {
    file: UsagesFile,
    json: Vec<u8>,
}

impl FoundFile {
    pub(super) fn new(path: &RelPath, hash: blake3::Hash, elements: Vec<JsxElement>) -> Result<Self> {
        let file = UsagesFile { path: path.clone(), hash: hash.to_hex().to_string(), elements };
        let json = frame::encode(&file)?;
        Ok(Self { file, json })
    }

    /// How many elements there are.
    pub(super) fn count(&self) -> u64 {
        self.file.elements.len() as u64
    }

    /// How many bytes it takes.
    pub(super) fn bytes(&self) -> usize {
        self.json.len() + 1
    }

    /// It with as many elements as fit, the first ones; `None` if none does. Says whether these are all.
    pub(super) fn within(self, max_elements: u64, max_bytes: usize) -> Result<(Option<Vec<u8>>, bool)> {
        if self.count() <= max_elements && self.json.len() <= max_bytes {
            return Ok((Some(self.json), true));
        }
        let mut file = self.file;
        let mut elements = std::mem::take(&mut file.elements);
        elements.truncate(usize::try_from(max_elements).unwrap_or(usize::MAX));
        let mut first = |count: usize| {
            file.elements = elements.iter().take(count).cloned().collect();
            frame::encode(&file)
        };
        // So many fit, so many do not.
        let (mut fitting, mut best, mut over) = (0, None, elements.len() + 1);
        // If all fit, that is found out at once.
        let mut count = elements.len();
        while fitting < count {
            let json = first(count)?;
            if json.len() <= max_bytes {
                (fitting, best) = (count, Some(json));
            } else {
                over = count;
            }
            count = usize::midpoint(fitting, over);
        }
        Ok((best, false))
    }
}

/// What a look into one file gave.
pub(super) struct Looked {
    pub(super) found: Option<FoundFile>,
    /// Names under which the file exports what is looked for.
    pub(super) aliases: Vec<Arc<str>>,
}

/// A look into one file for what comes from a module.
pub(super) struct Look<'look> {
    pub(super) path: &'look RelPath,
    pub(super) origins: &'look Origins,
    /// What is looked for, by all names that it has.
    pub(super) goal: &'look HashSet<Step>,
    pub(super) wanted: &'look Wanted,
}

impl Look<'_> {
    /// What is in the file; `None` if its digest is damaged.
    pub(super) fn into_file(self, hash: blake3::Hash, digest: &Digest) -> Result<Option<Looked>> {
        let (Some(imports), Some(exports)) = (digest.imports(), digest.exports()) else { return Ok(None) };
        let bound = bindings(&imports);
        let mut found = None;
        if self.wanted.filter.accepts(self.path.as_str()) {
            let (mut tags, mut failed) = (HashMap::<String, bool>::new(), None);
            let elements = self.wanted.of(digest, |tag| {
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
        Ok(Some(Looked { found, aliases: self.aliases(&exports, &bound)? }))
    }

    /// The names under which the file exports what is looked for, or a namespace of which it is the default.
    fn aliases(&self, exports: &[Export], bound: &HashMap<&str, Binding>) -> Result<Vec<Arc<str>>> {
        let is_goal = self.goal.iter().any(|(module, _)| matches!(module, Module::File(path) if path == self.path));
        let default: Arc<str> = Arc::from("default");
        let of_default = self.goal.iter().any(|(_, names)| *names == [Arc::clone(&default)]);
        let mut aliases = Vec::new();
        for export in exports.iter().filter(|export| !is_star(export)) {
            let local = export.local.as_deref().unwrap_or_default();
            if !(is_goal || export.source.is_some() || bound.contains_key(local)) {
                continue;
            }
            let name: Arc<str> = export.name.as_str().into();
            let leads_there = |names: Names| self.leads_to_goal(&(Module::File(self.path.clone()), names));
            if leads_there(vec![Arc::clone(&name)])?
                || (of_default && leads_there(vec![Arc::clone(&name), Arc::clone(&default)])?)
            {
                aliases.push(name);
            }
        }
        Ok(aliases)
    }

    /// Whether a tag stands for what is looked for.
    fn is_wanted(&self, tag: &str, bound: &HashMap<&str, Binding>) -> Result<bool> {
        let names: Names = tag.split('.').map(Arc::from).collect();
        let Some((head, members)) = names.split_first() else { return Ok(false) };
        // React takes it for an element of the document, whatever else has that name.
        if members.is_empty() && head.starts_with(|first: char| first.is_ascii_lowercase()) {
            return Ok(false);
        }
        let Some(binding) = bound.get(&**head) else {
            return Ok(self.goal.contains(&declared(self.path, head, members)));
        };
        let Some(step) = self.origins.step(self.path, binding, members) else { return Ok(false) };
        Ok(self.leads_to_goal(&step)? || self.is_default_of_package(&step, head)?)
    }

    fn leads_to_goal(&self, step: &Step) -> Result<bool> {
        Ok(self.origins.trace(step)?.iter().any(|step| self.goal.contains(step)))
    }

    /// Nobody looks into packages: their default export has the name that it is given first.
    fn is_default_of_package(&self, step: &Step, local: &Arc<str>) -> Result<bool> {
        let trace = self.origins.trace(step)?;
        let Some((module @ Module::Specifier(_), names)) = trace.last() else { return Ok(false) };
        let Some(("default", members)) = names.split_first().map(|(head, members)| (&**head, members)) else {
            return Ok(false);
        };
        let by_name = std::iter::once(local).chain(members).cloned().collect();
        Ok(self.goal.contains(&(module.clone(), by_name)))
    }
}

/// Whether it is `export * from`, without a name.
pub(super) fn is_star(export: &Export) -> bool {
    export.kind == ExportKind::All && export.name == "*"
}

impl Wanted {
    /// The elements with a wanted tag and all wanted attributes.
    pub(super) fn of(&self, digest: &Digest, tag: impl FnMut(&str) -> bool) -> Vec<JsxElement> {
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
