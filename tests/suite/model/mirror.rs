//! What a client knows that only listens.

use serde_json::{Value, json};

use crate::freshness::tick;
use crate::model::failure::{Aspect, Failure, differences};
use crate::naive;
use crate::referee::Contents;

/// A part of the workspace.
#[derive(Clone, Copy)]
pub(crate) struct Scope {
    pub(crate) include: &'static [&'static str],
    pub(crate) exclude: &'static [&'static str],
}

impl Scope {
    pub(crate) const ALL: Self = Self { include: &["**"], exclude: &[] };

    pub(crate) fn params(&self) -> Value {
        json!({ "include": self.include, "exclude": self.exclude })
    }

    /// The part of a listing that lies within.
    pub(crate) fn of(&self, contents: &Contents) -> Contents {
        let within = |path: &str| {
            self.include.iter().any(|glob| naive::includes(glob, path))
                && !self.exclude.iter().any(|glob| naive::excludes(glob, path))
        };
        contents.iter().filter(|(path, _)| within(path)).map(|(path, hash)| (path.clone(), hash.clone())).collect()
    }
}

/// In place of a hash.
const UNREAD: &str = "(no hash)";

/// Applies a list of changes. Each has to make sense to whoever holds `known`: the list says what differs,
/// not what happened.
pub(crate) fn apply(known: &mut Contents, changes: &Value) -> Result<usize, String> {
    let changes = changes.as_array().ok_or("`changes` is no list")?;
    for change in changes {
        let path = change["path"].as_str().ok_or_else(|| format!("a change without a path: {change}"))?;
        // A file that could not be read when that was told has none; what it comes to has to be told again.
        let hash = change["hash"].as_str().unwrap_or(UNREAD).to_owned();
        let strange = |why: &str| Err(format!("{why}: {change}"));
        match change["kind"].as_str() {
            Some("created") => {
                if known.insert(path.to_owned(), hash).is_some() {
                    return strange("created, but it was there");
                }
            }
            Some("modified") => match known.insert(path.to_owned(), hash.clone()) {
                None => return strange("modified, but it was not there"),
                Some(old) if old == hash && old != UNREAD => {
                    return strange("modified, but its hash is what it was");
                }
                Some(_) => {}
            },
            Some("deleted") => {
                if known.remove(path).is_none() {
                    return strange("deleted, but it was not there");
                }
            }
            _ => return strange("a change of no kind"),
        }
    }
    Ok(changes.len())
}

/// The full list that takes the place of what was known.
pub(crate) fn replace(known: &mut Contents, changes: &Value) -> Result<(), String> {
    let mut fresh = Contents::new();
    apply(&mut fresh, changes)?;
    *known = fresh;
    Ok(())
}

/// A subscription, and the listing that its events add up to.
pub(crate) struct Mirror {
    pub(crate) subscription: Value,
    pub(crate) scope: Scope,
    known: Contents,
    clock: u64,
    /// The clock of the listing it was set to: events on their way may tell again what that held.
    ahead: Option<u64>,
}

/// What an event was.
pub(crate) enum Took {
    Changes(usize),
    /// The full list.
    Fresh,
    /// The full list does not fit a line; the client has to ask.
    TooLong,
}

impl Mirror {
    /// Of a `watch` response, for who knows the listing at its clock.
    pub(crate) fn new(result: &Value, scope: Scope, listing: &Contents) -> Self {
        Self {
            subscription: result["subscription"].clone(),
            scope,
            known: scope.of(listing),
            clock: tick(&result["clock"]),
            ahead: None,
        }
    }

    /// Takes in an event of this subscription.
    pub(crate) fn take(&mut self, event: &Value) -> Result<Took, Failure> {
        let shown = || format!("{:.2000}", event.to_string());
        let now = tick(&event["clock"]);
        if now < self.clock {
            return Err(Failure::new(Aspect::Clock, format!("an event went back from {}: {}", self.clock, shown())));
        }
        self.clock = now;
        let wrong = |problem: String| Failure::new(Aspect::Events, format!("{problem}\nin the event {}", shown()));
        if event["fresh"] == true {
            if event["limitHit"] == true {
                return Ok(Took::TooLong);
            }
            self.ahead = None;
            return replace(&mut self.known, &event["changes"]).map(|()| Took::Fresh).map_err(wrong);
        }
        if event["changes"].as_array().is_none_or(Vec::is_empty) {
            return Err(wrong("an event that tells nothing".to_owned()));
        }
        match self.ahead {
            Some(known) if now <= known => return Ok(Took::Changes(0)),
            Some(_) => {
                // Its changes may begin before that listing; those of the next one do not.
                self.ahead = None;
                return Ok(Took::Changes(self.overlay(&event["changes"])));
            }
            None => {}
        }
        apply(&mut self.known, &event["changes"]).map(Took::Changes).map_err(wrong)
    }

    /// Goes on from a listing that was asked for.
    pub(crate) fn catch_up(&mut self, listing: &Contents, clock: u64) {
        self.known = self.scope.of(listing);
        self.ahead = Some(clock);
    }

    /// Whether it has arrived at `listing`.
    pub(crate) fn reached(&self, listing: &Contents) -> bool {
        self.known == self.scope.of(listing)
    }

    pub(crate) fn differences(&self, listing: &Contents) -> Option<String> {
        differences(&self.known, &self.scope.of(listing))
    }

    fn overlay(&mut self, changes: &Value) -> usize {
        let changes = changes.as_array().map(Vec::as_slice).unwrap_or_default();
        for change in changes {
            let path = change["path"].as_str().unwrap_or_default().to_owned();
            match change["hash"].as_str() {
                Some(hash) if change["kind"] != "deleted" => self.known.insert(path, hash.to_owned()),
                _ => self.known.remove(&path),
            };
        }
        changes.len()
    }
}
