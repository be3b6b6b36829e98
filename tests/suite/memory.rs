//! How much memory a process takes, where the system tells.

/// The most bytes of memory the process ever had resident.
#[cfg(target_os = "linux")]
pub(crate) fn peak(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
}

/// Not told here.
#[cfg(not(target_os = "linux"))]
pub(crate) fn peak(_: u32) -> Option<u64> {
    None
}

/// Asserts that a process never took more than so many MiB.
pub(crate) fn assert_below(pid: u32, mebibytes: u64) {
    let Some(peak) = peak(pid) else { return };
    assert!(peak < mebibytes << 20, "{} MiB at the most, allowed are {mebibytes}", peak >> 20);
}
