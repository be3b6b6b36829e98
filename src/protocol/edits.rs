//! Text edits, and the props they are planned for.

use schemars::JsonSchema;
use serde::de::{Deserialize, Deserializer, Error as _};
use serde::{Deserialize as DeserializeFields, Serialize};
use serde_json::{Map, Value};

use super::TextRange;
use crate::path::RelPath;

/// Which element of a file is meant.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema)]
#[schemars(untagged)]
pub enum ElementRef {
    /// By its place among the elements.
    Listed(ListedElement),
    /// By its place in the text.
    At(ElementAt),
}

/// An element by its place among those of the file.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct ListedElement {
    /// The `name` that `parse` gives it. If another one is there, nothing is planned.
    pub name: String,
    /// The `index` that `parse` gives it, which counts all elements of the file.
    pub index: u64,
}

/// An element by its place in the text.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct ElementAt {
    /// The `range` or the `openingRange` that `parse` gives it, exactly.
    pub range: TextRange,
}

impl<'de> Deserialize<'de> for ElementRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(DeserializeFields)]
        #[serde(deny_unknown_fields)]
        struct Fields {
            name: Option<String>,
            index: Option<u64>,
            range: Option<Map<String, Value>>,
        }
        #[derive(DeserializeFields)]
        #[serde(deny_unknown_fields)]
        struct Range {
            start: u64,
            end: u64,
        }
        // By way of maps: serde would take lists for structs as well.
        let map = Map::deserialize(deserializer)?;
        if let Some((name, _)) = map.iter().find(|(_, value)| value.is_null()) {
            return Err(D::Error::custom(format!("`{name}` is null; leave it out instead")));
        }
        match Fields::deserialize(Value::Object(map)).map_err(D::Error::custom)? {
            Fields { name: Some(name), index: Some(index), range: None } => {
                Ok(Self::Listed(ListedElement { name, index }))
            }
            Fields { name: None, index: None, range: Some(range) } => {
                let Range { start, end } = Range::deserialize(Value::Object(range)).map_err(D::Error::custom)?;
                Ok(Self::At(ElementAt { range: TextRange { start, end } }))
            }
            _ => Err(D::Error::custom("give either `name` and `index`, or `range`")),
        }
    }
}

/// The edits that a plan makes to one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FilePlan {
    /// What the plan does to the file.
    pub kind: PlanKind,
    /// The file.
    pub file_path: RelPath,
    /// SHA-256 of the bytes the edits were planned for, 64 lower-case hex digits: they fit no others.
    pub expected_sha256: String,
    /// At least one, by their place in the text; they neither overlap nor touch.
    pub edits: Vec<TextEdit>,
}

/// What a plan does to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum PlanKind {
    /// It edits its text.
    Text,
}

/// A stretch of a text, and what takes its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TextEdit {
    /// The stretch, in the text as it was planned for; empty for an insertion.
    pub range: TextRange,
    /// What takes its place; empty for a deletion.
    pub new_text: String,
}

/// An edit that was asked for and is not in the plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FailedEdit {
    /// Its position in `edits`.
    pub index: u64,
    /// Why.
    pub code: FailedEditCode,
    /// Why, for a person.
    pub message: String,
}

/// Why an edit is not in the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum FailedEditCode {
    /// There is no such file, it is another one by now, or there is no such element in it.
    NotFound,
    /// The value is no literal, or something else overrides it: a spread behind it, what is between the tags.
    Unpromotable,
    /// The file or the element is of a kind that takes no such edits: no TypeScript or JavaScript, not
    /// UTF-8, too large, a fragment, source that does not parse.
    UnsupportedPattern,
}
