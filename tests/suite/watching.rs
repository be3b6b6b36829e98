//! What is told of changes, and what happens where the watcher cannot tell them.

mod contract;
#[cfg(target_os = "linux")]
mod cookies;
#[cfg(target_os = "linux")]
mod links;
#[cfg(target_os = "linux")]
mod lost;
mod modes;
#[cfg(target_os = "linux")]
mod resources;
mod rules;
#[cfg(target_os = "linux")]
mod watched;

use std::path::Path;
use std::time::Instant;

use serde_json::{Value, json};

use crate::freshness::{contents, tick};
use crate::harness::{Builder, LIMIT, Sidecar};
use crate::model::mirror::{Mirror, Scope, Took};
use crate::referee::{Contents, cold};

/// A sidecar, and a subscription to everything: what its events add up to must be the disk.
struct Listener {
    sidecar: Sidecar,
    mirror: Mirror,
}

impl Listener {
    /// Starts over a tree at rest.
    fn start(builder: Builder, root: &Path) -> Self {
        let mut sidecar = builder.spawn();
        sidecar.wait_event("indexed");
        assert_eq!(synced(&mut sidecar), cold(root));
        let result = sidecar.request("watch", json!({ "settleMs": 20 }));
        let mirror = Mirror::new(&result, Scope::ALL, &cold(root));
        Self { sidecar, mirror }
    }

    /// Takes in events, without asking for anything, until they have told all there is to tell.
    fn hear(&mut self, root: &Path) {
        let (wanted, deadline) = (cold(root), Instant::now() + LIMIT);
        while !self.mirror.reached(&wanted) {
            let left = deadline.saturating_duration_since(Instant::now());
            let event = self.sidecar.try_event("changed", left).unwrap();
            let Some(event) = event else {
                panic!("no further event: {}{}", self.mirror.differences(&wanted).unwrap(), self.sidecar.told());
            };
            match self.mirror.take(&event) {
                Ok(Took::TooLong) => {
                    let result = ask(&mut self.sidecar);
                    self.mirror.catch_up(&contents(&result), tick(&result["clock"]));
                }
                Ok(_) => {}
                Err(failure) => panic!("{failure}{}", self.sidecar.told()),
            }
        }
    }

    /// Asks, compares with the disk, and with what the events tell.
    #[track_caller]
    fn check(&mut self, root: &Path, what: &str) {
        assert_eq!(synced(&mut self.sidecar), cold(root), "{what}");
        self.hear(root);
    }

    fn status(&mut self) -> Value {
        self.sidecar.request("status", json!({}))
    }
}

fn ask(sidecar: &mut Sidecar) -> Value {
    let result = sidecar
        .request("glob", json!({ "include": ["**"], "fields": ["hash"], "syncTimeoutMs": LIMIT.as_millis() as u64 }));
    assert_eq!(result["synced"], true, "{}", sidecar.told());
    result
}

/// The listing, synced.
fn synced(sidecar: &mut Sidecar) -> Contents {
    contents(&ask(sidecar))
}

/// Whatever comes of the events so far has come when this was answered.
fn sync(sidecar: &mut Sidecar) {
    let result = sidecar.request("sync", json!({ "timeoutMs": LIMIT.as_millis() as u64 }));
    assert_eq!(result["synced"], true, "{}", sidecar.told());
}

/// Asks for synced answers until `reached`: what follows from one job is done by a later one.
#[cfg(target_os = "linux")]
#[track_caller]
fn until(sidecar: &mut Sidecar, what: &str, mut reached: impl FnMut(&mut Sidecar) -> bool) {
    let deadline = Instant::now() + LIMIT;
    while !reached(sidecar) {
        assert!(Instant::now() < deadline, "{what} does not come{}", sidecar.told());
        sync(sidecar);
    }
}

/// Starts processes as root of a user namespace, where limits can be set that are nobody else's.
#[cfg(target_os = "linux")]
fn with_limits(limits: &[(&str, u32)]) -> Option<Vec<String>> {
    let settings: String =
        limits.iter().map(|(name, value)| format!("echo {value} > /proc/sys/user/{name} && ")).collect();
    let beneath = |run: &str| {
        let words = ["unshare", "--user", "--map-root-user", "sh", "-c", &format!("{settings}{run}")];
        words.map(str::to_owned).to_vec()
    };
    let test = beneath("true");
    let works = std::process::Command::new(&test[0]).args(&test[1..]).output().is_ok_and(|ran| ran.status.success());
    if !works {
        eprintln!("SKIPPED: there are no user namespaces here (`unshare --user --map-root-user`)");
        return None;
    }
    Some(beneath(r#"exec "$0" "$@""#))
}
