//! Questions about the whole workspace, and their answers held against the disk.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::freshness::contents;
use crate::model::disk::Disk;
use crate::model::failure::{Aspect, Failure, differences};
use crate::referee::Contents;

/// How long the sidecar may take to be sure, in milliseconds.
pub(crate) const SYNC_TIMEOUT_MS: u64 = 30_000;

pub(crate) fn listing_params() -> Value {
    json!({ "include": ["**"], "fields": ["hash", "size"], "syncTimeoutMs": SYNC_TIMEOUT_MS })
}

pub(crate) fn search_params(pattern: &str) -> Value {
    json!({ "pattern": pattern, "mode": "count", "syncTimeoutMs": SYNC_TIMEOUT_MS })
}

/// A result that was not looked at yet.
pub(crate) enum Answer {
    Listing(Value),
    /// Of a search for a pattern.
    Search(String, Value),
    /// What the index holds of these paths, and beneath them, after a `sync` of them.
    Paths(BTreeSet<String>, Value),
}

impl Answer {
    pub(crate) fn check(&self, disk: &Disk) -> Result<(), Failure> {
        match self {
            Self::Listing(result) => check_listing(result, disk),
            Self::Search(pattern, result) => check_search(result, pattern, disk),
            Self::Paths(paths, result) => check_paths(result, paths, disk),
        }
    }
}

pub(crate) fn check_listing(result: &Value, disk: &Disk) -> Result<(), Failure> {
    let wrong = |what: String| Err(Failure::new(Aspect::Listing, what));
    if let Some(found) = differences(&contents(result), &disk.listing) {
        return wrong(found);
    }
    let sized = |file: &&Value| file["size"].as_u64() == file["path"].as_str().and_then(|path| disk.size(path));
    match result["files"].as_array().into_iter().flatten().find(|file| !sized(file)) {
        Some(file) => wrong(format!("not its size: {file}")),
        None if result["limitHit"] == true => wrong("the listing was cut".to_owned()),
        None => Ok(()),
    }
}

pub(crate) fn check_search(result: &Value, pattern: &str, disk: &Disk) -> Result<(), Failure> {
    let found = |file: &Value| {
        let hash = file["hash"].as_str().unwrap_or("(no hash)");
        (file["path"].as_str().unwrap_or_default().to_owned(), format!("{}x in {hash}", file["matchCount"]))
    };
    let found: Contents = result["files"].as_array().into_iter().flatten().map(found).collect();
    match differences(&found, &disk.matches(pattern)) {
        Some(found) => Err(Failure::new(Aspect::Search, format!("{pattern:?}: {found}"))),
        None => Ok(()),
    }
}

fn check_paths(result: &Value, paths: &BTreeSet<String>, disk: &Disk) -> Result<(), Failure> {
    let asked = |path: &str| paths.contains(path) || path.match_indices('/').any(|(at, _)| paths.contains(&path[..at]));
    let of = |all: &Contents| -> Contents {
        all.iter().filter(|(path, _)| asked(path)).map(|(path, hash)| (path.clone(), hash.clone())).collect()
    };
    match differences(&of(&contents(result)), &of(&disk.listing)) {
        Some(found) => Err(Failure::new(Aspect::Paths, format!("after sync of {paths:?}: {found}"))),
        None => Ok(()),
    }
}

/// Of what is not listed, anything may be there: an ignored file, a link, nothing. Whether a directory that holds
/// nothing listed is known is not said here.
pub(crate) fn check_stat(result: &Value, paths: &[String], disk: &Disk) -> Result<(), Failure> {
    let wrong = |what: String| Err(Failure::new(Aspect::Stat, what));
    let entries = result["entries"].as_array().map(Vec::as_slice).unwrap_or_default();
    if entries.len() != paths.len() {
        return wrong(format!("{} entries for {} paths", entries.len(), paths.len()));
    }
    for (path, entry) in paths.iter().zip(entries) {
        let listed = disk.listing.get(path);
        let known = listed.is_some() || disk.directories.contains(path);
        let fits = match entry["indexed"].as_bool() {
            None => !known && entry["error"].is_object(),
            Some(indexed) => indexed == known || entry["kind"] == "directory" && !known,
        };
        let hash = entry["hash"].as_str();
        let hash_fits = hash.is_none_or(|hash| listed.is_some_and(|listed| listed == hash));
        if entry["path"] != **path || !fits || !hash_fits {
            return wrong(format!("{path}, which is{} listed: {entry}", if known { "" } else { " not" }));
        }
    }
    Ok(())
}
