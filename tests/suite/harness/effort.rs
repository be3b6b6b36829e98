//! How long a process took for something, by the clock or by its own work.

use std::time::{Duration, Instant};

use super::Sidecar;

/// Longer than a busy machine keeps a process from its work.
const IDLE: Duration = Duration::from_secs(20);

/// What a process did from some moment on.
pub(crate) struct Effort {
    start: Instant,
    worked: Option<Duration>,
}

impl Effort {
    /// From now on.
    pub(crate) fn of(sidecar: &Sidecar) -> Self {
        Self { start: Instant::now(), worked: worked(sidecar.pid()) }
    }

    /// How long it took until now, or how much of that time it worked, where the system tells: on a machine that has
    /// much else to do that is less. What takes too long because there is too much to do shows in both; what waits for
    /// nothing shows in the time alone, once that is more than any machine adds.
    pub(crate) fn took(&self, sidecar: &Sidecar) -> Duration {
        let elapsed = self.start.elapsed();
        let worked = self.worked.and_then(|before| worked(sidecar.pid())?.checked_sub(before));
        if elapsed > IDLE { elapsed } else { worked.map_or(elapsed, |worked| worked.min(elapsed)) }
    }
}

/// How long the threads of a process had a processor.
#[cfg(target_os = "linux")]
fn worked(pid: u32) -> Option<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // Behind the name, which may hold anything: the state is the first of these, user and system time the 12th and 13th.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
    // A hundred a second, whatever the kernel counts in.
    Some(Duration::from_millis(ticks * 10))
}

/// Not told here.
#[cfg(not(target_os = "linux"))]
fn worked(_: u32) -> Option<Duration> {
    None
}
