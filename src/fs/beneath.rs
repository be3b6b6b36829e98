//! Looking around beneath the root, ignored places too: what module resolution needs.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};

use super::{Kind, Stamp, WorkspaceRoot, now_ns};
use crate::path::DirPath;

/// What lies directly in a directory.
#[derive(Clone, Debug)]
pub struct Names {
    /// Each name that is valid UTF-8, and what it is; a symbolic link is one.
    pub kinds: HashMap<Box<str>, Kind>,
    /// What the symbolic links among them hold.
    pub links: HashMap<Box<str>, PathBuf>,
    /// What the directory looked like before.
    pub stamp: Stamp,
    /// Whether a change right after could have left the same stamp, or one came meanwhile.
    pub racy: bool,
}

impl WorkspaceRoot {
    /// Lists a directory that is no symbolic link and not reached through one.
    ///
    /// # Errors
    /// What the operating system says; an error too, if the directory leads outside.
    pub fn names(&self, directory: &DirPath) -> io::Result<Names> {
        let looked_ns = now_ns();
        let path = if directory.path().is_some() { directory.as_path() } else { Path::new(".") };
        let opened = self.dir().open_dir(path)?;
        let stamp = Stamp::of_cap(&opened.dir_metadata()?);
        let (mut kinds, mut links) = (HashMap::new(), HashMap::new());
        for entry in opened.entries()? {
            let entry = entry?;
            // What is gone again was not there.
            let Ok(kind) = entry.file_type() else { continue };
            let name = entry.file_name();
            let Some(name) = name.to_str() else { continue };
            let kind = Kind::told(kind.is_symlink(), kind.is_dir(), kind.is_file());
            if kind == Kind::Symlink {
                let Ok(target) = opened.read_link_contents(name) else { continue };
                links.insert(name.into(), target);
            }
            kinds.insert(name.into(), kind);
        }
        let moved = Stamp::of_cap(&opened.dir_metadata()?) != stamp;
        Ok(Names { kinds, links, stamp, racy: moved || stamp.is_racy(looked_ns) })
    }
}
