//! What the tests of this module start from.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::courtesy::Courtesy;
use crate::facts::Store;
use crate::fs::WorkspaceRoot;
use crate::methods::{Config, Filters, Shared};
use crate::modules::Modules;
use crate::ordered::pool;
use crate::protocol::events::Limits;
use crate::protocol::watch::WatchMode;

/// What requests and jobs share over a workspace, with one thread and no watcher.
pub(super) fn shared(root: &Path) -> Arc<Shared> {
    let limits = Limits {
        max_request_bytes: 1 << 20,
        max_response_bytes: 1 << 20,
        max_in_flight: 1,
        max_file_bytes: 1 << 20,
        max_parse_bytes: 1 << 20,
        max_queued_bytes: 1 << 20,
        sync_timeout_ms: 0,
    };
    let config = Config {
        limits,
        exclude: Vec::new(),
        threads: 1,
        progress: false,
        watch: WatchMode::Off,
        cache_dir: None,
        drain_timeout: Duration::from_secs(1),
    };
    let root = Arc::new(WorkspaceRoot::open(root).unwrap());
    let courtesy = Courtesy::default();
    let pool = Arc::new(pool("work", 1).unwrap());
    Arc::new(Shared {
        root,
        config,
        pool,
        filters: Filters::default(),
        modules: Modules::default(),
        facts: Store::new(1 << 20),
        cache: None,
        courtesy,
        started: Instant::now(),
    })
}
