//! When the index is looked after without being asked.

use std::time::{Duration, Instant};

use crate::methods::IndexState;
use crate::protocol::watch::WatchMode;

/// The first pause after a failure or a look at everything, and the longest: each one in a row doubles it.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// What is noticed without anybody asking is looked at in batches: so long after the last one.
const FOLLOW_PAUSE: Duration = Duration::from_millis(20);
/// Polling takes at most one part in so many of the time, and comes within these bounds.
const POLL_SHARE: u32 = 20;
const MIN_POLL: Duration = Duration::from_secs(1);
const MAX_POLL: Duration = Duration::from_secs(30);
/// How often a sample is compared with the disk, and after how long a rest.
const AUDIT_INTERVAL: Duration = Duration::from_secs(1);
const AUDIT_REST: Duration = Duration::from_secs(2);
/// After this time requests do not put it off any longer.
const MAX_AUDIT_WAIT: Duration = Duration::from_secs(30);

/// The times at which something is due.
#[derive(Debug)]
pub(super) struct Schedule {
    mode: WatchMode,
    pause: Duration,
    /// Not before this is anything tried again that failed, or looked at that overflowed.
    retry_at: Instant,
    follow_at: Instant,
    poll_at: Instant,
    audit_at: Instant,
    /// When the last one ended.
    audited_at: Instant,
    rescans: u64,
}

/// What a job looked at, as far as that decides when to look again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// All that is not watched, perhaps among other things.
    Unwatched,
    /// The sample of an audit.
    Sample,
    /// Where the watcher noticed something, though nobody asked.
    Noticed,
    /// Something else.
    Other,
}

/// When the jobs are due that nobody asks for; none where there is no reason for one.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Due {
    /// The first look at everything.
    pub(super) first: Option<Instant>,
    /// A look at what is not watched.
    pub(super) poll: Option<Instant>,
    /// A comparison of a sample with the disk.
    pub(super) audit: Option<Instant>,
    /// A look where the watcher noticed something.
    pub(super) follow: Option<Instant>,
}

impl Due {
    /// The next of them.
    pub(super) fn next(&self) -> Option<Instant> {
        [self.first, self.poll, self.audit, self.follow].into_iter().flatten().min()
    }
}

impl Schedule {
    pub(super) fn new(mode: WatchMode) -> Self {
        let now = Instant::now();
        let pause = FIRST_PAUSE;
        let audit_at = now + AUDIT_REST;
        let (retry_at, follow_at, poll_at) = (now, now, now + MIN_POLL);
        Self { mode, pause, retry_at, follow_at, poll_at, audit_at, audited_at: now, rescans: 0 }
    }

    /// A job took from `started` to `now`; `rescans` is how often everything was looked at by now.
    pub(super) fn job_done(&mut self, look: Look, started: Instant, now: Instant, succeeded: bool, rescans: u64) {
        if succeeded && rescans == self.rescans {
            self.pause = FIRST_PAUSE;
        } else {
            self.rescans = rescans;
            self.retry_at = now + self.pause;
            self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        }
        match look {
            Look::Unwatched => self.poll_at = now + (POLL_SHARE * (now - started)).clamp(MIN_POLL, MAX_POLL),
            Look::Sample => {
                self.audited_at = now;
                // Somebody may have asked for something meanwhile.
                self.audit_at = self.audit_at.max(now + AUDIT_INTERVAL);
            }
            Look::Noticed => self.follow_at = now + FOLLOW_PAUSE,
            Look::Other => {}
        }
    }

    /// Somebody asked for something.
    pub(super) fn busy(&mut self, now: Instant) {
        self.audit_at = (now + AUDIT_REST).min(self.audited_at + MAX_AUDIT_WAIT);
    }

    /// Whether the audit has waited so long that it comes before requests.
    pub(super) fn audit_is_overdue(&self, now: Instant) -> bool {
        now >= self.audited_at + MAX_AUDIT_WAIT
    }

    /// When what is due in this state of the index; `noticed` is whether the watcher noticed something, `some` whether
    /// some directories are not watched although they should be.
    pub(super) fn due(&self, state: IndexState, noticed: bool, some: bool) -> Due {
        if state == IndexState::Scanning {
            // Before there is anything, there is nothing to look at again.
            return Due { first: Some(self.retry_at), ..Due::default() };
        }
        let polls = self.mode == WatchMode::Poll || (self.mode == WatchMode::Native && some);
        let audits = self.mode == WatchMode::Native && state == IndexState::Ready;
        Due {
            first: None,
            poll: polls.then_some(self.poll_at.max(self.retry_at)),
            audit: audits.then_some(self.audit_at.max(self.retry_at)),
            follow: noticed.then_some(self.follow_at.max(self.retry_at)),
        }
    }

    /// How many of so many files, or directories, to compare: all within ten minutes, as far as that is slow enough.
    pub(super) fn sample(all: usize) -> usize {
        (all / 600).clamp(16, 500)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fails_again_and_again_is_tried_less_often_but_always_again() {
        let mut schedule = Schedule::new(WatchMode::Native);
        let mut now = Instant::now();
        let mut pauses = Vec::new();
        let follow = |schedule: &Schedule| schedule.due(IndexState::Ready, true, false).follow.unwrap();
        for rescans in 1..=8 {
            schedule.job_done(Look::Other, now, now, true, rescans);
            let next = follow(&schedule);
            pauses.push((next - now).as_millis());
            now = next;
        }
        assert_eq!(pauses, [100, 200, 400, 800, 1600, 3200, 5000, 5000]);
        schedule.job_done(Look::Other, now, now, true, 8);
        schedule.job_done(Look::Other, now, now, false, 8);
        assert_eq!(follow(&schedule), now + FIRST_PAUSE, "a good job in between starts anew");
    }

    #[test]
    fn polling_takes_a_share_of_the_time() {
        let now = Instant::now();
        for (mode, some, polls) in [
            (WatchMode::Poll, false, true),
            (WatchMode::Native, false, false),
            (WatchMode::Native, true, true),
            (WatchMode::Off, true, false),
        ] {
            for (took, pause) in [(1, 1000), (200, 4000), (10_000, 30_000)] {
                let mut schedule = Schedule::new(mode);
                let end = now + Duration::from_millis(took);
                schedule.job_done(Look::Unwatched, now, end, true, 0);
                let due = end + Duration::from_millis(pause);
                assert_eq!(schedule.due(IndexState::Ready, false, some).poll, polls.then_some(due), "{mode:?}");
            }
        }
    }
    #[test]
    fn other_jobs_put_neither_polls_nor_audits_off() {
        let mut schedule = Schedule::new(WatchMode::Native);
        let due = |schedule: &Schedule| schedule.due(IndexState::Ready, true, true);
        let (poll, audit) = (due(&schedule).poll.unwrap(), due(&schedule).audit.unwrap());
        for at in (0..100).map(|tick| poll + tick * Duration::from_millis(20)) {
            schedule.job_done(Look::Other, at, at, true, 0);
            schedule.job_done(Look::Noticed, at, at, true, 0);
        }
        assert_eq!((due(&schedule).poll, due(&schedule).audit), (Some(poll), Some(audit)));
        schedule.job_done(Look::Unwatched, audit, audit, true, 0);
        assert_eq!((due(&schedule).poll, due(&schedule).audit), (Some(audit + MIN_POLL), Some(audit)));
        schedule.job_done(Look::Sample, audit, audit, true, 0);
        assert_eq!(due(&schedule).audit, Some(audit + AUDIT_INTERVAL));
    }

    #[test]
    fn requests_put_the_audit_off_but_not_for_ever() {
        let mut schedule = Schedule::new(WatchMode::Native);
        let due = |schedule: &Schedule| schedule.due(IndexState::Ready, false, false).audit.unwrap();
        let start = Instant::now();
        schedule.job_done(Look::Sample, start, start, true, 0);
        let mut at = start;
        while due(&schedule) > at && at < start + 2 * MAX_AUDIT_WAIT {
            schedule.busy(at);
            assert!(due(&schedule) <= at + AUDIT_REST && !schedule.audit_is_overdue(at));
            at += Duration::from_millis(500);
        }
        assert_eq!(at, start + MAX_AUDIT_WAIT);
        assert!(schedule.audit_is_overdue(at));
    }

    #[test]
    fn nothing_unasked_comes_before_the_pause_is_over() {
        let mut schedule = Schedule::new(WatchMode::Native);
        let end = Instant::now() + Duration::from_secs(60);
        schedule.job_done(Look::Sample, end, end, true, 1);
        schedule.job_done(Look::Unwatched, end, end, false, 1);
        for at in [1, 2, 3].map(|times| end + times * LONGEST_PAUSE) {
            for _ in 0..7 {
                schedule.job_done(Look::Other, at, at, false, 1);
            }
            let due = schedule.due(IndexState::Ready, true, true);
            assert_eq!([due.poll, due.audit, due.follow], [Some(at + LONGEST_PAUSE); 3]);
        }
    }
    #[test]
    fn what_is_noticed_is_looked_at_in_batches() {
        let mut schedule = Schedule::new(WatchMode::Native);
        let follow = |schedule: &Schedule| schedule.due(IndexState::Ready, true, false).follow.unwrap();
        let now = Instant::now();
        assert!(follow(&schedule) <= now, "at once after quiet");
        schedule.job_done(Look::Other, now, now, true, 0);
        assert!(follow(&schedule) <= now, "at once after a request");
        schedule.job_done(Look::Noticed, now, now, true, 0);
        assert_eq!(follow(&schedule), now + FOLLOW_PAUSE);
        schedule.job_done(Look::Other, now, now, true, 0);
        assert_eq!(follow(&schedule), now + FOLLOW_PAUSE);
    }
}
