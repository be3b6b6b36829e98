//! A client that compares every answer with the disk.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::freshness::{contents, tick};
use crate::model::answer::{SYNC_TIMEOUT_MS, check_listing, check_search, check_stat, listing_params, search_params};
use crate::model::disk::Disk;
use crate::model::driver::Driver;
use crate::model::failure::{Aspect, Failure, differences};
use crate::model::mirror::{self, Mirror, Scope, Took};
use crate::model::tally::Tally;
use crate::referee::Contents;

/// The part of the workspace that the second subscription is about.
const PART: Scope = Scope { include: &["src/**", "packages/**/f*.ts", "*.md", "[a-c]*"], exclude: &["lib", "**/d1/*"] };

/// Talks to a sidecar, and knows what it said before.
pub(crate) struct Client<D> {
    pub(crate) driver: D,
    pub(crate) tally: Tally,
    serves: BTreeSet<String>,
    mirrors: Vec<Mirror>,
    /// Of all answers so far.
    clock: u64,
    /// How long events may take to arrive, and freshness to be reached.
    patience: Duration,
}

/// An answer that was compared with the disk, as a point that changes are counted from.
#[derive(Clone)]
pub(crate) struct Anchor {
    clock: Value,
    listing: Contents,
}

impl<D: Driver> Client<D> {
    /// Takes over a sidecar that was just started over a tree at rest. Subscribes, where there is something to
    /// subscribe to: with `--watch off`, nobody tells. Fails with what the sidecar had to say.
    pub(crate) fn start(
        driver: D,
        watches: bool,
        patience: Duration,
        disk: &Disk,
    ) -> Result<(Self, Anchor), (Failure, String)> {
        let mut client =
            Self { driver, tally: Tally::default(), serves: BTreeSet::new(), mirrors: Vec::new(), clock: 0, patience };
        match client.greet(watches, disk) {
            Ok(anchor) => Ok((client, anchor)),
            Err(failure) => {
                let told = client.driver.told();
                client.driver.abandon();
                Err((failure, told))
            }
        }
    }

    fn greet(&mut self, watches: bool, disk: &Disk) -> Result<Anchor, Failure> {
        let ready = self.wait_event("ready")?;
        self.serves = serde_json::from_value(ready["methods"].clone()).unwrap_or_default();
        self.wait_event("indexed")?;
        let anchor = self.listing(disk)?;
        if watches && self.serves("watch") {
            for scope in [Scope::ALL, PART] {
                let mut params = scope.params();
                params["settleMs"] = 20.into();
                let result = self.ask("watch", params)?;
                self.mirrors.push(Mirror::new(&result, scope, &disk.listing));
            }
        }
        if self.serves("changes") {
            self.strange_clock(disk)?;
        }
        Ok(anchor)
    }

    fn wait_event(&mut self, name: &str) -> Result<Value, Failure> {
        let event = self.driver.event(name, self.patience).map_err(protocol)?;
        event.ok_or_else(|| protocol(format!("no event {name:?}")))
    }

    pub(crate) fn serves(&self, method: &str) -> bool {
        self.serves.contains(method)
    }

    /// Sends requests in one write, to be [`Self::take`]n.
    pub(crate) fn send(&mut self, requests: Vec<(&'static str, Value)>) -> Result<Vec<Sent>, Failure> {
        let floor = self.clock;
        let ids = self.driver.send(requests.clone()).map_err(protocol)?;
        Ok(ids.into_iter().zip(requests).map(|(id, (method, params))| Sent { id, method, params, floor }).collect())
    }

    /// Waits for the result of a request.
    pub(crate) fn take(&mut self, sent: &Sent) -> Result<Value, Failure> {
        let mut response = self.driver.response(&sent.id).map_err(protocol)?;
        let result = response["result"].take();
        if response["ok"] != true {
            return Err(protocol(format!("{} {:.300}: {response}", sent.method, sent.params.to_string())));
        }
        if result["clock"].is_string() {
            let clock = tick(&result["clock"]);
            if clock < sent.floor {
                let what = format!("{} answered with {clock} what was asked at {}", sent.method, sent.floor);
                return Err(Failure::new(Aspect::Clock, what));
            }
            self.clock = self.clock.max(clock);
        }
        Ok(result)
    }

    /// Sends a request and waits for its result.
    pub(crate) fn ask(&mut self, method: &'static str, params: Value) -> Result<Value, Failure> {
        let sent = self.send(vec![(method, params)])?;
        self.take(&sent[0])
    }

    /// The result of a request, asked again until it is synced. Nothing moves meanwhile.
    pub(crate) fn synced(&mut self, sent: Sent) -> Result<Value, Failure> {
        let deadline = Instant::now() + self.patience;
        let mut sent = sent;
        loop {
            let result = self.take(&sent)?;
            if result["synced"] == true {
                return Ok(result);
            }
            self.tally.unsynced += 1;
            if Instant::now() > deadline {
                let what = format!("no synced answer to {} within {:?}", sent.method, self.patience);
                return Err(Failure::new(Aspect::Unsynced, what));
            }
            sent = self.send(vec![(sent.method, sent.params)])?.remove(0);
        }
    }

    /// Sends a request until its result is synced.
    pub(crate) fn ask_synced(&mut self, request: (&'static str, Value)) -> Result<Value, Failure> {
        let sent = self.send(vec![request])?.remove(0);
        self.synced(sent)
    }

    /// A synced listing, which must be the disk's.
    pub(crate) fn listing(&mut self, disk: &Disk) -> Result<Anchor, Failure> {
        let result = self.ask_synced(("glob", listing_params()))?;
        check_listing(&result, disk)?;
        Ok(Anchor { clock: result["clock"].clone(), listing: disk.listing.clone() })
    }

    /// A synced search, which must find what is on the disk.
    pub(crate) fn search(&mut self, pattern: &str, disk: &Disk) -> Result<(), Failure> {
        let result = self.ask_synced(("search", search_params(pattern)))?;
        check_search(&result, pattern, disk)
    }

    /// What `stat` says of paths, whose listing is known to the sidecar.
    pub(crate) fn stat(&mut self, paths: &[String], disk: &Disk) -> Result<(), Failure> {
        let result = self.ask("stat", json!({ "paths": paths }))?;
        check_stat(&result, paths, disk)
    }

    /// What changed since an earlier answer.
    pub(crate) fn changes(&mut self, since: &Anchor, scope: Scope, disk: &Disk) -> Result<(), Failure> {
        if !self.serves("changes") {
            return Ok(());
        }
        let mut params = scope.params();
        params["since"] = since.clock.clone();
        params["syncTimeoutMs"] = SYNC_TIMEOUT_MS.into();
        let result = self.ask_synced(("changes", params))?;
        let (mut known, wanted) = (scope.of(&since.listing), scope.of(&disk.listing));
        let wrong = |what: String| {
            Failure::new(Aspect::Changes, format!("since {}: {what}\nin {:.2000}", since.clock, result.to_string()))
        };
        if result["fresh"] == true {
            self.tally.fresh += 1;
            if result["limitHit"] == true {
                return Ok(());
            }
            mirror::replace(&mut known, &result["changes"]).map_err(wrong)?;
        } else {
            mirror::apply(&mut known, &result["changes"]).map_err(wrong)?;
        }
        differences(&known, &wanted).map_or(Ok(()), |found| Err(wrong(found)))
    }

    /// A clock of somebody else is answered with everything.
    fn strange_clock(&mut self, disk: &Disk) -> Result<(), Failure> {
        let result = self.ask_synced(("changes", json!({ "since": "another-process:1" })))?;
        let mut known = Contents::new();
        let whole = result["fresh"] == true
            && (result["limitHit"] == true
                || mirror::replace(&mut known, &result["changes"]).is_ok() && known == disk.listing);
        if whole {
            Ok(())
        } else {
            Err(Failure::new(Aspect::Changes, format!("no full list: {:.1000}", result.to_string())))
        }
    }

    /// Takes in events until they have told all there is to tell.
    pub(crate) fn events(&mut self, disk: &Disk) -> Result<(), Failure> {
        let deadline = Instant::now() + self.patience;
        loop {
            let behind = self.mirrors.iter().position(|mirror| !mirror.reached(&disk.listing));
            let Some(behind) = behind else { return Ok(()) };
            let left = deadline.saturating_duration_since(Instant::now());
            let Some(event) = self.driver.event("changed", left).map_err(protocol)? else {
                let found = self.mirrors[behind].differences(&disk.listing).unwrap_or_default();
                let what = format!("subscription {behind} after {:?} without a further event: {found}", self.patience);
                return Err(Failure::new(Aspect::Events, what));
            };
            self.event(&event)?;
        }
    }

    fn event(&mut self, event: &Value) -> Result<(), Failure> {
        let Some(at) = self.mirrors.iter().position(|mirror| mirror.subscription == event["subscription"]) else {
            return Err(Failure::new(Aspect::Events, format!("nobody subscribed to this: {:.500}", event.to_string())));
        };
        match self.mirrors[at].take(event)? {
            Took::Changes(count) => self.tally.changes += count,
            Took::Fresh => self.tally.fresh += 1,
            Took::TooLong => {
                self.tally.fresh += 1;
                let result = self.ask_synced(("glob", listing_params()))?;
                self.mirrors[at].catch_up(&contents(&result), tick(&result["clock"]));
            }
        }
        Ok(())
    }

    /// Gives up the subscriptions and ends the sidecar.
    pub(crate) fn finish(mut self) -> (Tally, Result<(), Failure>) {
        let ended = match self.farewell() {
            Ok(()) => self.driver.finish().map_err(protocol),
            Err(failure) => {
                self.driver.abandon();
                Err(failure)
            }
        };
        (self.tally, ended)
    }

    fn farewell(&mut self) -> Result<(), Failure> {
        let status = self.ask("status", json!({}))?;
        self.tally.overflows += status["watcher"]["overflows"].as_u64().unwrap_or_default();
        self.tally.rescans += status["watcher"]["rescans"].as_u64().unwrap_or_default();
        for mirror in std::mem::take(&mut self.mirrors) {
            self.ask("unwatch", json!({ "subscription": mirror.subscription }))?;
        }
        Ok(())
    }
}

/// A request that is on its way.
#[derive(Debug)]
pub(crate) struct Sent {
    id: String,
    method: &'static str,
    params: Value,
    /// What the answer's clock has reached at least.
    floor: u64,
}

fn protocol(what: impl Into<String>) -> Failure {
    Failure::new(Aspect::Protocol, what)
}
