//! `readFile`: a file's content, as text or as base64.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{Context, Lane, Method};
use crate::error::{Code, Error, Result};
use crate::fs::Stamp;
use crate::index::FileFacts;
use crate::indexer::FactsReader;
use crate::path::RelPath;
use crate::text::{self, Class, Eol};

/// The method.
pub struct ReadFile;

/// The params of `readFile`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReadFileParams {
    /// The file; ignored files are served too, and symbolic links whose target lies inside the root.
    pub path: String,
    /// How to give the content.
    #[schemars(extend("default" = Encoding::default()))]
    pub encoding: Option<Encoding>,
    /// Give these bytes of the file alone; what lies beyond its end is left out.
    pub range: Option<ByteRange>,
    /// Give no content if the file's hash is this one.
    pub if_hash_not: Option<String>,
    /// Give the SHA-256 of the file's bytes, too.
    #[schemars(extend("default" = false))]
    pub sha256: Option<bool>,
    /// Refuse to give more bytes than this (`file_too_large`).
    pub max_bytes: Option<u64>,
}

/// How a content is given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    /// As text; UTF-16 with a byte-order mark is decoded.
    #[default]
    Utf8,
    /// As the bytes, in base64.
    Base64,
}

/// A half-open stretch of a file, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct ByteRange {
    /// Offset of the first byte.
    pub start: u64,
    /// Offset behind the last byte.
    pub end: u64,
}

impl<'de> Deserialize<'de> for ByteRange {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // By way of a map: serde would take `[1, 2]` for a struct as well.
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Fields {
            start: u64,
            end: u64,
        }
        let map = serde_json::Map::deserialize(deserializer)?;
        let Fields { start, end } =
            Fields::deserialize(serde_json::Value::Object(map)).map_err(serde::de::Error::custom)?;
        if start > end {
            return Err(serde::de::Error::custom("`start` lies behind `end`"));
        }
        Ok(Self { start, end })
    }
}

/// The result of `readFile`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum ReadFileResult {
    /// The content.
    Content(FileContent),
    /// The file's hash is `ifHashNot`.
    NotModified(NotModified),
}

/// A file's content.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FileContent {
    /// The path asked for.
    pub path: RelPath,
    /// How the content is given.
    pub encoding: Encoding,
    /// The content as JavaScript would hold it, a byte-order mark kept as U+FEFF.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base64: Option<String>,
    /// Set when the file is UTF-16 and `text` was decoded from it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_encoding: Option<SourceEncoding>,
    /// Bytes of the whole file.
    pub size: u64,
    /// Modification time, milliseconds since 1970.
    pub mtime_ms: f64,
    /// BLAKE3 of the whole file's bytes, 64 lower-case hex digits.
    pub hash: String,
    /// SHA-256 of the whole file's bytes, where asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Whether the file starts with a byte-order mark.
    pub bom: bool,
    /// The line ends of the whole file.
    pub eol: Eol,
    /// The state of the index when the request was started.
    pub clock: String,
}

/// A file that is as the client has it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NotModified {
    /// The path asked for.
    pub path: RelPath,
    /// The file's hash.
    pub hash: String,
    /// Always true.
    #[schemars(extend("const" = true))]
    pub not_modified: bool,
}

/// An encoding other than UTF-8 that text was decoded from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SourceEncoding {
    /// Little-endian UTF-16.
    Utf16le,
    /// Big-endian UTF-16.
    Utf16be,
}

impl ReadFileResult {
    /// How many bytes of the file it carries.
    pub(super) fn content_bytes(&self) -> u64 {
        match self {
            Self::NotModified(_) => 0,
            Self::Content(file) => {
                (file.text.as_ref().map_or(0, String::len) + file.base64.as_ref().map_or(0, |text| text.len() / 4 * 3))
                    as u64
            }
        }
    }
}

/// How a file is to be read; what `readFile` and `readFiles` share.
#[derive(Clone, Debug, Default)]
pub(super) struct ReadOptions {
    pub(super) encoding: Encoding,
    pub(super) range: Option<ByteRange>,
    pub(super) if_hash_not: Option<String>,
    pub(super) sha256: bool,
    pub(super) max_bytes: Option<u64>,
}

impl Method for ReadFile {
    const NAME: &'static str = "readFile";
    const SUMMARY: &'static str = "Reads a file, as it is on disk now.";
    const EXAMPLE: &'static str = r#"{"path": "src/App.tsx", "sha256": true}"#;
    const LANE: Lane = Lane::Quick;
    type Params = ReadFileParams;
    type Output = ReadFileResult;

    fn run(params: ReadFileParams, context: &Context) -> Result<ReadFileResult> {
        let options = ReadOptions {
            encoding: params.encoding.unwrap_or_default(),
            range: params.range,
            if_hash_not: params.if_hash_not,
            sha256: params.sha256.unwrap_or_default(),
            max_bytes: params.max_bytes,
        };
        read(&params.path, &options, context)
    }
}

/// What was read: the part asked for, and what is known of the whole.
struct Read {
    bytes: Vec<u8>,
    size: u64,
    mtime_ms: f64,
    facts: FileFacts,
    sha256: Option<String>,
}

pub(super) fn read(path: &str, options: &ReadOptions, context: &Context) -> Result<ReadFileResult> {
    let path = RelPath::parse(path)?;
    if let Some(unchanged) = unchanged(&path, options, context)? {
        return Ok(unchanged);
    }
    let read = match options.range {
        Some(range) => match read_known_range(&path, range, options, context)? {
            Some(read) => read,
            None => read_range(&path, range, options, context)?,
        },
        None => read_whole(&path, options, context)?,
    };
    let hash = read.facts.hash.to_hex().to_string();
    if options.if_hash_not.as_deref() == Some(&hash) {
        return Ok(ReadFileResult::NotModified(NotModified { path, hash, not_modified: true }));
    }
    let class = read.facts.class;
    let (text, base64, source_encoding) = match options.encoding {
        Encoding::Base64 => (None, Some(STANDARD.encode(&read.bytes)), None),
        Encoding::Utf8 => {
            let source = match class {
                Class::Utf16Le => Some(SourceEncoding::Utf16le),
                Class::Utf16Be => Some(SourceEncoding::Utf16be),
                _ => None,
            };
            (Some(decode(&path, read.bytes, class, options.range.is_some())?), None, source)
        }
    };
    Ok(ReadFileResult::Content(FileContent {
        path,
        encoding: options.encoding,
        text,
        base64,
        source_encoding,
        size: read.size,
        mtime_ms: read.mtime_ms,
        hash,
        sha256: read.sha256,
        bom: class.bom_len() > 0,
        eol: read.facts.eol,
        clock: context.snapshot.clock.to_string(),
    }))
}

/// The answer from the index alone: the file looks as it did when it was hashed, and that is the hash the client has.
fn unchanged(path: &RelPath, options: &ReadOptions, context: &Context) -> Result<Option<ReadFileResult>> {
    let Some(have) = &options.if_hash_not else { return Ok(None) };
    let Some(entry) = context.snapshot.file(path) else { return Ok(None) };
    let (_, stamp) = context.shared.root.stat(path)?;
    let hash = entry.known_under(&stamp).map(|facts| facts.hash.to_hex().to_string());
    Ok(hash
        .filter(|hash| hash == have)
        .map(|hash| ReadFileResult::NotModified(NotModified { path: path.clone(), hash, not_modified: true })))
}

fn read_whole(path: &RelPath, options: &ReadOptions, context: &Context) -> Result<Read> {
    let response = context.shared.config.limits.max_response_bytes;
    // UTF-16 shrinks to half its size at best; nothing else shrinks.
    let fits = response.saturating_mul(2);
    let content = context.shared.root.read(path, options.max_bytes.unwrap_or(u64::MAX).min(fits)).map_err(|error| {
        let ours = error.code == Code::FileTooLarge && options.max_bytes.is_none_or(|max| max > fits);
        if ours { too_long(path, response) } else { error }
    })?;
    let class = Class::of(&content.bytes);
    let facts = FileFacts {
        hash: blake3::hash(&content.bytes),
        class,
        eol: Eol::of(&content.bytes, class),
        racy: !content.stable,
    };
    let sha256 = options.sha256.then(|| hex(&Sha256::digest(&content.bytes)));
    let size = content.bytes.len() as u64;
    Ok(Read { bytes: content.bytes, size, mtime_ms: content.stamp.mtime_ms(), facts, sha256 })
}

/// Reads the range alone, where the index knows the whole: the file looks as it did when it was hashed.
fn read_known_range(
    path: &RelPath,
    range: ByteRange,
    options: &ReadOptions,
    context: &Context,
) -> Result<Option<Read>> {
    let Some(entry) = context.snapshot.file(path).filter(|_| !options.sha256) else { return Ok(None) };
    let length = range.end.min(entry.stamp.size).saturating_sub(range.start);
    if length > options.max_bytes.unwrap_or(u64::MAX).min(context.shared.config.limits.max_response_bytes) {
        return Ok(None);
    }
    let known = |stamp: &Stamp| entry.known_under(stamp);
    let part = context.shared.root.read_part(path, range.start..range.end, |stamp| known(stamp).is_some())?;
    Ok(part.and_then(|part| {
        let facts = known(&part.stamp)?;
        Some(Read { bytes: part.bytes, size: part.stamp.size, mtime_ms: part.stamp.mtime_ms(), facts, sha256: None })
    }))
}

/// Reads the whole file for its hash, but keeps the range alone: memory is bounded by what is asked for.
fn read_range(path: &RelPath, range: ByteRange, options: &ReadOptions, context: &Context) -> Result<Read> {
    struct State {
        at: u64,
        kept: Vec<u8>,
        facts: FactsReader,
        sha256: Option<Sha256>,
    }
    let response = context.shared.config.limits.max_response_bytes;
    let wanted = |size: u64| range.end.min(size).saturating_sub(range.start);
    let mut buffer = Vec::new();
    let digest = context.shared.root.digest(
        path,
        &mut buffer,
        |_| State { at: 0, kept: Vec::new(), facts: FactsReader::default(), sha256: options.sha256.then(Sha256::new) },
        |state, chunk| {
            context.cancel.check()?;
            state.facts.add(chunk);
            if let Some(sha256) = &mut state.sha256 {
                sha256.update(chunk);
            }
            let end = state.at + chunk.len() as u64;
            let (from, to) = (range.start.clamp(state.at, end), range.end.clamp(state.at, end));
            let length = state.kept.len() as u64 + (to - from);
            if let Some(max) = options.max_bytes.filter(|max| length > *max) {
                return Err(crate::fs::WorkspaceRoot::too_large(path, length, max));
            }
            if length > response.saturating_mul(2) {
                return Err(too_long(path, response));
            }
            state.kept.extend_from_slice(&chunk[(from - state.at) as usize..(to - state.at) as usize]);
            state.at = end;
            Ok(())
        },
    )?;
    let State { at, kept, facts, sha256 } = digest.value;
    debug_assert_eq!(kept.len() as u64, wanted(at));
    Ok(Read {
        bytes: kept,
        size: at,
        mtime_ms: digest.stamp.mtime_ms(),
        facts: facts.finish(!digest.stable),
        sha256: sha256.map(|sha256| hex(&sha256.finalize())),
    })
}

fn decode(path: &RelPath, bytes: Vec<u8>, class: Class, part: bool) -> Result<String> {
    let problem = match class {
        Class::Utf16Le | Class::Utf16Be => match text::decode(&bytes, class) {
            Ok(text) => return Ok(text.into_owned()),
            Err(problem) => problem,
        },
        // Without copying what is UTF-8 already.
        _ => match String::from_utf8(bytes) {
            Ok(text) => return Ok(text),
            Err(_) => "it is not valid UTF-8",
        },
    };
    let hint = if part { "; the range may cut a character" } else { "" };
    Err(Error::new(Code::NotUtf8, format!("{path}: {problem}{hint}; ask for `\"encoding\": \"base64\"`")))
}

fn too_long(path: &RelPath, max: u64) -> Error {
    Error::new(
        Code::ResponseTooLarge,
        format!("{path}: the response would be longer than {max} bytes; ask for a `range`"),
    )
    .with("maxResponseBytes", max)
}

/// Lower-case hex digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
