//! What can be done to a workspace, as data: printed, read back, done again.

use serde::{Deserialize, Serialize};

/// One change, or something that looks like one. Paths are relative to the root, `/`-separated; those that
/// begin with `../stash/` lie beside the root, where trees are moved out to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub(crate) enum Operation {
    /// A file that is not there yet.
    Create {
        path: String,
        text: String,
    },
    /// Other bytes for a file, in place.
    Write {
        path: String,
        text: String,
    },
    Append {
        path: String,
        text: String,
    },
    /// Appends so many bytes.
    Grow {
        path: String,
        bytes: usize,
    },
    /// Cuts a file to at most so many bytes.
    Truncate {
        path: String,
        size: u64,
    },
    /// Other bytes of the same length, the modification time put back.
    EditUnnoticeably {
        path: String,
    },
    /// The same bytes again.
    Rewrite {
        path: String,
    },
    /// Another modification time, in seconds since 1970.
    SetTime {
        path: String,
        seconds: u64,
    },
    /// Other permissions, where the system has them.
    Chmod {
        path: String,
        mode: u32,
    },
    /// A temporary file, renamed to `path`.
    AtomicSave {
        path: String,
        temporary: String,
        text: String,
    },
    /// A file or a directory; over a file, too.
    Rename {
        from: String,
        to: String,
    },
    /// A file or a link.
    Delete {
        path: String,
    },
    DeleteTree {
        path: String,
    },
    /// Files and all the directories above them.
    MakeTree {
        files: Vec<NewFile>,
    },
    /// Whatever is at `path` makes room for something else.
    Replace {
        path: String,
        by: Node,
    },
    /// A second name for a file.
    HardLink {
        from: String,
        to: String,
    },
    /// Ignore rules, in any of the files that hold some.
    Rules {
        path: String,
        text: String,
    },
    /// Writes [`many`] files, there or not.
    WriteMany {
        directory: String,
        count: usize,
        text: String,
    },
    /// Deletes those of [`many`] paths that are files.
    DeleteMany {
        directory: String,
        count: usize,
    },
    /// Another directory in the place of the root, with these files. The old one is moved aside, or deleted.
    RecreateRoot {
        move_aside: bool,
        files: Vec<NewFile>,
    },
}

/// A file to be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewFile {
    pub(crate) path: String,
    pub(crate) text: String,
}

/// What a path can become.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) enum Node {
    File(String),
    /// With these names in it.
    Directory(Vec<NewFile>),
    /// A symbolic link, relative.
    Link(String),
}

/// Files in directories of a hundred.
pub(crate) fn many(directory: &str, count: usize) -> impl Iterator<Item = String> + '_ {
    (0..count).map(move |at| format!("{directory}/d{}/f{at}.ts", at / 100))
}

/// Whether a path lies beside the root, or where nothing is listed.
pub(crate) fn is_apart(path: &str) -> bool {
    path.starts_with("../") || path.starts_with(".git/")
}

impl Operation {
    /// The paths whose listing it may change directly; rules change that of others, too.
    pub(crate) fn touched(&self) -> Vec<&str> {
        let paths = match self {
            Self::Create { path, .. }
            | Self::Write { path, .. }
            | Self::Append { path, .. }
            | Self::Grow { path, .. }
            | Self::Truncate { path, .. }
            | Self::EditUnnoticeably { path }
            | Self::Rewrite { path }
            | Self::SetTime { path, .. }
            | Self::Chmod { path, .. }
            | Self::Delete { path }
            | Self::DeleteTree { path }
            | Self::Replace { path, .. }
            | Self::Rules { path, .. }
            | Self::WriteMany { directory: path, .. }
            | Self::DeleteMany { directory: path, .. } => vec![path.as_str()],
            Self::AtomicSave { path, temporary, .. } => vec![path.as_str(), temporary.as_str()],
            Self::Rename { from, to } => vec![from.as_str(), to.as_str()],
            Self::HardLink { to, .. } => vec![to.as_str()],
            Self::MakeTree { files } => files.iter().map(|file| file.path.as_str()).collect(),
            Self::RecreateRoot { .. } => Vec::new(),
        };
        paths.into_iter().filter(|path| !is_apart(path)).collect()
    }

    /// The same with less to it, where there is such a thing.
    pub(crate) fn smaller(&self) -> Option<Self> {
        let half = |files: &[NewFile]| (files.len() > 1).then(|| files[..files.len() / 2].to_vec());
        match self {
            Self::WriteMany { directory, count, text } if *count > 1 => {
                Some(Self::WriteMany { directory: directory.clone(), count: count / 2, text: text.clone() })
            }
            Self::DeleteMany { directory, count } if *count > 1 => {
                Some(Self::DeleteMany { directory: directory.clone(), count: count / 2 })
            }
            Self::MakeTree { files } => half(files).map(|files| Self::MakeTree { files }),
            Self::RecreateRoot { move_aside, files } => {
                half(files).map(|files| Self::RecreateRoot { move_aside: *move_aside, files })
            }
            _ => None,
        }
    }
}
