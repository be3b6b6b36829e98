//! `sync`: make the index reflect what is on disk now.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Context, Depth, Lane, Method};
use crate::error::Result;
use crate::path::RelPath;

/// The method.
pub struct Sync;

/// The params of `sync`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SyncParams {
    /// Look at exactly these again, and at what lies beneath those that are directories; all if absent.
    pub paths: Option<Vec<String>>,
    /// How long to try, in milliseconds; `limits.syncTimeoutMs` if absent.
    pub timeout_ms: Option<u64>,
}

/// The result of `sync`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct SyncResult {
    /// The state of the index reached.
    pub clock: String,
    /// Whether it reflects every change (to the paths asked for) made before the request was read.
    pub synced: bool,
}

impl Method for Sync {
    const NAME: &'static str = "sync";
    const SUMMARY: &'static str = "Brings the index up to date with the disk; with `paths`, exactly these.";
    const EXAMPLE: &'static str = r#"{"paths": ["src/components"]}"#;
    const LANE: Lane = Lane::Heavy;
    type Params = SyncParams;
    type Output = SyncResult;

    fn run(params: SyncParams, context: &Context) -> Result<SyncResult> {
        let paths = params
            .paths
            .map(|paths| paths.iter().map(|path| RelPath::parse(path)).collect::<Result<Vec<_>>>())
            .transpose()?;
        let view = context.sync(paths.map_or(Depth::Contents, Depth::Paths), params.timeout_ms)?;
        Ok(SyncResult { clock: view.snapshot.clock.to_string(), synced: view.synced })
    }
}
