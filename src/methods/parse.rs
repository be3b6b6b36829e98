//! `parse`: facts about a TypeScript or JavaScript source.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Context, Lane, Method};
use crate::error::{Code, Error, Result};
use crate::path::RelPath;
use crate::protocol::tsx::{Fact, Facts, Language};
use crate::text::{self, Class};
use crate::tsx;

/// The method.
pub struct Parse;

/// The params of `parse`: a `path`, or `text` with its `language`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ParseParams {
    /// The file to read and parse.
    pub path: Option<String>,
    /// The source itself, instead of `path`.
    pub text: Option<String>,
    /// The language; needed with `text`, told by the extension of `path` if absent.
    pub language: Option<Language>,
    /// The facts to give; all if absent.
    pub facts: Option<Vec<Fact>>,
    /// Whether to give the syntax tree as an S-expression.
    #[schemars(extend("default" = false))]
    pub tree: Option<bool>,
}

/// The result of `parse`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ParseResult {
    /// The file, if one was parsed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<RelPath>,
    /// BLAKE3 of the file's bytes, or of the text as UTF-8.
    pub hash: String,
    /// The language it was parsed as.
    pub language: Language,
    /// The facts asked for.
    #[serde(flatten)]
    pub facts: Facts,
    /// The syntax tree as an S-expression.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tree: Option<String>,
}

impl Method for Parse {
    const NAME: &'static str = "parse";
    const SUMMARY: &'static str = "Parses a TypeScript or JavaScript source and tells what is in it.";
    const EXAMPLE: &'static str = r#"{"path": "src/components/LoafCard.stories.tsx", "facts": ["components", "jsx"]}"#;
    const LANE: Lane = Lane::Quick;
    type Params = ParseParams;
    type Output = ParseResult;

    fn run(params: ParseParams, context: &Context) -> Result<ParseResult> {
        let max = context.shared.config.limits.max_parse_bytes;
        let (path, text, hash, language) = match (params.path, params.text) {
            (Some(path), None) => {
                let path = RelPath::parse(&path)?;
                let language = language_of(&path, params.language)?;
                let content = context.shared.root.read(&path, max)?;
                let hash = blake3::hash(&content.bytes);
                let text = text::decode(&content.bytes, Class::of(&content.bytes))
                    .map_err(|problem| Error::new(Code::NotUtf8, format!("{path}: {problem}")))?
                    .into_owned();
                (Some(path), text, hash, language)
            }
            (None, Some(text)) => {
                let language = params
                    .language
                    .ok_or_else(|| Error::param("language", "it is missing; `text` does not tell its language"))?;
                if text.len() as u64 > max {
                    let message = format!("`text`: its {} bytes are more than the {max} allowed", text.len());
                    return Err(Error::new(Code::FileTooLarge, message).with("size", text.len()).with("maxBytes", max));
                }
                let hash = blake3::hash(text.as_bytes());
                (None, text, hash, language)
            }
            (Some(_), Some(_)) => return Err(Error::param("text", "give either `path` or `text`")),
            (None, None) => return Err(Error::param("path", "it is missing; give either `path` or `text`")),
        };
        let wanted = params.facts.unwrap_or_else(|| Fact::ALL.to_vec());
        let max_response = context.shared.config.limits.max_response_bytes as usize;
        let facts = tsx::facts(&text, language, &wanted, max_response, &context.cancel)?;
        let tree = if params.tree.unwrap_or_default() {
            Some(tsx::tree(&text, language, max_response / 2, &context.cancel)?)
        } else {
            None
        };
        Ok(ParseResult { path, hash: hash.to_hex().to_string(), language, facts, tree })
    }
}

pub(super) fn language_of(path: &RelPath, given: Option<Language>) -> Result<Language> {
    given.or_else(|| path.extension().and_then(Language::of_extension)).ok_or_else(|| {
        Error::new(
            Code::UnsupportedLanguage,
            format!("{path}: no grammar for this extension; known are tsx, ts, mts, cts, jsx, js, mjs, cjs"),
        )
    })
}
