//! Events: lines the sidecar writes without being asked. None has the key `ok`.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;

use super::search::SearchFile;
use super::watch::Changed;
use crate::error::Code;

/// An event in the table.
pub struct Entry {
    /// Its name on the wire.
    pub name: &'static str,
    /// The schema of `data`.
    pub data_schema: fn(&mut SchemaGenerator) -> Schema,
}

const fn entry<T: JsonSchema>(name: &'static str) -> Entry {
    Entry { name, data_schema: |generator| generator.subschema_for::<T>() }
}

/// Every event there is.
pub const EVENTS: &[Entry] = &[
    entry::<Ready>("ready"),
    entry::<Fatal>("fatal"),
    entry::<Progress>("progress"),
    entry::<Indexed>("indexed"),
    entry::<Changed>("changed"),
    entry::<Partial>("partial"),
];

/// The bounds in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Limits {
    /// The longest request line, in bytes.
    pub max_request_bytes: u64,
    /// The longest response line, in bytes; listings and searches are cut there with `limitHit`.
    pub max_response_bytes: u64,
    /// Requests in flight; further ones wait.
    pub max_in_flight: u64,
    /// The largest file that is searched, in bytes; larger ones are listed, hashed and counted in `skipped.tooLarge`.
    pub max_file_bytes: u64,
    /// The largest source that is parsed, in bytes.
    pub max_parse_bytes: u64,
    /// Output waiting to be read, in bytes; past it, work and reading pause.
    pub max_queued_bytes: u64,
    /// How long a synced answer may take to become fresh, in milliseconds, unless the request says otherwise.
    pub sync_timeout_ms: u64,
}

/// The first line on stdout, before the index is built. Requests may be sent at once.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "ReadyData")]
#[serde(rename_all = "camelCase")]
pub struct Ready {
    /// The version of the contract.
    pub protocol_version: u32,
    /// The version of the program.
    pub version: String,
    /// The process.
    pub pid: u32,
    /// The absolute path of the root, symbolic links resolved.
    pub root: String,
    /// The methods there are.
    pub methods: Vec<String>,
    /// The bounds in force.
    pub limits: Limits,
    /// The clock at the start.
    pub clock: String,
}

/// Start-up failed. It is the only line; the process exits with status 3.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "FatalData")]
pub struct Fatal {
    /// Why, as a word.
    pub code: Code,
    /// Why, as a sentence.
    pub message: String,
}

/// The first full index is there.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "IndexedData")]
#[serde(rename_all = "camelCase")]
pub struct Indexed {
    /// The clock of that index.
    pub clock: String,
    /// Files in it.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Milliseconds since the start of the process.
    pub elapsed_ms: u64,
    /// Whether it was loaded rather than built.
    pub from_cache: bool,
}

/// How far the first index is. With `--progress`, at most ten a second.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[schemars(rename = "ProgressData")]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    /// What is going on.
    pub phase: Phase,
    /// Files found (`scan`) or read (`index`).
    pub files: u64,
    /// Files to read, once that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub files_total: Option<u64>,
    /// Bytes found or read.
    pub bytes: u64,
}

/// A phase of the first index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Walking the tree.
    Scan,
    /// Reading and hashing the files.
    Index,
}

/// A part of a streamed `search`. Parts come in path order, before the response.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "PartialData")]
pub struct Partial {
    /// The request it belongs to.
    pub id: String,
    /// The next files with matches.
    pub files: Vec<SearchFile>,
}
