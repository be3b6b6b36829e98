//! What the system's allocator keeps for itself.

/// Has glibc give back to the system what is not needed any more, as the index and long answers leave much behind.
///
/// Once a large piece of memory was freed, glibc keeps up to 64 MiB more in each of its arenas, of which there are several
/// for each processor: an index of 160 MB left 100 MB behind, long answers twice as much. Settings end that, but glibc
/// reads them from the environment, and only when a program starts. So the program starts once more in its own place:
/// it keeps its process id and all that it has open. Where that cannot be, nothing is lost but memory.
pub(super) fn keep_little() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        use std::os::unix::process::CommandExt as _;

        // From 256 KiB on, memory comes from the system and goes back to it at once; each arena keeps up to 8 MiB, so that
        // searches do not fetch again and again what they just gave back.
        const SETTINGS: [(&str, &str); 2] =
            [("MALLOC_MMAP_THRESHOLD_", "262144"), ("MALLOC_TRIM_THRESHOLD_", "8388608")];
        // Set by the first start, or by somebody who knows better.
        if SETTINGS.iter().any(|(name, _)| std::env::var_os(name).is_some()) {
            return;
        }
        let mut arguments = std::env::args_os();
        if let (Ok(program), Some(name)) = (std::env::current_exe(), arguments.next()) {
            // Returns only if it failed.
            let _ = std::process::Command::new(program).arg0(name).args(arguments).envs(SETTINGS).exec();
        }
    }
}
