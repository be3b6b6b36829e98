//! Who is told of changes, and when.
//!
//! A subscription holds no queue: it remembers the state that was told last, and the journal has what happened since.
//! One that falls so far behind that the journal does not reach back is told everything anew.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::pending::Serial;
use crate::glob::PathFilter;
use crate::path::RelPath;

/// While changes go on, they are told after this time.
const MAX_WAIT: Duration = Duration::from_secs(1);

/// All subscriptions.
#[derive(Debug, Default)]
pub(super) struct Subscriptions {
    all: BTreeMap<u64, Subscription>,
    last: u64,
    /// Those whose `watch` was not answered yet: nothing is told before its name is.
    unanswered: BTreeMap<Serial, u64>,
    /// Whether one is being told; the others wait, so that at most one line waits for room.
    telling: bool,
    /// When files were read that the one being told may not have seen.
    read_meanwhile: Option<Instant>,
}

#[derive(Debug)]
struct Subscription {
    filter: Arc<PathFilter>,
    settle: Duration,
    /// The clock of the state that was told last.
    told: String,
    /// Files that were told without their hashes: these are told when they are known.
    owed: BTreeSet<RelPath>,
    waiting: Option<Waiting>,
}

/// A change that was not told yet.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    /// When the first one came.
    since: Instant,
    due: Instant,
    /// Whether it waits for files to be read.
    for_files: bool,
}

/// What is to be told.
pub(super) struct Due {
    pub(super) subscription: u64,
    pub(super) told: String,
    pub(super) owed: BTreeSet<RelPath>,
    pub(super) filter: Arc<PathFilter>,
    pub(super) since: Instant,
    /// Whether it has waited so long that it waits for nothing more.
    pub(super) at_last: bool,
}

/// How telling ended.
#[derive(Debug)]
pub(super) enum Told {
    /// All there was to tell up to this clock is told, but for the hashes of these files.
    UpTo(String, BTreeSet<RelPath>),
    /// Files have to be read first, for what changed at this time.
    Later(Instant),
    /// It failed; the next change is told together with this one.
    Failed,
}

impl Subscriptions {
    /// A new one, for the request `serial`; [`Self::answered`] must follow.
    pub(super) fn add(&mut self, serial: Serial, filter: PathFilter, settle: Duration, clock: &str) -> String {
        self.last += 1;
        self.unanswered.insert(serial, self.last);
        let (filter, told, owed) = (Arc::new(filter), clock.to_owned(), BTreeSet::new());
        let subscription = Subscription { filter, settle, told, owed, waiting: None };
        self.all.insert(self.last, subscription);
        name(self.last)
    }

    pub(super) fn remove(&mut self, subscription: &str) -> bool {
        let number = subscription.strip_prefix(PREFIX).and_then(|number| number.parse().ok());
        number.is_some_and(|number| name(number) == subscription && self.all.remove(&number).is_some())
    }

    /// A request was answered with its result, or otherwise: a subscription whose name nobody learned ends.
    pub(super) fn answered(&mut self, serial: Serial, with_result: bool) {
        if let Some(number) = self.unanswered.remove(&serial)
            && !with_result
        {
            self.all.remove(&number);
        }
    }

    /// Those that may be told.
    fn known(&self) -> impl Iterator<Item = (u64, &Subscription)> {
        let is_known = |number: &u64| !self.unanswered.values().any(|unanswered| unanswered == number);
        self.all.iter().filter(move |(number, _)| is_known(number)).map(|(number, held)| (*number, held))
    }

    /// The index changed.
    pub(super) fn changed(&mut self, now: Instant) {
        for subscription in self.all.values_mut() {
            let since = subscription.waiting.map_or(now, |waiting| waiting.since);
            let due = subscription.latest(since).min(now + subscription.settle);
            subscription.waiting = Some(Waiting { since, due, for_files: false });
        }
    }

    /// Files were read that some may wait for.
    pub(super) fn files_were_read(&mut self, now: Instant) {
        if self.telling {
            self.read_meanwhile = Some(now);
        }
        for held in self.all.values_mut() {
            match &mut held.waiting {
                Some(waiting) => {
                    if std::mem::take(&mut waiting.for_files) {
                        waiting.due = now;
                    }
                }
                None if held.owed.is_empty() => {}
                None => held.waiting = Some(Waiting::until(now)),
            }
        }
    }

    /// When one is to be told.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let due = self.known().filter_map(|(_, held)| held.waiting).map(|waiting| waiting.due).min();
        due.filter(|_| !self.telling)
    }

    /// One that is to be told now; [`Self::told`] must follow.
    pub(super) fn due(&mut self, now: Instant) -> Option<Due> {
        if self.telling {
            return None;
        }
        let waits = |held: &Subscription| held.waiting.map(|waiting| waiting.due).filter(|due| *due <= now);
        let (_, number) = self.known().filter_map(|(number, held)| Some((waits(held)?, number))).min()?;
        let subscription = self.all.get_mut(&number)?;
        let since = subscription.waiting.take()?.since;
        self.telling = true;
        self.read_meanwhile = None;
        Some(Due {
            subscription: number,
            told: subscription.told.clone(),
            owed: subscription.owed.clone(),
            filter: Arc::clone(&subscription.filter),
            since,
            at_last: now >= subscription.latest(since),
        })
    }

    /// Telling a subscription ended. False if the subscription was, too.
    pub(super) fn told(&mut self, subscription: u64, told: Told) -> bool {
        self.telling = false;
        let read = self.read_meanwhile.take();
        let Some(held) = self.all.get_mut(&subscription) else { return false };
        match told {
            Told::UpTo(clock, owed) => {
                (held.told, held.owed) = (clock, owed);
                if let Some(read) = read.filter(|_| !held.owed.is_empty()) {
                    held.waiting.get_or_insert(Waiting::until(read));
                }
            }
            Told::Later(since) => {
                // What came meanwhile is told together with it.
                let due = held.latest(since);
                let due = held.waiting.map_or(due, |waiting| waiting.due.min(due));
                held.waiting = Some(Waiting { since, due, for_files: true });
            }
            Told::Failed => {}
        }
        true
    }
}

impl Subscription {
    /// When what changed at `since` is to be told at the latest.
    fn latest(&self, since: Instant) -> Instant {
        since + self.settle.max(MAX_WAIT)
    }
}

impl Waiting {
    /// What came at `due` and waits no longer.
    fn until(due: Instant) -> Self {
        Self { since: due, due, for_files: false }
    }
}

const PREFIX: &str = "subscription-";

/// What a subscription is called on the wire.
pub(super) fn name(number: u64) -> String {
    format!("{PREFIX}{number}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> PathFilter {
        PathFilter::new(&[], &[], true).unwrap()
    }

    /// One whose `watch` is answered.
    fn add(subscriptions: &mut Subscriptions, settle: Duration) -> String {
        let name = subscriptions.add(7, all(), settle, "c1");
        subscriptions.answered(7, true);
        name
    }

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn changes_are_told_when_they_have_settled() {
        let (mut subscriptions, start) = (Subscriptions::default(), Instant::now());
        add(&mut subscriptions, ms(50));
        assert_eq!(subscriptions.next_deadline(), None);
        subscriptions.changed(start);
        subscriptions.changed(start + ms(30));
        assert_eq!(subscriptions.next_deadline(), Some(start + ms(80)));
        assert!(subscriptions.due(start + ms(79)).is_none());
        let due = subscriptions.due(start + ms(80)).unwrap();
        assert_eq!(due.told, "c1");
        subscriptions.changed(start + ms(81));
        assert_eq!(subscriptions.next_deadline(), None, "one at a time");
        assert!(subscriptions.told(due.subscription, Told::UpTo("c2".to_owned(), BTreeSet::new())));
        assert_eq!(subscriptions.next_deadline(), Some(start + ms(131)));
        assert_eq!(subscriptions.due(start + ms(200)).unwrap().told, "c2");
    }

    #[test]
    fn what_never_settles_is_told_after_a_second() {
        let (mut subscriptions, start) = (Subscriptions::default(), Instant::now());
        add(&mut subscriptions, ms(50));
        for at in 0..200 {
            subscriptions.changed(start + ms(10 * at));
        }
        assert_eq!(subscriptions.next_deadline(), Some(start + MAX_WAIT));
    }

    #[test]
    fn what_is_not_read_yet_is_told_when_it_is_and_at_last_in_any_case() {
        let (mut subscriptions, start) = (Subscriptions::default(), Instant::now());
        add(&mut subscriptions, ms(50));
        subscriptions.changed(start);
        let due = subscriptions.due(start + ms(50)).unwrap();
        assert!(!due.at_last);
        assert!(subscriptions.told(due.subscription, Told::Later(due.since)));
        assert!(subscriptions.due(start + ms(60)).is_none());
        subscriptions.files_were_read(start + ms(70));
        let due = subscriptions.due(start + ms(70)).unwrap();
        assert_eq!((due.told.as_str(), due.at_last), ("c1", false));
        assert!(subscriptions.told(due.subscription, Told::Later(due.since)));
        assert_eq!(subscriptions.next_deadline(), Some(start + MAX_WAIT));
        assert!(subscriptions.due(start + MAX_WAIT).unwrap().at_last);
    }

    #[test]
    fn nothing_is_told_before_the_name_is() {
        let (mut subscriptions, start) = (Subscriptions::default(), Instant::now());
        subscriptions.add(1, all(), ms(0), "c1");
        let other = subscriptions.add(2, all(), ms(0), "c1");
        subscriptions.changed(start);
        assert!(subscriptions.due(start).is_none() && subscriptions.next_deadline().is_none());
        subscriptions.answered(1, true);
        subscriptions.answered(2, false);
        assert_eq!(subscriptions.next_deadline(), Some(start));
        assert!(!subscriptions.remove(&other), "nobody knows it");
    }

    #[test]
    fn ended_ones_are_not_told() {
        let (mut subscriptions, start) = (Subscriptions::default(), Instant::now());
        let name = add(&mut subscriptions, ms(0));
        subscriptions.changed(start);
        let due = subscriptions.due(start).unwrap();
        for other in ["", "subscription-", "subscription-01", "subscription-2", "1"] {
            assert!(!subscriptions.remove(other), "{other}");
        }
        assert!(subscriptions.remove(&name) && !subscriptions.remove(&name));
        assert!(!subscriptions.told(due.subscription, Told::Failed));
    }

    #[test]
    fn what_is_owed_is_told_when_it_was_read_even_while_something_is_told() {
        let (mut subscriptions, start) = (Subscriptions::default(), Instant::now());
        add(&mut subscriptions, ms(50));
        let owed = BTreeSet::from([RelPath::parse("large").unwrap()]);
        subscriptions.changed(start);
        let due = subscriptions.due(start + MAX_WAIT).unwrap();
        subscriptions.files_were_read(start + ms(1010));
        subscriptions.told(due.subscription, Told::UpTo("c2".to_owned(), owed.clone()));
        assert_eq!(subscriptions.next_deadline(), Some(start + ms(1010)));
        let due = subscriptions.due(start + ms(1010)).unwrap();
        assert_eq!((&due.owed, due.told.as_str()), (&owed, "c2"));
        subscriptions.told(due.subscription, Told::UpTo("c2".to_owned(), owed));
        assert_eq!(subscriptions.next_deadline(), None, "it is not read yet");
        subscriptions.files_were_read(start + ms(2000));
        let due = subscriptions.due(start + ms(2000)).unwrap();
        subscriptions.told(due.subscription, Told::UpTo("c2".to_owned(), BTreeSet::new()));
        subscriptions.files_were_read(start + ms(3000));
        assert_eq!(subscriptions.next_deadline(), None, "nothing is owed any more");
    }
}
