//! `planPropEdits`: the text edits that give props other values.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};

use super::parse::language_of;
use super::read_file::hex;
use super::{Context, Lane, Method, size};
use crate::error::{Code, Error, Result};
use crate::path::RelPath;
use crate::protocol::edits::{ElementRef, FailedEdit, FailedEditCode, FilePlan, PlanKind};
use crate::protocol::object::objects_only;
use crate::text::{self, Class};
use crate::tsx::edits::{self, Json, PropEdit};

/// The method.
pub struct PlanPropEdits;

/// The params of `planPropEdits`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlanPropEditsParams {
    /// What shall be so; two for the same prop of the same element are refused.
    pub edits: Vec<RequestedEdit>,
    /// If one fails, plan none.
    #[schemars(extend("default" = false))]
    pub all_or_nothing: Option<bool>,
}

/// One prop of one element, and the value it shall have.
///
/// Only literals are edited, objects and lists of nothing but literals among them; a prop that is computed stays
/// (`unpromotable`), also one in front of a spread, which may override it, and `children` where there are some
/// between the tags. A missing prop is added behind all others.
/// Of attributes of the same name the last one counts; all are removed.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, remote = "Self")]
#[schemars(rename = "PropEdit")]
pub struct RequestedEdit {
    /// The file.
    pub path: String,
    /// The element.
    pub element: ElementRef,
    /// The prop, `xlink:href` and `data-id` included.
    pub prop: String,
    /// The value: any JSON, also `null`. If absent, the prop is removed; a spread may still supply it.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "Option<serde_json::Value>", !default)]
    pub value: Option<Box<RawValue>>,
    /// Fail with `notFound` if the file's hash (BLAKE3, as `parse` gives it) is another one: the element was found in
    /// another text.
    pub if_hash: Option<String>,
}

objects_only!(RequestedEdit);

/// `null` is a value, too.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Box<RawValue>>, D::Error> {
    Box::<RawValue>::deserialize(deserializer).map(Some)
}

/// The result of `planPropEdits`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct PlanPropEditsResult {
    /// The files to edit, by path; those where nothing has to change are left out.
    pub plan: Vec<FilePlan>,
    /// What could not be planned, by `index`.
    pub failed: Vec<FailedEdit>,
}

impl Method for PlanPropEdits {
    const NAME: &'static str = "planPropEdits";
    const SUMMARY: &'static str = "Plans the text edits that give props of JSX elements other values; writes nothing.";
    const EXAMPLE: &'static str = r#"{"edits": [{"path": "src/components/LoafCard.stories.tsx", "element": {"name": "LoafCard", "index": 0}, "prop": "compact", "value": true}]}"#;
    const LANE: Lane = Lane::Quick;
    type Params = PlanPropEditsParams;
    type Output = PlanPropEditsResult;

    fn run(params: PlanPropEditsParams, context: &Context) -> Result<PlanPropEditsResult> {
        let all_or_nothing = params.all_or_nothing.unwrap_or_default();
        let mut files: BTreeMap<RelPath, Vec<Wanted>> = BTreeMap::new();
        for (index, edit) in params.edits.into_iter().enumerate() {
            let (path, wanted) = wanted(index, edit)?;
            files.entry(path).or_default().push(wanted);
        }
        let mut room = Room(size::room(context), context);
        let (mut plan, mut failed) = (Vec::new(), Vec::new());
        for (path, wanted) in files {
            context.cancel.check()?;
            let (file, refused) = plan_file(&path, wanted, context)?;
            for (index, code, message) in refused {
                // As an error of the request would be, so no longer than one.
                let message = Error::new(Code::NotFound, format!("{path}: {message}")).message;
                room.take(size::of_str(&message) + 100)?;
                failed.push(FailedEdit { index: index as u64, code, message });
            }
            if let Some(file) = file {
                let edits: usize = file.edits.iter().map(|edit| size::of_str(&edit.new_text) + 100).sum();
                room.take(size::of_str(path.as_str()) + edits + 200)?;
                plan.push(file);
            }
        }
        if all_or_nothing && !failed.is_empty() {
            plan.clear();
        }
        failed.sort_by_key(|edit| edit.index);
        Ok(PlanPropEditsResult { plan, failed })
    }
}

/// An edit, and the hash of the text it is meant for.
struct Wanted {
    edit: PropEdit,
    if_hash: Option<String>,
}

/// What one file's edits came to: the plan, if there is anything to do, and the edits that failed.
type Planned = (Option<FilePlan>, Vec<edits::Refused>);

fn wanted(index: usize, edit: RequestedEdit) -> Result<(RelPath, Wanted)> {
    let param = |field: &str| format!("edits[{index}].{field}");
    let path = RelPath::parse(&edit.path)
        .map_err(|error| Error { message: format!("`{}`: {}", param("path"), error.message), ..error })?;
    if !edits::is_prop_name(&edit.prop) {
        return Err(Error::param(&param("prop"), format!("{:?} is no name of a JSX attribute", edit.prop)));
    }
    let value = edit.value.map(|value| Json::read(value.get())).transpose();
    let value = value.map_err(|problem| Error::param(&param("value"), problem))?;
    let edit_of_file = PropEdit { index, element: edit.element, prop: edit.prop, value };
    Ok((path, Wanted { edit: edit_of_file, if_hash: edit.if_hash }))
}

fn plan_file(path: &RelPath, wanted: Vec<Wanted>, context: &Context) -> Result<Planned> {
    let all_fail = |wanted: Vec<Wanted>, code, message: &str| {
        let refused = wanted.into_iter().map(|wanted| (wanted.edit.index, code, message.to_owned()));
        Ok((None, refused.collect()))
    };
    let source = language_of(path, None).and_then(|language| {
        let content = context.shared.root.read(path, context.shared.config.limits.max_parse_bytes)?;
        Ok((language, content.bytes))
    });
    let (language, bytes) = match source {
        Ok(source) => source,
        Err(error) => {
            let code = match error.code {
                Code::NotFound | Code::NotAFile => FailedEditCode::NotFound,
                Code::UnsupportedLanguage | Code::FileTooLarge => FailedEditCode::UnsupportedPattern,
                _ => return Err(error),
            };
            let message = error.message.strip_prefix(path.as_str()).and_then(|rest| rest.strip_prefix(": "));
            return all_fail(wanted, code, message.unwrap_or(&error.message));
        }
    };
    // The edits are for a text that is written back as UTF-8.
    let text = match text::decode(&bytes, Class::of(&bytes)) {
        Ok(_) if Class::of(&bytes).is_utf16() => {
            return all_fail(wanted, FailedEditCode::UnsupportedPattern, "it is UTF-16, not UTF-8");
        }
        Ok(text) => text,
        Err(problem) => return all_fail(wanted, FailedEditCode::UnsupportedPattern, problem),
    };
    let hash = blake3::hash(&bytes).to_hex();
    let fits = |wanted: &Wanted| wanted.if_hash.as_ref().is_none_or(|if_hash| if_hash.as_str() == hash.as_str());
    let (wanted, stale): (Vec<_>, Vec<_>) = wanted.into_iter().partition(fits);
    let stale = stale.into_iter().map(|wanted| {
        (
            wanted.edit.index,
            FailedEditCode::NotFound,
            "the file is another one by now: its hash is not `ifHash`".to_owned(),
        )
    });
    let mut refused: Vec<_> = stale.collect();
    let wanted: Vec<PropEdit> = wanted.into_iter().map(|wanted| wanted.edit).collect();
    let (edits, more) = edits::plan(&text, language, &wanted, &context.cancel)?;
    refused.extend(more);
    let file = (!edits.is_empty()).then(|| FilePlan {
        kind: PlanKind::Text,
        file_path: path.clone(),
        expected_sha256: hex(&Sha256::digest(&bytes)),
        edits,
    });
    Ok((file, refused))
}

/// What is left of the response.
struct Room<'context>(usize, &'context Context);

impl Room<'_> {
    fn take(&mut self, length: usize) -> Result<()> {
        self.0 = self.0.checked_sub(length).ok_or_else(|| {
            let max = self.1.shared.config.limits.max_response_bytes;
            Error::new(
                Code::ResponseTooLarge,
                format!("the plan does not fit a response of {max} bytes; ask for fewer `edits`"),
            )
            .with("maxResponseBytes", max)
        })?;
        Ok(())
    }
}
