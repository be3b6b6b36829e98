//! Watchers that go wrong in every way that a watcher is allowed to.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use workspace_sidecar::path::{DirPath, RelPath};
use workspace_sidecar::watch::{Barrier, Native, Queue, Source, Touch, Unwatched, Watcher};

use crate::random::Random;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fault {
    /// Events are lost, which is said.
    Lose,
    /// Everything is to be looked at again, for no reason.
    Rescan,
    /// Some events come later, and in another order.
    Hold,
    /// Some events come again.
    Repeat,
    /// A barrier takes too long.
    Barrier,
    /// A directory is not watched.
    Unwatched,
    /// There is no watcher.
    Start,
}

/// What goes wrong how often.
#[derive(Clone)]
pub(super) struct Faults {
    seed: u64,
    state: Arc<Mutex<State>>,
}

struct State {
    random: Random,
    /// Each comes once in so many times.
    one_in: BTreeMap<Fault, usize>,
    asked: BTreeMap<Fault, usize>,
    done: BTreeMap<Fault, usize>,
}

impl Faults {
    pub(super) fn new(seed: u64, one_in: &[(Fault, usize)]) -> Self {
        let one_in = one_in.iter().copied().collect();
        let state = State { random: Random::new(seed), one_in, asked: BTreeMap::new(), done: BTreeMap::new() };
        Self { seed, state: Arc::new(Mutex::new(state)) }
    }

    /// The same from the beginning.
    pub(super) fn again(&self) -> Self {
        let one_in: Vec<_> = self.state.lock().unwrap().one_in.clone().into_iter().collect();
        Self::new(self.seed, &one_in)
    }

    /// How often it came.
    pub(super) fn done(&self, fault: Fault) -> usize {
        self.state.lock().unwrap().done.get(&fault).copied().unwrap_or_default()
    }

    /// From now on nothing goes wrong.
    pub(super) fn stop(&self) {
        self.state.lock().unwrap().one_in.clear();
    }

    fn comes(&self, fault: Fault) -> bool {
        let mut state = self.state.lock().unwrap();
        let Some(one_in) = state.one_in.get(&fault).copied() else { return false };
        let State { random, asked, done, .. } = &mut *state;
        let (asked, done) = (asked.entry(fault).or_default(), done.entry(fault).or_default());
        *asked += 1;
        // How often it is asked depends on the machine; it must have come in any case.
        let comes = random.one_in(one_in) || (*done == 0 && *asked >= one_in);
        *done += usize::from(comes);
        comes
    }

    fn below(&self, bound: usize) -> usize {
        self.state.lock().unwrap().random.below(bound)
    }
}

/// Watchers of the operating system, with faults between them and whoever listens.
pub(super) struct Faulty {
    native: Native,
    faults: Faults,
}

impl Faulty {
    pub(super) fn new(root: &Path, faults: Faults) -> Self {
        Self { native: Native::new(root, None), faults }
    }
}

impl fmt::Debug for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Faulty").field("native", &self.native).finish_non_exhaustive()
    }
}

impl Source for Faulty {
    fn start(&self, queue: &Arc<Queue>) -> Result<Box<dyn Watcher>, String> {
        if self.faults.comes(Fault::Start) {
            return Err("too many open files (injected)".to_owned());
        }
        let (wake, woken) = mpsc::channel();
        let inner = Arc::new(Queue::new(1 << 16, move || {
            // Nobody listens to a watcher that is gone.
            let _ = wake.send(());
        }));
        let watcher = self.native.start(&inner)?;
        let relay =
            Arc::new(Relay { inner, outer: Arc::clone(queue), held: Mutex::default(), faults: self.faults.clone() });
        let weak = Arc::downgrade(&relay);
        std::thread::spawn(move || forward_all(&weak, &woken));
        Ok(Box::new(FaultyWatcher { watcher, relay }))
    }

    fn is_ordered(&self) -> bool {
        self.native.is_ordered()
    }

    fn close(&self) {
        self.native.close();
    }
}

struct FaultyWatcher {
    watcher: Box<dyn Watcher>,
    relay: Arc<Relay>,
}

impl Watcher for FaultyWatcher {
    fn watch(&mut self, directories: &[DirPath]) -> Unwatched {
        let faults = &self.relay.faults;
        let (refused, taken): (Vec<DirPath>, Vec<DirPath>) =
            directories.iter().cloned().partition(|_| faults.comes(Fault::Unwatched));
        let mut unwatched = self.watcher.watch(&taken);
        // One that was watched before stays watched in vain.
        if !refused.is_empty() {
            unwatched.reason = Some("no more watches (injected)".to_owned());
            unwatched.directories.extend(refused);
        }
        unwatched
    }

    fn unwatch(&mut self, directories: &[DirPath], gone: bool) {
        self.watcher.unwatch(directories, gone);
    }

    fn barrier(&mut self, timeout: Duration) -> Barrier {
        if self.relay.faults.comes(Fault::Barrier) {
            return Barrier::TimedOut;
        }
        let barrier = self.watcher.barrier(timeout);
        self.relay.forward(false);
        barrier
    }
}

#[derive(Clone)]
enum Item {
    Path(RelPath, Touch),
    EntriesOf(DirPath),
}

/// Between the queue that the system's watcher fills and the one that is listened to.
struct Relay {
    inner: Arc<Queue>,
    outer: Arc<Queue>,
    /// What comes later. Locked while anything is forwarded: behind a barrier nothing is on its way.
    held: Mutex<Vec<Item>>,
    faults: Faults,
}

/// How long what is held stays so, unless something happens before.
const HELD: Duration = Duration::from_millis(20);

/// Forwards what there is whenever there is something, until the watcher is gone.
fn forward_all(relay: &Weak<Relay>, woken: &mpsc::Receiver<()>) {
    let mut holds = false;
    loop {
        let woken = if holds { woken.recv_timeout(HELD) } else { woken.recv().map_err(RecvTimeoutError::from) };
        let Some(relay) = relay.upgrade() else { return };
        holds = match woken {
            Ok(()) => relay.forward(true),
            Err(RecvTimeoutError::Timeout) => relay.forward(false),
            Err(RecvTimeoutError::Disconnected) => return,
        };
    }
}

impl Relay {
    /// Forwards what there is, all of it or, if some `may_wait`, perhaps not. Returns whether some is held.
    fn forward(&self, may_wait: bool) -> bool {
        let mut held = self.held.lock().unwrap();
        let batch = self.inner.take();
        if let Some(reason) = batch.rescan {
            held.clear();
            self.outer.lost(&reason);
            return false;
        }
        let happened = !batch.paths.is_empty() || !batch.directories.is_empty();
        if happened && self.faults.comes(Fault::Lose) {
            held.clear();
            self.outer.lost("events were lost (injected)");
            return false;
        }
        if happened && self.faults.comes(Fault::Rescan) {
            held.clear();
            self.outer.rescan("a rescan (injected)");
            return false;
        }
        held.extend(batch.paths.into_iter().map(|(path, touch)| Item::Path(path, touch)));
        held.extend(batch.directories.into_iter().map(Item::EntriesOf));
        for at in (1..held.len()).rev() {
            held.swap(at, self.faults.below(at + 1));
        }
        let waits = if may_wait && !held.is_empty() && self.faults.comes(Fault::Hold) {
            1 + self.faults.below(held.len())
        } else {
            0
        };
        let now = held.split_off(waits);
        for item in now {
            self.tell(&item);
            if may_wait && self.faults.comes(Fault::Repeat) {
                held.push(item);
            }
        }
        !held.is_empty()
    }

    fn tell(&self, item: &Item) {
        match item.clone() {
            Item::Path(path, touch) => self.outer.touch(path, touch),
            Item::EntriesOf(directory) => self.outer.touch_entries_of(directory),
        }
    }
}
