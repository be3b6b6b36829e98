//! What is on the disk, looked at the slow and obvious way.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::referee::{Contents, scan};

/// The bytes at the start of a file that tell whether it is binary.
const SNIFFED: usize = 64 << 10;

/// The workspace at rest.
pub(crate) struct Disk {
    pub(crate) listing: Contents,
    /// Directories above what is listed.
    pub(crate) directories: BTreeSet<String>,
    sizes: BTreeMap<String, u64>,
    /// For each pattern looked for, how often which file has it.
    found: BTreeMap<String, BTreeMap<String, usize>>,
}

impl Disk {
    /// Looks at it, and for patterns.
    pub(crate) fn scan(root: &Path, patterns: &[String]) -> Self {
        let mut sizes = BTreeMap::new();
        let mut found: BTreeMap<String, BTreeMap<String, usize>> =
            patterns.iter().map(|pattern| (pattern.clone(), BTreeMap::new())).collect();
        let listing = scan(root, |path, bytes| {
            sizes.insert(path.to_owned(), bytes.len() as u64);
            // No file here starts with a byte-order mark of UTF-16, which would make it text all the same.
            if bytes[..bytes.len().min(SNIFFED)].contains(&0) {
                return;
            }
            for (pattern, files) in &mut found {
                let count = memchr::memmem::find_iter(bytes, pattern).count();
                if count > 0 {
                    files.insert(path.to_owned(), count);
                }
            }
        });
        let above =
            |path: &String| -> Vec<String> { path.match_indices('/').map(|(at, _)| path[..at].to_owned()).collect() };
        let directories = listing.keys().flat_map(above).collect();
        Self { listing, directories, sizes, found }
    }

    pub(crate) fn size(&self, path: &str) -> Option<u64> {
        self.sizes.get(path).copied()
    }

    /// The files that hold a pattern that was looked for, with how often, and their hashes.
    pub(crate) fn matches(&self, pattern: &str) -> Contents {
        let files = self.found.get(pattern).into_iter().flatten();
        files.map(|(path, count)| (path.clone(), format!("{count}x in {}", self.listing[path]))).collect()
    }
}
