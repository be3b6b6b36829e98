//! Directories of our own, which never lie in the workspace.

use std::io;
use std::path::{Path, PathBuf};

/// Makes the directory `place`, with all above it, unless it lies in the workspace at `root`. Returns its path with
/// symbolic links resolved.
///
/// # Errors
/// It lies in the workspace (`InvalidInput`), or cannot be made.
pub fn make_outside(place: &Path, root: &Path) -> io::Result<PathBuf> {
    let inside = || io::Error::new(io::ErrorKind::InvalidInput, "it lies in the workspace");
    let place = &std::path::absolute(place)?;
    // Where it would be made decides, before anything is: it need not be there yet.
    let existing = place.ancestors().find(|above| above.exists()).unwrap_or(place);
    if existing.canonicalize()?.starts_with(root) {
        return Err(inside());
    }
    std::fs::create_dir_all(place)?;
    let place = place.canonicalize()?;
    if place.starts_with(root) { Err(inside()) } else { Ok(place) }
}
