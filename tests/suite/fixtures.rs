//! Workspaces to serve: copies of the fixtures, and made ones.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;

/// A workspace in a directory of its own, gone with this value.
pub(crate) struct Workspace {
    directory: TempDir,
    /// The workspace's root.
    pub(crate) root: PathBuf,
}

impl Workspace {
    /// An empty one, with room beside it.
    pub(crate) fn empty() -> Self {
        let directory = tempfile::Builder::new().prefix("sidecar-test-").tempdir().unwrap();
        let root = directory.path().join("workspace");
        fs::create_dir(&root).unwrap();
        Self { directory, root }
    }

    /// The directory around the root.
    pub(crate) fn outer(&self) -> &Path {
        self.directory.path()
    }

    /// Where `path` lies.
    pub(crate) fn at(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    /// Puts a file in its place at once, so that nobody sees it before it is written.
    pub(crate) fn put(&self, path: &str, content: impl AsRef<[u8]>) {
        let (aside, path) = (self.outer().join("aside"), self.at(path));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&aside, content).unwrap();
        fs::rename(aside, path).unwrap();
    }

    /// Writes a file and the directories above it.
    pub(crate) fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.at(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
}

/// The fixtures as they are in the repository. Not to be changed.
pub(crate) fn original() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

/// A copy of the fixtures, with what lies beside the workspace.
pub(crate) fn copy() -> Workspace {
    let directory = tempfile::Builder::new().prefix("sidecar-test-").tempdir().unwrap();
    for name in ["workspace", "outside"] {
        let to = directory.path().join(name);
        fs::create_dir(&to).unwrap();
        copy_tree(&original().join(name), &to);
    }
    let root = directory.path().join("workspace");
    Workspace { directory, root }
}

fn copy_tree(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            fs::create_dir_all(&target).unwrap();
            copy_tree(&source, &target);
        } else if kind.is_symlink() {
            // Whoever cannot make links goes without them; the tests that need them say so.
            let _ = link(&fs::read_link(&source).unwrap(), &target);
        } else {
            fs::copy(&source, &target).unwrap();
        }
    }
}

/// Makes a symbolic link. Fails where that needs a privilege.
#[cfg(unix)]
pub(crate) fn link(target: &Path, at: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(target, at)
}

/// Makes a symbolic link. Fails where that needs a privilege, and where (as under Wine) it gives something else.
#[cfg(windows)]
pub(crate) fn link(target: &Path, at: &Path) -> std::io::Result<()> {
    let leads_to_directory = at.parent().is_some_and(|parent| parent.join(target).is_dir());
    let remove = if leads_to_directory {
        std::os::windows::fs::symlink_dir(target, at)?;
        fs::remove_dir
    } else {
        std::os::windows::fs::symlink_file(target, at)?;
        fs::remove_file
    };
    if fs::read_link(at).is_ok_and(|held| held == target) {
        return Ok(());
    }
    remove(at)?;
    Err(std::io::ErrorKind::Unsupported.into())
}

/// Whether the copy has the symbolic links of the original. Windows may have checked them out as files, and
/// Wine shows what they lead to.
pub(crate) fn has_links(workspace: &Workspace) -> bool {
    let linked = fs::symlink_metadata(workspace.at("links/slug.ts")).is_ok_and(|found| found.is_symlink());
    assert!(linked || cfg!(windows), "the fixtures lost their links");
    linked
}

/// Adds what git cannot hold.
pub(crate) fn add_oddities(workspace: &Workspace) {
    workspace.write("odd/latin1.txt", b"Cr\xE8me br\xFBl\xE9e\n");
    workspace.write("odd/half-a-character.txt", b"end \xF0\x9F\x98");
    workspace.write("odd/surrogate.txt", b"\xED\xA0\xBD");
    workspace.write("odd/utf16-cut.csv", b"\xFF\xFEa\0b");
    workspace.write("odd/zero.bin", b"text, then\0nothing\n");
    workspace.write("odd/bom-only.txt", b"\xEF\xBB\xBF");
    workspace.write("odd/two-boms.txt", "\u{feff}\u{feff}x\n");
    #[cfg(target_os = "linux")]
    {
        use std::os::unix::ffi::OsStrExt as _;
        let name = std::ffi::OsStr::from_bytes(b"caf\xE9.txt");
        fs::write(workspace.root.join("odd").join(name), "not a UTF-8 name\n").unwrap();
        fs::write(workspace.root.join("odd/back\\slash.txt"), "a backslash in the name\n").unwrap();
    }
}

/// What a request never comes to the end of: it runs until it is cancelled, however fast or slow the machine is.
pub(crate) struct Endless(&'static str);

impl Endless {
    /// Adds what it takes to a workspace, which lists the same files as before.
    pub(crate) fn add(workspace: &Workspace) -> Self {
        let name = "endless.bin";
        // The repository's excludes are not listed themselves.
        workspace.write(".git/info/exclude", name);
        let path = workspace.at(name);
        let file = fs::File::create(&path).unwrap();
        // Sparse: it takes no room, but far longer to hash than any test lasts. Windows has to be told.
        if cfg!(windows) {
            let told = std::process::Command::new("fsutil").args(["sparse", "setflag"]).arg(&path).status().unwrap();
            assert!(told.success());
        }
        file.set_len(1 << 40).unwrap();
        Self(name)
    }

    /// The request, for a method that is answered at once or, if it is `heavy`, for one that works for long.
    pub(crate) fn request(&self, heavy: bool) -> (&'static str, Value) {
        // The answer has the hash of all of it.
        let range = json!({ "start": 0, "end": 1 });
        if heavy {
            ("readFiles", json!({ "paths": [self.0], "range": range }))
        } else {
            ("readFile", json!({ "path": self.0, "range": range }))
        }
    }
}

/// Some thousands of small files, so that walking and reading them takes a while.
pub(crate) fn large() -> Workspace {
    let workspace = Workspace::empty();
    for directory in 0..60 {
        let at = workspace.at(&format!("packages/p{directory}/src"));
        fs::create_dir_all(&at).unwrap();
        for file in 0..50 {
            fs::write(at.join(format!("file{file}.ts")), format!("export const x = {directory} + {file};\n")).unwrap();
        }
    }
    workspace
}

/// Files in [`large`].
pub(crate) const LARGE_FILES: usize = 3000;
