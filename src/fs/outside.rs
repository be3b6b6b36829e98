//! Directories of our own, which never lie in the workspace.

use std::io;
use std::path::{Component, Path, PathBuf};

/// Makes the directory `place`, with all above it, unless it lies in the workspace at `root`. Returns its path with
/// symbolic links resolved.
///
/// # Errors
/// It lies in the workspace (`InvalidInput`), or cannot be made.
pub fn make_outside(place: &Path, root: &Path) -> io::Result<PathBuf> {
    let inside = || io::Error::new(io::ErrorKind::InvalidInput, "it lies in the workspace");
    let place = std::path::absolute(place)?;
    // Where it would be made decides, before anything is: it need not be there yet.
    let existing = |place: &Path| place.ancestors().find(|above| above.exists()).unwrap_or(place).to_path_buf();
    // What is not there yet is no link, so `..` leads back from it.
    let above = existing(&place);
    let mut resolved = above.canonicalize()?;
    for part in place.strip_prefix(&above).into_iter().flat_map(Path::components) {
        match part {
            Component::ParentDir => drop(resolved.pop()),
            Component::Normal(name) => resolved.push(name),
            _ => {}
        }
    }
    let place = resolved;
    if existing(&place).canonicalize()?.starts_with(root) {
        return Err(inside());
    }
    std::fs::create_dir_all(&place)?;
    let place = place.canonicalize()?;
    if place.starts_with(root) { Err(inside()) } else { Ok(place) }
}
