//! The stable error codes of the contract, and the one place that maps failures to them.

use std::io;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::path::RelPath;

/// What went wrong, as a word a program can match on. Codes are never renamed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "ErrorCode")]
pub enum Code {
    /// The line is not JSON (or not UTF-8).
    ParseError,
    /// The line is JSON but no request: not an object, or `id`, `method` or `timeoutMs` is unusable.
    InvalidRequest,
    /// A parameter is missing, unknown, of the wrong type or out of range; the message names it.
    InvalidParams,
    /// There is no such method; `ready.methods` lists those there are.
    UnknownMethod,
    /// A request with the same id is still in flight.
    DuplicateId,
    /// The line was longer than `limits.maxRequestBytes` and was discarded.
    RequestTooLarge,
    /// The path is not workspace-relative, `/`-separated and free of `.`, `..` and empty parts.
    InvalidPath,
    /// The path leads outside the workspace, by a symbolic link.
    PathOutsideWorkspace,
    /// Nothing is there.
    NotFound,
    /// Something is there, but it is not a regular file.
    NotAFile,
    /// The operating system denies access.
    PermissionDenied,
    /// The bytes are no text; ask for `"encoding": "base64"`.
    NotUtf8,
    /// The file is larger than `maxBytes`, or than what the method takes.
    FileTooLarge,
    /// The response would be longer than `limits.maxResponseBytes`.
    ResponseTooLarge,
    /// The search pattern does not compile.
    InvalidPattern,
    /// A glob does not compile; the message names it.
    InvalidGlob,
    /// A tree-sitter query does not compile.
    InvalidQuery,
    /// There is no grammar for the file's extension, or for the language named.
    UnsupportedLanguage,
    /// There is no such subscription.
    UnknownSubscription,
    /// The request was cancelled, by `cancel` or because the process is ending.
    Cancelled,
    /// The request's `timeoutMs` passed.
    Timeout,
    /// `shutdown` was asked for; no new requests are taken.
    ShuttingDown,
    /// The operating system reported something else.
    IoError,
    /// A defect of the sidecar; the log on stderr has the place.
    Internal,
}

/// Messages quote what was wrong, and what was wrong may be megabytes long.
const MAX_MESSAGE_BYTES: usize = 2000;

/// So may the values beside them be.
const MAX_DATA_CHARS: usize = 200;

/// A failed request, or a failed part of one: a stable code, a sentence for a person and,
/// for some codes, values for a program.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "ErrorBody")]
pub struct Error {
    /// The stable code.
    pub code: Code,
    /// What was wrong, and with what. Never holds a path outside the workspace.
    pub message: String,
    /// Values that belong to the code, for example `size` and `maxBytes` of `file_too_large`.
    #[serde(skip_serializing_if = "Option::is_none")]
    // Boxed: few errors have any, and a map is large.
    pub data: Option<Box<Map<String, Value>>>,
}

/// `Result` with [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error with a code and a message.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        let mut message = message.into();
        if message.len() > MAX_MESSAGE_BYTES {
            let boundary = (0..=MAX_MESSAGE_BYTES).rev().find(|at| message.is_char_boundary(*at));
            message.truncate(boundary.unwrap_or_default());
            message.push('…');
        }
        Self { code, message, data: None }
    }

    /// Adds a value for programs under `data`.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        let value = match value.into() {
            Value::String(text) => Value::String(text.chars().take(MAX_DATA_CHARS).collect()),
            value => value,
        };
        self.data.get_or_insert_default().insert(key.to_owned(), value);
        self
    }

    /// `invalid_params`: `param` is the offending parameter, `problem` what is wrong with it.
    pub fn param(param: &str, problem: impl std::fmt::Display) -> Self {
        Self::new(Code::InvalidParams, format!("`{param}`: {problem}")).with("param", param)
    }

    /// `cancelled`, as a worker reports it; the server answers `timeout` instead when the
    /// deadline was the cause.
    pub fn cancelled() -> Self {
        Self::new(Code::Cancelled, "the request was cancelled")
    }

    /// A defect of ours, worded for the client; the details belong in the log.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(Code::Internal, message)
    }

    /// What the operating system said about `path`.
    pub fn io(path: &RelPath, error: &io::Error) -> Self {
        use io::ErrorKind as Kind;
        let code = match error.kind() {
            Kind::NotFound | Kind::NotADirectory | Kind::InvalidFilename => Code::NotFound,
            Kind::PermissionDenied => Code::PermissionDenied,
            Kind::IsADirectory => Code::NotAFile,
            _ => Code::IoError,
        };
        let what = match code {
            Code::NotFound => "there is no such file".to_owned(),
            Code::PermissionDenied => "the operating system denies access".to_owned(),
            Code::NotAFile => "it is a directory".to_owned(),
            // The kind names no path; the error's own text could.
            _ => error.kind().to_string(),
        };
        Self::new(code, format!("{path}: {what}"))
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}
