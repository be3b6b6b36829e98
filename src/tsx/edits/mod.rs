//! Text edits that give the props of JSX elements other values.
//!
//! What a source computes is not touched: a prop whose value is no literal stays as it is, whether it shall be set or
//! removed. An object or a list of nothing but literals is one, and is edited where it differs. All else of the
//! source stays: quotes, comments, the layout of the tag. After the edits, a parser finds the values asked for.
//!
//! - A prop that is missing is added behind all attributes, so that it overrides the spreads.
//! - A spread behind an attribute may override it, so such an attribute is not set. It may be removed: the spread is
//!   then what counts, as a spread in front of it.
//! - Of attributes of the same name, the last one counts and is set; all are removed.
//! - What is written between the tags overrides `children`, which is then not set.

mod constant;
mod elements;
mod json;
mod tag;
#[cfg(test)]
mod tests;
mod write;

use std::collections::{BTreeMap, HashMap, HashSet};

use elements::{Element, Elements};
use tag::{Refusal, Tag};

use super::source::{Source, View};
use super::trivia::without as without_trivia;
use crate::cancel::CancelToken;
use crate::error::{Error, Result};
use crate::protocol::TextRange;
use crate::protocol::edits::{ElementRef, FailedEditCode, TextEdit};
use crate::protocol::tsx::Language;

pub use json::Json;

/// One prop of one element, and the value it shall have.
#[derive(Clone, Debug)]
pub struct PropEdit {
    /// Its position in the request, for errors.
    pub index: usize,
    /// The element.
    pub element: ElementRef,
    /// The prop; [`is_prop_name`].
    pub prop: String,
    /// The value; `None` removes the prop.
    pub value: Option<Json>,
}

/// An edit that is not made: its position in the request, and why.
pub type Refused = (usize, FailedEditCode, String);

/// The text edits for one source, in order, none touching another; and what is not made.
///
/// # Errors
/// `invalid_params` where two edits are for the same prop of the same element; `cancelled`.
pub fn plan(
    text: &str,
    language: Language,
    edits: &[PropEdit],
    cancel: &CancelToken,
) -> Result<(Vec<TextEdit>, Vec<Refused>)> {
    let source = Source::parse(text, language, View::Tolerant, cancel)?;
    let elements = Elements::of(&source, cancel)?;
    let finder = Finder::new(&source, &elements, edits);
    let mut refused = Vec::new();
    let mut by_element: BTreeMap<usize, Vec<&PropEdit>> = BTreeMap::new();
    for edit in edits {
        match finder.find(&edit.element) {
            Ok(at) => by_element.entry(at).or_default().push(edit),
            Err((code, message)) => refused.push((edit.index, code, message)),
        }
    }
    let mut replacements = Vec::new();
    for (at, edits) in by_element {
        cancel.check()?;
        let mut tag = Tag::new(&source, elements.list[at].opening, elements.quotes);
        let mut props = HashSet::new();
        for edit in edits {
            if !props.insert(&edit.prop) {
                let param = format!("edits[{}]", edit.index);
                let problem = format!("an edit before it is for the same `{:.100}` of the same element", edit.prop);
                return Err(Error::param(&param, problem));
            }
            let done = match &edit.value {
                Some(_) if edit.prop == "children" && has_children(&source, &elements.list[at]) => {
                    let message = "`children`: what is written between the tags overrides it".to_owned();
                    Err((FailedEditCode::Unpromotable, message))
                }
                Some(value) => tag.set(&edit.prop, value),
                None => tag.remove(&edit.prop),
            };
            if let Err((code, message)) = done {
                refused.push((edit.index, code, message));
            }
        }
        replacements.append(&mut tag.into_replacements());
    }
    // Stable: what is inserted at the same place stays in its order.
    replacements.sort_by_key(|(bytes, _)| (bytes.start, bytes.end));
    let mut merged: Vec<constant::Replacement> = Vec::with_capacity(replacements.len());
    for (bytes, new) in replacements {
        match merged.last_mut() {
            Some((before, text)) if before.end == bytes.start => {
                before.end = bytes.end;
                text.push_str(&new);
            }
            _ => merged.push((bytes, new)),
        }
    }
    let edits = merged.into_iter().map(|(bytes, new_text)| TextEdit { range: source.range_of(bytes), new_text });
    Ok((edits.collect(), refused))
}

/// Whether there is anything between an element's tags but white space that JSX leaves out, which is that with a line
/// break in it.
fn has_children(source: &Source<'_>, element: &Element<'_>) -> bool {
    let Some(closing) = element.node.child_by_field_name("close_tag") else { return false };
    let between = source.slice_of(element.opening.end_byte()..closing.start_byte());
    !(between.is_empty() || between.trim().is_empty() && between.contains('\n'))
}

/// Whether JSX takes `name` for an attribute: an identifier that may have `-` in it, or two with a `:` between them.
/// Names beyond ASCII have no `-`.
pub fn is_prop_name(name: &str) -> bool {
    let part = |part: &str| {
        let starts = |first: char| first == '_' || first == '$' || unicode_ident::is_xid_start(first);
        let goes_on = |next: char| match next {
            '$' => true,
            '-' => part.is_ascii(),
            _ => unicode_ident::is_xid_continue(next),
        };
        part.starts_with(starts) && part.chars().skip(1).all(goes_on)
    };
    match name.split_once(':') {
        Some((namespace, name)) => part(namespace) && part(name),
        None => part(name),
    }
}

/// Finds the elements that edits are for.
struct Finder<'a, 'tree, 'text> {
    source: &'tree Source<'text>,
    elements: &'a Elements<'tree>,
    /// Elements by where they start, which no two do at the same place; empty where nobody asks for ranges.
    by_start: HashMap<u64, usize>,
}

impl<'a, 'tree, 'text> Finder<'a, 'tree, 'text> {
    fn new(source: &'tree Source<'text>, elements: &'a Elements<'tree>, edits: &[PropEdit]) -> Self {
        let wanted = edits.iter().any(|edit| matches!(edit.element, ElementRef::At(_)));
        let listed = elements.list.iter().enumerate().filter(|_| wanted);
        let by_start = listed.map(|(at, element)| (source.range(element.opening).start, at)).collect();
        Self { source, elements, by_start }
    }

    /// The index of an element that takes edits.
    fn find(&self, element: &ElementRef) -> Result<usize, Refusal> {
        let not_found = |message| Err((FailedEditCode::NotFound, message));
        let at = match element {
            ElementRef::Listed(wanted) => {
                let at = usize::try_from(wanted.index).unwrap_or(usize::MAX);
                let Some(element) = self.elements.list.get(at) else {
                    let count = self.elements.list.len();
                    return not_found(format!("there is no element {at}; there are {count}"));
                };
                let name = self.name(element);
                if name != wanted.name {
                    return not_found(format!("element {at} is <{name:.100}>, not <{:.100}>", wanted.name));
                }
                at
            }
            ElementRef::At(wanted) => {
                let TextRange { start, end } = wanted.range;
                let Some(&at) = self.by_start.get(&start) else {
                    return not_found(format!("no element starts at {start}"));
                };
                let element = &self.elements.list[at];
                let (whole, opening) = (self.source.range(element.node), self.source.range(element.opening));
                if wanted.range != whole && wanted.range != opening {
                    let name = self.name(element);
                    let (tag_end, whole_end) = (opening.end, whole.end);
                    return not_found(format!(
                        "no element has the range {start} to {end}: the tag of <{name:.100}> ends at {tag_end}, all of it at {whole_end}"
                    ));
                }
                at
            }
        };
        let element = &self.elements.list[at];
        let unsupported = |message: &str| Err((FailedEditCode::UnsupportedPattern, message.to_owned()));
        if element.broken {
            return unsupported("the element is in source that does not parse");
        }
        if element.opening.child_by_field_name("name").is_none() {
            return unsupported("it is a fragment, which has no props");
        }
        Ok(at)
    }

    /// The name as `parse` gives it.
    fn name(&self, element: &Element<'_>) -> String {
        let name = element.opening.child_by_field_name("name");
        name.map(|name| without_trivia(self.source.slice(name))).unwrap_or_default()
    }
}
