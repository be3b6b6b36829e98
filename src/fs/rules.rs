//! Files that say what is ignored, in the tree and outside of it: looked at before the `ignore` library reads them.

use std::path::Path;

use super::Stamp;

/// A file of ignore rules, as far as it can be told without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RuleFile {
    /// What it looks like, links followed, as [`rules_stamp`] has it; nothing for a link that leads nowhere.
    pub stamp: Option<Stamp>,
    /// Whether it is a symbolic link.
    pub is_link: bool,
    /// Whether it may be read without harm: a FIFO would block the reader, a device fill the memory. Directories
    /// are not read.
    pub is_sane: bool,
}

/// The file of ignore rules at `path`, of at most `max_bytes` if it is sane; `None` if nothing is there.
pub fn rule_file(path: &Path, max_bytes: u64) -> Option<RuleFile> {
    let mut metadata = std::fs::symlink_metadata(path).ok()?;
    let is_link = metadata.file_type().is_symlink();
    if is_link {
        match std::fs::metadata(path) {
            Ok(target) => metadata = target,
            Err(_) => return Some(RuleFile { stamp: None, is_link, is_sane: true }),
        }
    }
    let is_sane = metadata.is_dir() || (metadata.is_file() && metadata.len() <= max_bytes);
    Some(RuleFile { stamp: Some(stamp_of_rules(&metadata)), is_link, is_sane })
}

/// What a file of ignore rules outside the tree looks like, links followed; nothing if there is none. A directory looks
/// the same whatever happens in it: one that is called like rules has none, and `.git` is touched by every command.
pub fn rules_stamp(path: &Path) -> Option<Stamp> {
    std::fs::metadata(path).ok().map(|metadata| stamp_of_rules(&metadata))
}

fn stamp_of_rules(metadata: &std::fs::Metadata) -> Stamp {
    if metadata.is_dir() { Stamp::default() } else { Stamp::of_std(metadata) }
}

/// The hash of a file of ignore rules, links followed; nothing if it cannot be read, or is no rules by its size.
pub fn rules_hash(path: &Path) -> Option<blake3::Hash> {
    const MAX_BYTES: u64 = 16 << 20;
    let is_file = std::fs::metadata(path).is_ok_and(|found| found.is_file() && found.len() <= MAX_BYTES);
    is_file.then(|| std::fs::read(path).ok()).flatten().map(|bytes| blake3::hash(&bytes))
}

/// Whether anything is at `path`, a link that leads nowhere too.
pub fn is_there(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok()
}

/// A short text file that git keeps, such as `.git` of a worktree; nothing if it is not one.
pub fn git_text(path: &Path) -> Option<String> {
    const MAX_BYTES: u64 = 64 * 1024;
    let file = rule_file(path, MAX_BYTES).filter(|file| file.is_sane && file.stamp.is_some());
    file.and_then(|_| std::fs::read_to_string(path).ok())
}
