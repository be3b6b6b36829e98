//! `usages`: where JSX elements of a name, or of a component, are written.

mod find;
mod look;
mod origins;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use self::find::Finder;
use self::look::Wanted;
use super::{Context, Depth, Lane, Method, size};
use crate::error::{Error, Result};
use crate::glob::PathFilter;
use crate::path::RelPath;
use crate::protocol::Consistency;
use crate::protocol::frame;
use crate::protocol::items::Items;
use crate::protocol::object::objects_only;
use crate::protocol::tsx::JsxElement;

/// The method.
pub struct Usages;

/// The params of `usages`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UsagesParams {
    /// The tag as written, `Foo.Bar` included; with `importedFrom`, the name by which the module exports it (`default`, or
    /// its own name, for a default export; `Menu.Item` for a member), whatever it is called where it is used.
    pub name: String,
    /// The module it comes from: a file of the workspace, by its path, or a package or an alias, as written in imports.
    /// Elements count that get there by way of imports and re-exports, and those in the module itself. Any module that
    /// exports it will do: it is the same component under all names. What looks like a path and leads nowhere is
    /// `not_found`; a package that nobody imports has no elements.
    pub imported_from: Option<String>,
    /// Only elements that have all of these.
    pub attributes: Option<Vec<AttributeFilter>>,
    /// Globs of the paths to look in; all if absent or empty.
    pub include: Option<Vec<String>>,
    /// Globs of the paths to leave out; a directory is left out with all that lies beneath it.
    pub exclude: Option<Vec<String>>,
    /// Report at most this many elements. A cut is always the first ones in path order.
    #[schemars(extend("default" = DEFAULT_LIMIT))]
    pub limit: Option<u64>,
    /// How fresh the answer must be.
    #[schemars(extend("default" = Consistency::default()))]
    pub consistency: Option<Consistency>,
    /// How long to wait for freshness, in milliseconds; `limits.syncTimeoutMs` if absent.
    pub sync_timeout_ms: Option<u64>,
}

/// An attribute that an element must have.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct AttributeFilter {
    /// The name as written.
    pub name: String,
    /// The literal it has; the shorthand is `true`. If absent, the attribute may have any value. Of several of one name the
    /// last one counts.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "Option<Value>", !default)]
    pub value: Option<Value>,
}

objects_only!(AttributeFilter);

/// `null` is a value, too.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// The result of `usages`.
///
/// Sources are looked into that have the extensions of `parse`'s languages, `node_modules` left out. Without
/// `importedFrom`, only tags are compared. With it, `import` and `export` are followed through files of the workspace,
/// as `moduleGraph` resolves them, also where they are of types alone. Packages are not looked into: what they export is
/// known by the specifier and its name, a default export also by the name that it is given first, as in `import Button
/// from "antd/es/button"`. A tag in lower case without a dot is an element of the document. Not seen: that a name in an
/// inner scope hides an import or a declaration of the file; names and specifiers that are written with escapes;
/// `require` and `import()`; components that are assigned to other names, or wrapped.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UsagesResult {
    /// The files with such elements, by path.
    pub files: Vec<UsagesFile>,
    /// The items of `files`, which are encoded where they are found.
    #[serde(skip)]
    encoded: Items,
    /// Whether there is more: the limit, or the length of a response, was reached. Also set, so that nothing is missing
    /// silently, where a chain of more than 100 re-exports was not followed to its end.
    pub limit_hit: bool,
    /// Sources that may have such elements, or lead to some, but could not be looked into: longer than
    /// `limits.maxParseBytes`, not UTF-8, or not readable.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(default)]
    pub skipped: Vec<RelPath>,
    /// The state of the index looked into.
    pub clock: String,
    /// Whether it reflects every change made before the request was read.
    pub synced: bool,
}

/// A file with such elements.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct UsagesFile {
    /// The file.
    pub path: RelPath,
    /// BLAKE3 of the bytes that the elements are from, 64 lower-case hex digits.
    pub hash: String,
    /// The elements, in document order, as `parse` gives them.
    pub elements: Vec<JsxElement>,
}

const DEFAULT_LIMIT: u64 = 10_000;

impl Method for Usages {
    const NAME: &'static str = "usages";
    const SUMMARY: &'static str = "Finds the JSX elements of a name or of a component in the workspace.";
    const EXAMPLE: &'static str =
        r#"{"name": "TextField", "importedFrom": "src/components/TextField.tsx", "attributes": [{"name": "label"}]}"#;
    const LANE: Lane = Lane::Heavy;
    type Params = UsagesParams;
    type Output = UsagesResult;

    fn respond(output: &UsagesResult, id: &str, max_bytes: usize) -> Result<Vec<u8>> {
        frame::success_with_files(id, output, &output.encoded, max_bytes)
    }

    fn run(params: UsagesParams, context: &Context) -> Result<UsagesResult> {
        if params.name.is_empty() {
            return Err(Error::param("name", "it is empty"));
        }
        let is_relative = |from: &str| matches!(from.split('/').next(), Some("" | "." | ".."));
        if params.imported_from.as_deref().is_some_and(is_relative) {
            let message = "it is neither a path in the workspace nor a package; relative to what would it be?";
            return Err(Error::param("importedFrom", message));
        }
        let filter = PathFilter::new(&params.include.unwrap_or_default(), &params.exclude.unwrap_or_default(), true)?;
        let view = context.view(params.consistency, Depth::Contents, params.sync_timeout_ms)?;
        let limit = params.limit.unwrap_or(DEFAULT_LIMIT);
        let attributes = params.attributes.unwrap_or_default();
        let wanted = Wanted { filter, attributes, limit, room: size::room(context) };
        let finder = Finder::new(context, &view.snapshot, wanted);
        let found = match &params.imported_from {
            None => finder.by_tag(&params.name)?,
            Some(from) => finder.by_origin(&params.name, from, params.consistency.unwrap_or_default())?,
        };
        let skipped: Vec<RelPath> = found.skipped.into_iter().collect();
        let room = size::room(context).saturating_sub(skipped.iter().map(|path| size::of_str(path.as_str()) + 1).sum());
        let (mut encoded, mut limit_hit) = (Items::default(), found.is_cut);
        let mut left = limit;
        for file in found.files.into_values() {
            let count = file.count();
            let (json, is_whole) = file.within(left, room.saturating_sub(encoded.bytes() + 1))?;
            if let Some(json) = json {
                encoded.push(json);
            }
            if !is_whole {
                limit_hit = true;
                break;
            }
            left -= count;
        }
        Ok(UsagesResult {
            files: Vec::new(),
            encoded,
            limit_hit,
            skipped,
            clock: view.snapshot.clock.to_string(),
            synced: view.synced,
        })
    }
}
