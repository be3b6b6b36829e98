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
        // From a program with more rights than its user, glibc may take its own variables away, but not this one: without
        // it, such a program would start again for ever.
        const AGAIN: &str = "WORKSPACE_SIDECAR_STARTED_AGAIN";
        let is_set = |name| std::env::var_os(name).is_some();
        // Set by the first start, or by somebody who knows better.
        if is_set(AGAIN) || SETTINGS.iter().any(|(name, _)| is_set(name)) {
            return;
        }
        // Started through the dynamic loader, the program that runs is the loader, which takes other arguments.
        let is_loader = |program: &std::path::Path| {
            program.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"ld-"))
        };
        let mut arguments = std::env::args_os();
        if let (Ok(program), Some(name)) = (std::env::current_exe(), arguments.next())
            && !is_loader(&program)
        {
            let mut again = std::process::Command::new(program);
            // Returns only if it failed.
            let _ = again.arg0(name).args(arguments).envs(SETTINGS).env(AGAIN, "1").exec();
        }
    }
}
