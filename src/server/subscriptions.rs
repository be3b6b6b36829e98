//! Who is told of changes, and when.
//!
//! A subscription holds no queue: it remembers the state that was told last, and the journal has what happened since.
//! One that falls so far behind that the journal does not reach back is told everything anew.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::mpsc;

use super::event::Event;
use super::output::Room;
use super::pending::Serial;
use crate::cancel::CancelToken;
use crate::error::{Code, Result};
use crate::fs::now_ns;
use crate::glob::PathFilter;
use crate::index::Difference;
use crate::methods::{History, Shared, changes};
use crate::protocol::frame;
use crate::protocol::watch::Changed;

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
}

#[derive(Debug)]
struct Subscription {
    filter: Arc<PathFilter>,
    settle: Duration,
    /// The clock of the state that was told last.
    told: String,
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
    filter: Arc<PathFilter>,
    since: Instant,
    /// Whether it has waited so long that it waits for nothing more.
    at_last: bool,
}

/// How telling ended.
#[derive(Debug)]
pub(super) enum Told {
    /// All there was to tell up to this clock is told.
    UpTo(String),
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
        let subscription = Subscription { filter: Arc::new(filter), settle, told: clock.to_owned(), waiting: None };
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
        for waiting in self.all.values_mut().filter_map(|subscription| subscription.waiting.as_mut()) {
            if std::mem::take(&mut waiting.for_files) {
                waiting.due = now;
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
        Some(Due {
            subscription: number,
            told: subscription.told.clone(),
            filter: Arc::clone(&subscription.filter),
            since,
            at_last: now >= subscription.latest(since),
        })
    }

    /// Telling a subscription ended. False if the subscription was, too.
    pub(super) fn told(&mut self, subscription: u64, told: Told) -> bool {
        self.telling = false;
        let Some(held) = self.all.get_mut(&subscription) else { return false };
        match told {
            Told::UpTo(clock) => held.told = clock,
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

const PREFIX: &str = "subscription-";

fn name(number: u64) -> String {
    format!("{PREFIX}{number}")
}

/// Finds out what there is to tell, on a thread of its own, waits until there is room for it, and reports
/// [`Event::Told`], whatever happens.
pub(super) fn tell(
    due: Due,
    history: History,
    shared: Arc<Shared>,
    stop: CancelToken,
    room: Room,
    events: mpsc::UnboundedSender<Event>,
    runtime: &Handle,
) {
    let handle = runtime.clone();
    runtime.spawn_blocking(move || {
        let subscription = due.subscription;
        let made = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| line(&due, &history, &shared, &stop)));
        let (line, told) = match made {
            Ok(Ok(Made::Line(line))) => {
                let line = line.and_then(|line| handle.block_on(room.reserve(line, &stop)).ok());
                (line, Told::UpTo(history.snapshot.clock.to_string()))
            }
            Ok(Ok(Made::NotYet)) => (None, Told::Later(due.since)),
            Ok(Err(_)) | Err(_) => (None, Told::Failed),
        };
        let _ = events.send(Event::Told { subscription, told, line });
    });
}

/// What came of making an event.
enum Made {
    /// The line, if there is anything to tell.
    Line(Option<Vec<u8>>),
    /// Files are to be read first.
    NotYet,
}

fn line(due: &Due, history: &History, shared: &Shared, stop: &CancelToken) -> Result<Made> {
    let found = changes::find(history, &due.filter);
    let is_unread = |difference: &Difference| difference.after.as_ref().is_some_and(|entry| entry.facts().is_none());
    // They are being read, beside the jobs; whatever turns out to have moved is another state then.
    if !due.at_last && found.iter().any(is_unread) {
        return Ok(Made::NotYet);
    }
    // A large file that is written all the time is told without its hash rather than read all the time.
    let now_ns = now_ns();
    let is_hot = |difference: &Difference| difference.after.as_ref().is_some_and(|entry| entry.stamp.is_hot(now_ns));
    let (hot, found): (Vec<_>, Vec<_>) = found.into_iter().partition(|found| is_unread(found) && is_hot(found));
    let (fresh, mut changes) = (history.ticks.is_none(), changes::describe(&found, shared, stop)?.changes);
    if !hot.is_empty() {
        changes.extend(hot.iter().filter_map(changes::unread));
        changes.sort_by(|one, two| one.path.cmp(&two.path));
    }
    if changes.is_empty() && !fresh {
        return Ok(Made::Line(None));
    }
    let clock = history.snapshot.clock.to_string();
    let changed = Changed { subscription: name(due.subscription), clock, fresh, changes, limit_hit: false };
    let max = shared.config.limits.max_response_bytes as usize;
    match frame::event("changed", &changed, max) {
        Err(error) if error.code == Code::ResponseTooLarge => {
            let changed = Changed { fresh: true, changes: Vec::new(), limit_hit: true, ..changed };
            frame::event("changed", &changed, usize::MAX).map(Some).map(Made::Line)
        }
        line => line.map(Some).map(Made::Line),
    }
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
        assert!(subscriptions.told(due.subscription, Told::UpTo("c2".to_owned())));
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
}
