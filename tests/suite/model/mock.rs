//! A sidecar in this process that looks at the whole disk for every answer; and what it may have wrong, so that
//! it is known that the model would notice.

use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use crate::model::driver::Driver;
use crate::naive;
use crate::referee::{Contents, scan};

/// What is wrong with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    /// A file of the same size is taken to be the same.
    StaleHashes,
    /// What comes with a new directory is overlooked.
    NewDirectories,
    /// What goes with a directory stays.
    DeletedTrees,
    /// Searches read what was there one answer ago.
    StaleSearch,
    /// `stat` takes everything to be listed.
    StatGuesses,
    /// `sync` with paths looks at nothing.
    IdleSync,
    /// A change is lost now and then.
    LostEvents,
    /// Events tell of files that did not change.
    VainEvents,
    /// `changes` forgets what was deleted.
    ForgottenDeletions,
    /// `changes` has files that were written but did not change.
    VainChanges,
    ClockGoesBack,
    NeverSynced,
}

struct State {
    listing: Contents,
    bytes: BTreeMap<String, Vec<u8>>,
}

struct Subscription {
    params: Value,
    told: Contents,
}

pub(crate) struct Mock {
    root: PathBuf,
    fault: Fault,
    /// The clock is the number of states.
    states: Vec<State>,
    subscriptions: Vec<Subscription>,
    responses: BTreeMap<String, Value>,
    events: VecDeque<(&'static str, Value)>,
    answers: usize,
}

impl Mock {
    pub(crate) fn start(root: &Path, fault: Fault) -> Self {
        let mut mock = Self {
            root: root.to_owned(),
            fault,
            states: Vec::new(),
            subscriptions: Vec::new(),
            responses: BTreeMap::new(),
            events: VecDeque::new(),
            answers: 0,
        };
        mock.look();
        let methods = ["glob", "search", "stat", "sync", "status", "changes", "watch", "unwatch"];
        mock.events.push_back(("ready", json!({ "methods": methods })));
        mock.events.push_back(("indexed", json!({})));
        mock
    }

    fn now(&self) -> &State {
        self.states.last().unwrap()
    }

    /// Takes in what is on the disk, and tells the subscribers.
    fn look(&mut self) {
        let mut bytes = BTreeMap::new();
        let mut listing = scan(&self.root, |path, content| {
            bytes.insert(path.to_owned(), content.to_vec());
        });
        if let Some(old) = self.states.last() {
            let has_parent = |all: &Contents, path: &str| {
                let parent = path.rfind('/').map(|at| format!("{}/", &path[..at]));
                parent.is_none_or(|parent| {
                    all.range(parent.clone()..).next().is_some_and(|(path, _)| path.starts_with(&parent))
                })
            };
            match self.fault {
                Fault::StaleHashes => {
                    for (path, hash) in &mut listing {
                        if let Some(before) = old.bytes.get(path).filter(|before| before.len() == bytes[path].len()) {
                            *hash = blake3::hash(before).to_hex().to_string();
                        }
                    }
                }
                Fault::NewDirectories => listing.retain(|path, _| has_parent(&old.listing, path)),
                Fault::DeletedTrees => {
                    let gone = old.listing.iter().filter(|(path, _)| !has_parent(&listing, path));
                    let gone: Contents = gone.map(|(path, hash)| (path.clone(), hash.clone())).collect();
                    listing.extend(gone);
                }
                _ => {}
            }
            if old.listing == listing {
                return;
            }
        }
        self.states.push(State { listing, bytes });
        self.tell();
    }

    fn tell(&mut self) {
        let clock = clock(self.states.len());
        for (at, subscription) in self.subscriptions.iter_mut().enumerate() {
            let now = scope(&subscription.params, &self.states.last().unwrap().listing);
            let mut changes = diff(&subscription.told, &now);
            let vain = now.iter().next().filter(|(path, hash)| subscription.told.get(*path) == Some(hash));
            match (self.fault, vain) {
                (Fault::LostEvents, _) if changes.len() % 3 == 2 => drop(changes.pop()),
                (Fault::VainEvents, Some((path, hash))) => {
                    changes.push(json!({ "path": path, "kind": "modified", "hash": hash }));
                }
                _ => {}
            }
            if !changes.is_empty() {
                let event =
                    json!({ "subscription": at.to_string(), "clock": clock, "fresh": false, "changes": changes });
                self.events.push_back(("changed", event));
            }
            subscription.told = now;
        }
    }

    fn answer(&mut self, method: &str, params: &Value) -> Value {
        let idle = params["consistency"] == "eventual" || self.fault == Fault::IdleSync && method == "sync";
        if !idle && !["watch", "unwatch", "status"].contains(&method) {
            self.look();
        }
        self.answers += 1;
        let back = usize::from(self.fault == Fault::ClockGoesBack && self.answers.is_multiple_of(5));
        let clock = clock(self.states.len() - back);
        let synced = self.fault != Fault::NeverSynced;
        match method {
            "glob" => {
                let state = self.now();
                let file = |(path, hash): (&String, &String)| json!({ "path": path, "hash": hash, "size": state.bytes.get(path).map(Vec::len) });
                let files: Vec<Value> = scope(params, &state.listing).iter().map(file).collect();
                json!({ "files": files, "limitHit": false, "clock": clock, "synced": synced })
            }
            "search" => json!({ "files": self.search(params), "clock": clock, "synced": synced }),
            "sync" => json!({ "clock": clock, "synced": synced }),
            "stat" => {
                let paths = params["paths"].as_array().unwrap();
                json!({ "entries": paths.iter().map(|path| self.stat(path.as_str().unwrap())).collect::<Vec<_>>() })
            }
            "changes" => self.changes(params, &clock, synced),
            "watch" => {
                let told = scope(params, &self.now().listing);
                self.subscriptions.push(Subscription { params: params.clone(), told });
                json!({ "subscription": (self.subscriptions.len() - 1).to_string(), "clock": clock })
            }
            "status" => json!({ "watcher": { "overflows": 0, "rescans": self.states.len() } }),
            _ => json!({}),
        }
    }

    fn search(&self, params: &Value) -> Vec<Value> {
        let pattern = params["pattern"].as_str().unwrap();
        let state = match self.fault {
            Fault::StaleSearch => &self.states[self.states.len().saturating_sub(2)],
            _ => self.now(),
        };
        let files = state.bytes.iter().filter(|(_, bytes)| !bytes[..bytes.len().min(64 << 10)].contains(&0));
        let count = |bytes: &[u8]| String::from_utf8_lossy(bytes).matches(pattern).count();
        let found = files.map(|(path, bytes)| (path, count(bytes), blake3::hash(bytes).to_hex().to_string()));
        found
            .filter(|(_, count, _)| *count > 0)
            .map(|(path, count, hash)| json!({ "path": path, "hash": hash, "matchCount": count }))
            .collect()
    }

    fn stat(&self, path: &str) -> Value {
        match fs::symlink_metadata(self.root.join(path)) {
            Err(error) => json!({ "path": path, "error": { "code": "not_found", "message": error.to_string() } }),
            Ok(found) => {
                let beneath = |listed: &String| listed.starts_with(&format!("{path}/"));
                let listing = &self.now().listing;
                let indexed = listing.contains_key(path) || listing.keys().any(beneath);
                let kind = if found.is_dir() { "directory" } else { "file" };
                json!({ "path": path, "kind": kind, "indexed": indexed || self.fault == Fault::StatGuesses })
            }
        }
    }

    fn changes(&self, params: &Value, clock: &str, synced: bool) -> Value {
        let since = params["since"].as_str().and_then(|clock| clock.strip_prefix("mock:"));
        let since = since.map(|tick| &self.states[tick.parse::<usize>().unwrap() - 1]);
        let now = scope(params, &self.now().listing);
        let before = since.map_or_else(Contents::new, |state| scope(params, &state.listing));
        let mut changes = diff(&before, &now);
        match self.fault {
            Fault::ForgottenDeletions => changes.retain(|change| change["kind"] != "deleted"),
            Fault::VainChanges => {
                let vain = now.iter().find(|(path, hash)| before.get(*path) == Some(hash));
                changes.extend(vain.map(|(path, hash)| json!({ "path": path, "kind": "modified", "hash": hash })));
            }
            _ => {}
        }
        json!({ "clock": clock, "fresh": since.is_none(), "changes": changes, "synced": synced })
    }
}

fn clock(tick: usize) -> String {
    format!("mock:{tick}")
}

/// What of a listing `include` and `exclude` leave.
fn scope(params: &Value, listing: &Contents) -> Contents {
    let globs = |name: &str| -> Vec<String> { serde_json::from_value(params[name].clone()).unwrap_or_default() };
    let (include, exclude) = (globs("include"), globs("exclude"));
    let within = |path: &str| {
        (include.is_empty() || include.iter().any(|glob| naive::includes(glob, path)))
            && !exclude.iter().any(|glob| naive::excludes(glob, path))
    };
    listing.iter().filter(|(path, _)| within(path)).map(|(path, hash)| (path.clone(), hash.clone())).collect()
}

fn diff(before: &Contents, now: &Contents) -> Vec<Value> {
    let mut changes = Vec::new();
    for (path, hash) in now {
        match before.get(path) {
            None => changes.push(json!({ "path": path, "kind": "created", "hash": hash })),
            Some(old) if old != hash => changes.push(json!({ "path": path, "kind": "modified", "hash": hash })),
            Some(_) => {}
        }
    }
    let gone = before.keys().filter(|path| !now.contains_key(*path));
    changes.extend(gone.map(|path| json!({ "path": path, "kind": "deleted" })));
    changes
}

impl Driver for Mock {
    fn send(&mut self, requests: Vec<(&'static str, Value)>) -> Result<Vec<String>, String> {
        let mut ids = Vec::new();
        for (method, params) in requests {
            let result = self.answer(method, &params);
            let id = self.answers.to_string();
            self.responses.insert(id.clone(), json!({ "id": id, "ok": true, "result": result }));
            ids.push(id);
        }
        Ok(ids)
    }

    fn response(&mut self, id: &str) -> Result<Value, String> {
        self.responses.remove(id).ok_or_else(|| format!("{id} was not asked"))
    }

    fn event(&mut self, name: &str, _: Duration) -> Result<Option<Value>, String> {
        if self.events.is_empty() {
            self.look();
        }
        let at = self.events.iter().position(|(event, _)| *event == name);
        Ok(at.and_then(|at| self.events.remove(at)).map(|(_, data)| data))
    }

    fn told(&self) -> String {
        String::new()
    }

    fn finish(self) -> Result<(), String> {
        Ok(())
    }

    fn abandon(self) {}
}
