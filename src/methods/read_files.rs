//! `readFiles`: many contents in one answer.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::read_file::{ByteRange, Encoding, ReadFileResult, ReadOptions, read};
use super::stat::FailedPath;
use super::{Context, Lane, Method, size};
use crate::error::{Code, Error, Result};
use crate::ordered::ordered_map;
use crate::path::RelPath;

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

    fn run(params: ReadFilesParams, context: &Context) -> Result<ReadFilesResult> {
        let options = ReadOptions {
            encoding: params.encoding.unwrap_or_default(),
            range: params.range,
            if_hash_not: params.if_hash_not,
            sha256: params.sha256.unwrap_or_default(),
            max_bytes: params.max_bytes,
        };
        let max_total = params.max_total_bytes.unwrap_or(u64::MAX);
        let max_json = size::room(context);
        let mut files = Vec::with_capacity(params.paths.len());
        let (mut total, mut json) = (0_u64, 0_usize);
        let count = params.paths.len();
        let reads = read_all(params.paths, options, max_total.min(max_json as u64), context);
        for batch in reads {
            context.cancel.check()?;
            for (path, read) in batch? {
                let entry = match read {
                    Ok(file) => {
                        let (bytes, length) = (file.content_bytes(), file.json_bound());
                        if (total.saturating_add(bytes) > max_total || json + length > max_json) && !files.is_empty() {
                            return Ok(ReadFilesResult { next: Some(files.len() as u64), files });
                        }
                        // The first file is answered in any case, or a client that goes on from `next` never gets on.
                        if bytes > max_total {
                            let message = format!("{path}: its {bytes} bytes alone are more than `maxTotalBytes`");
                            let error =
                                Error::new(Code::FileTooLarge, message).with("size", bytes).with("maxBytes", max_total);
                            ReadFilesEntry::Failed(FailedPath { path, error })
                        } else if length > max_json {
                            let error =
                                Error::new(Code::ResponseTooLarge, format!("{path} alone does not fit a response"));
                            ReadFilesEntry::Failed(FailedPath { path, error })
                        } else {
                            total += bytes;
                            json += length;
                            ReadFilesEntry::Read(file)
                        }
                    }
                    Err(error) => {
                        let length = size::of_str(&path) + size::of_str(&error.message) + 600;
                        if json + length > max_json && !files.is_empty() {
                            return Ok(ReadFilesResult { next: Some(files.len() as u64), files });
                        }
                        json += length;
                        ReadFilesEntry::Failed(FailedPath { path, error })
                    }
                };
                files.push(entry);
            }
        }
        // Reading stopped where more would not be answered.
        let next = (files.len() < count).then_some(files.len() as u64);
        Ok(ReadFilesResult { files, next })
    }
}

/// Reads in parallel, gives in order. Looks at the sizes first: batches are of similar length, and what lies
/// far behind `enough` bytes is not read at all.
fn read_all(
    paths: Vec<String>,
    options: ReadOptions,
    enough: u64,
    context: &Context,
) -> impl Iterator<Item = Result<Vec<(String, Result<ReadFileResult>)>>> {
    let root = &context.shared.root;
    let (mut batches, mut batch): (Vec<Vec<String>>, Vec<String>) = (Vec::new(), Vec::new());
    let (mut in_batch, mut total) = (0_u64, 0_u64);
    for path in paths {
        let size = RelPath::parse(&path).and_then(|path| root.stat(&path)).map_or(0, |(_, stamp)| stamp.size);
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
        let read = |path: &String| own.cancel.check().and_then(|()| read(path, &options, &own));
        batch.iter().map(|path| (path.clone(), read(path))).collect()
    })
}
