//! What tells that a file changed without reading it.

use std::time::{SystemTime, UNIX_EPOCH};

/// Size, times and identity of a file. Compared with `!=`: clocks go backwards, too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Stamp {
    /// Bytes.
    pub size: u64,
    /// Modification time, nanoseconds since 1970.
    pub mtime_ns: i64,
    /// When the inode changed, nanoseconds since 1970 (creation time on Windows, which has no other).
    pub ctime_ns: i64,
    /// Inode number; 0 on Windows.
    pub inode: u64,
    /// Device number; 0 on Windows.
    pub device: u64,
    /// How many names the file has; 1 on Windows, which does not tell.
    pub links: u64,
}

/// Timestamps this close to the moment of looking may hide a later change: FAT counts in steps
/// of two seconds. The rule is git's ("racily clean" index entries).
const RACY_NS: i64 = 2_000_000_000;

/// Files up to this size are read at once, however often they change, and whoever waits.
const LARGE_BYTES: u64 = 16 << 20;
const HOT_NS: i64 = 1_000_000_000;

impl Stamp {
    /// Modification time in milliseconds since 1970, as JavaScript's `mtimeMs`.
    pub fn mtime_ms(&self) -> f64 {
        self.mtime_ns.div_euclid(1_000_000_000) as f64 * 1e3 + self.mtime_ns.rem_euclid(1_000_000_000) as f64 / 1e6
    }

    /// What stays the same as long as it is the same file: device and inode (on Windows, when it was made).
    pub(super) fn identity(&self) -> (u64, u64, i64) {
        (self.device, self.inode, if cfg!(unix) { 0 } else { self.ctime_ns })
    }

    /// Whether a change right after a look at `looked_ns` could leave this very stamp.
    pub fn is_racy(&self, looked_ns: i64) -> bool {
        // Nobody can set the inode's change time; Windows only has the modification time.
        let moved = if cfg!(unix) { self.ctime_ns } else { self.mtime_ns };
        moved > looked_ns.saturating_sub(RACY_NS)
    }

    /// Whether it is that of a file that takes a while to read.
    pub fn is_large(&self) -> bool {
        self.size > LARGE_BYTES
    }

    /// Whether it is that of a large file that was written within the last second: there may be more to come.
    pub fn is_hot(&self, now_ns: i64) -> bool {
        self.is_large() && (now_ns - HOT_NS..=now_ns).contains(&self.mtime_ns)
    }

    #[cfg(unix)]
    pub(super) fn of_std(metadata: &std::fs::Metadata) -> Self {
        use std::os::unix::fs::MetadataExt as _;
        Self {
            size: metadata.size(),
            mtime_ns: nanoseconds(metadata.mtime(), metadata.mtime_nsec()),
            ctime_ns: nanoseconds(metadata.ctime(), metadata.ctime_nsec()),
            inode: metadata.ino(),
            device: metadata.dev(),
            links: metadata.nlink(),
        }
    }

    #[cfg(unix)]
    pub(super) fn of_cap(metadata: &cap_std::fs::Metadata) -> Self {
        use cap_std::fs::MetadataExt as _;
        Self {
            size: metadata.size(),
            mtime_ns: nanoseconds(metadata.mtime(), metadata.mtime_nsec()),
            ctime_ns: nanoseconds(metadata.ctime(), metadata.ctime_nsec()),
            inode: metadata.ino(),
            device: metadata.dev(),
            links: metadata.nlink(),
        }
    }

    #[cfg(not(unix))]
    pub(super) fn of_std(metadata: &std::fs::Metadata) -> Self {
        Self {
            size: metadata.len(),
            mtime_ns: metadata.modified().map_or(0, since_epoch),
            ctime_ns: metadata.created().map_or(0, since_epoch),
            inode: 0,
            device: 0,
            links: 1,
        }
    }

    #[cfg(not(unix))]
    pub(super) fn of_cap(metadata: &cap_std::fs::Metadata) -> Self {
        Self {
            size: metadata.len(),
            mtime_ns: metadata.modified().map_or(0, |time| since_epoch(time.into_std())),
            ctime_ns: metadata.created().map_or(0, |time| since_epoch(time.into_std())),
            inode: 0,
            device: 0,
            links: 1,
        }
    }
}

#[cfg(unix)]
fn nanoseconds(seconds: i64, nanoseconds: i64) -> i64 {
    seconds.saturating_mul(1_000_000_000).saturating_add(nanoseconds)
}

/// The wall clock, nanoseconds since 1970: comparable with a [`Stamp`]'s times.
pub fn now_ns() -> i64 {
    since_epoch(SystemTime::now())
}

fn since_epoch(time: SystemTime) -> i64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_nanos()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_nanos()).map_or(i64::MIN, |nanos| -nanos),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_as_new_as_the_look_is_suspect() {
        let at = |ns| Stamp { mtime_ns: ns, ctime_ns: ns, ..Stamp::default() };
        let look = 1_000_000_000_000;
        assert!(at(look).is_racy(look));
        assert!(at(look - 1_999_999_999).is_racy(look));
        assert!(at(look + 5).is_racy(look), "a clock ahead of ours");
        assert!(!at(look - 2_000_000_000).is_racy(look));
    }

    #[test]
    fn milliseconds_have_a_fraction() {
        let at = |ns| Stamp { mtime_ns: ns, ..Stamp::default() }.mtime_ms();
        assert!((at(1_700_000_000_123_456_789) - 1_700_000_000_123.456_8).abs() < 1e-3);
        assert!((at(-1_500_000) - -1.5).abs() < 1e-9);
    }
}
