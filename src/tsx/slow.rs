//! Texts that could not be parsed in the time there was: nobody waits for them in vain again.
//!
//! Whoever has more time than was tried may try again, up to what any text may take; that was tried once and for all.
//! What was tried for less counts for a minute only: the machine may just have been busy.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What was given up sooner costs nobody much.
const MIN_TIME: Duration = Duration::from_secs(1);
/// How long it counts that a text was given up before it had all the time that there may be.
const HOLDS: Duration = Duration::from_secs(60);
/// So many texts are remembered; then all are tried once more.
const MAX_HELD: usize = 10_000;

/// Texts that were given up, by their hash.
#[derive(Debug, Default)]
pub(super) struct Slow(Mutex<HashMap<blake3::Hash, Tried>>);

/// How long a text was tried, and when that ended.
#[derive(Clone, Copy, Debug)]
struct Tried {
    time: Duration,
    at: Instant,
}

impl Slow {
    /// How long a text was tried in vain, if that is no less than the `time` there is for it now. `max`: what any text
    /// may take.
    pub(super) fn tried(&self, bytes: &[u8], time: Duration, max: Duration) -> Option<Duration> {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if held.is_empty() {
            return None; // and nothing is hashed
        }
        let tried = held.get(&blake3::hash(bytes))?;
        (tried.time >= time && (tried.time >= max || tried.at.elapsed() < HOLDS)).then_some(tried.time)
    }

    /// A text was given up after so long.
    pub(super) fn gave_up(&self, bytes: &[u8], time: Duration) {
        if time < MIN_TIME {
            return;
        }
        let hash = blake3::hash(bytes);
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if held.len() >= MAX_HELD {
            held.clear();
        }
        // Another thread may have had more time for it.
        let time = held.get(&hash).map_or(time, |before| before.time.max(time));
        held.insert(hash, Tried { time, at: Instant::now() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_more_time_than_was_tried_may_try_again() {
        const MAX: Duration = Duration::from_secs(30);
        let second = Duration::from_secs(1);
        let slow = Slow::default();
        let tried = |text: &str, time| slow.tried(text.as_bytes(), time, MAX);
        assert_eq!(tried("a", second), None);
        slow.gave_up(b"a", second / 10);
        assert_eq!(tried("a", second / 20), None, "an ordinary text whose reader went away");
        slow.gave_up(b"a", 2 * second);
        slow.gave_up(b"a", second);
        assert_eq!(tried("a", second), Some(2 * second));
        assert_eq!(tried("a", 2 * second), Some(2 * second));
        assert_eq!(tried("a", 3 * second), None);
        assert_eq!(tried("b", second), None, "another text");
        slow.gave_up(b"a", MAX);
        assert_eq!(tried("a", MAX), Some(MAX));
        // A while later.
        slow.gave_up(b"b", second);
        let Some(then) = Instant::now().checked_sub(2 * HOLDS) else { return };
        slow.0.lock().unwrap().values_mut().for_each(|tried| tried.at = then);
        assert_eq!((tried("a", MAX), tried("b", second)), (Some(MAX), None));
    }

    #[test]
    fn memory_is_bounded() {
        let slow = Slow::default();
        for at in 0..2 * MAX_HELD {
            slow.gave_up(&at.to_le_bytes(), MIN_TIME);
            assert!(slow.tried(&at.to_le_bytes(), MIN_TIME, MIN_TIME).is_some());
        }
        assert!(slow.0.lock().unwrap().len() <= MAX_HELD);
    }
}
