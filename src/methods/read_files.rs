//! `readFiles`: many contents in one answer.

use std::sync::Arc;

use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::read_file::{ByteRange, Encoding, ReadFileResult, ReadOptions, read};
use super::stat::FailedPath;
use super::{Context, Lane, Method};
use crate::error::{Code, Error, Result};
use crate::ordered::ordered_map;
use crate::path::RelPath;
use crate::protocol::frame;
use crate::protocol::items::Items;

/// The method.
pub struct ReadFiles;

/// The params of `readFiles`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReadFilesParams {
    /// The files.
    pub paths: Vec<String>,
    /// How to give the contents.
    #[schemars(extend("default" = Encoding::default()))]
    pub encoding: Option<Encoding>,
    /// Give these bytes of each file alone.
    pub range: Option<ByteRange>,
    /// Give no content of files whose hash is this one.
    pub if_hash_not: Option<String>,
    /// Give the SHA-256 of each file's bytes, too.
    #[schemars(extend("default" = false))]
    pub sha256: Option<bool>,
    /// Refuse to give more bytes of one file than this (`file_too_large`).
    pub max_bytes: Option<u64>,
    /// Stop before the contents together have more bytes than this; `next` says where. A first file that is larger
    /// alone fails with `file_too_large`.
    pub max_total_bytes: Option<u64>,
}

/// The result of `readFiles`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ReadFilesResult {
    /// One for every path, in the same order, as far as they were served.
    pub files: Vec<ReadFilesEntry>,
    /// The items of `files`, which are encoded where they are read.
    #[serde(skip)]
    encoded: Items,
    /// Index of the first path that was not served; absent when all were.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<u64>,
}

/// A file, or why there is none.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum ReadFilesEntry {
    /// As `readFile` gives it.
    Read(ReadFileResult),
    /// What `readFile` would have failed with.
    Failed(FailedPath),
}

/// Files and bytes a worker reads before it hands them on.
const BATCH_FILES: usize = 16;
const BATCH_BYTES: u64 = 4 << 20;

impl Method for ReadFiles {
    const NAME: &'static str = "readFiles";
    const SUMMARY: &'static str = "Reads many files in one request; a file that fails does not fail the others.";
    const EXAMPLE: &'static str = r#"{"paths": ["src/App.tsx", "src/types.ts"], "maxTotalBytes": 1000000}"#;
    const LANE: Lane = Lane::Heavy;
    type Params = ReadFilesParams;
    type Output = ReadFilesResult;

    fn respond(output: &ReadFilesResult, id: &str, max_bytes: usize) -> Result<Vec<u8>> {
        frame::success_with_files(id, output, &output.encoded, max_bytes)
    }

    fn run(params: ReadFilesParams, context: &Context) -> Result<ReadFilesResult> {
        let options = ReadOptions {
            encoding: params.encoding.unwrap_or_default(),
            range: params.range,
            if_hash_not: params.if_hash_not,
            sha256: params.sha256.unwrap_or_default(),
            max_bytes: params.max_bytes,
        };
        let max_total = params.max_total_bytes.unwrap_or(u64::MAX);
        let max_json = super::size::room(context);
        let (mut encoded, mut served, mut total) = (Items::default(), 0_usize, 0_u64);
        let count = params.paths.len();
        for batch in read_all(params.paths, options, max_total.min(max_json as u64), context) {
            context.cancel.check()?;
            for mut entry in batch?? {
                let more = total.saturating_add(entry.content_bytes) > max_total;
                if served > 0 && (more || encoded.bytes() + entry.json.len() + 1 > max_json) {
                    return Ok(ReadFilesResult { files: Vec::new(), encoded, next: Some(served as u64) });
                }
                // The first file is answered in any case, or a client that goes on from `next` never gets on.
                if more {
                    let bytes = entry.content_bytes;
                    let message = format!("{}: its {bytes} bytes alone are more than `maxTotalBytes`", entry.path);
                    let error = Error::new(Code::FileTooLarge, message).with("size", bytes).with("maxBytes", max_total);
                    entry = Encoded::failed(entry.path, error)?;
                } else if entry.json.len() > max_json {
                    let message = format!("{} alone does not fit a response", entry.path);
                    entry = Encoded::failed(entry.path, Error::new(Code::ResponseTooLarge, message))?;
                }
                total += entry.content_bytes;
                served += 1;
                encoded.push(entry.json);
            }
        }
        // Reading stopped where more would not be answered.
        Ok(ReadFilesResult { files: Vec::new(), encoded, next: (served < count).then_some(served as u64) })
    }
}

/// A [`ReadFilesEntry`] as it is written on the wire: encoded by all threads, where it was read.
struct Encoded {
    path: String,
    content_bytes: u64,
    json: Vec<u8>,
}

impl Encoded {
    fn of(path: String, read: Result<ReadFileResult>) -> Result<Self> {
        match read {
            Ok(file) => {
                let content_bytes = file.content_bytes();
                Ok(Self { path, content_bytes, json: frame::encode(&ReadFilesEntry::Read(file))? })
            }
            Err(error) => Self::failed(path, error),
        }
    }

    fn failed(path: String, error: Error) -> Result<Self> {
        let json = frame::encode(&ReadFilesEntry::Failed(FailedPath { path: path.clone(), error }))?;
        Ok(Self { path, content_bytes: 0, json })
    }
}

/// About how large a file is: what the index says, if it has the file.
fn size(path: &str, context: &Context) -> u64 {
    let Ok(path) = RelPath::parse(path) else { return 0 };
    match context.snapshot.file(&path) {
        Some(entry) => entry.stamp.size,
        None => context.shared.root.stat(&path).map_or(0, |(_, stamp)| stamp.size),
    }
}

/// Reads in parallel, gives in order. Looks at the sizes first: batches are of similar length, and what lies
/// far behind `enough` bytes is not read at all.
fn read_all(
    paths: Vec<String>,
    options: ReadOptions,
    enough: u64,
    context: &Context,
) -> impl Iterator<Item = Result<Result<Vec<Encoded>>>> {
    let (mut batches, mut batch): (Vec<Vec<String>>, Vec<String>) = (Vec::new(), Vec::new());
    let (mut in_batch, mut total) = (0_u64, 0_u64);
    let sizes: Vec<u64> = context.shared.pool.install(|| paths.par_iter().map(|path| size(path, context)).collect());
    for (path, size) in paths.into_iter().zip(sizes) {
        in_batch += size;
        total = total.saturating_add(size);
        batch.push(path);
        // Text may shrink to half of a file's bytes, to nothing where it is not modified.
        let done = total / 2 > enough && options.if_hash_not.is_none() && options.range.is_none();
        if in_batch >= BATCH_BYTES || batch.len() >= BATCH_FILES || done {
            batches.push(std::mem::take(&mut batch));
            in_batch = 0;
        }
        if done {
            break;
        }
    }
    batches.push(batch);
    let own = context.clone();
    let window = context.shared.config.threads + 1;
    ordered_map(Arc::clone(&context.shared.pool), batches, 1, window, move |batch: &Vec<String>| {
        let read = |path: &String| {
            own.cancel.check()?;
            Encoded::of(path.clone(), read(path, &options, &own))
        };
        batch.iter().map(read).collect()
    })
}
