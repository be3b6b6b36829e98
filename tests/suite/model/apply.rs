//! Doing an operation on the disk.

use std::fs;
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::fixtures::{self, Workspace};
use crate::freshness::change_unnoticeably;
use crate::model::operation::{NewFile, Node, Operation, many};

/// Does it. Fails, perhaps half done, where the tree is not (any more) as the operation wants it, which a list
/// that was cut shorter runs into; the tree as it is then is what counts. `Unsupported`: not on this system.
pub(crate) fn apply(workspace: &Workspace, operation: &Operation) -> io::Result<()> {
    let at = |path: &str| workspace.at(path);
    match operation {
        Operation::Create { path, text } => fs::File::create_new(at(path))?.write_all(text.as_bytes()),
        Operation::Write { path, text } => fs::write(file(workspace, path)?, text),
        Operation::Append { path, text } => append(&file(workspace, path)?, text.as_bytes()),
        Operation::Grow { path, bytes } => {
            let pattern = b"and so it goes on and on, line for line\n".iter().copied().cycle();
            append(&file(workspace, path)?, &pattern.take(*bytes).collect::<Vec<_>>())
        }
        Operation::Truncate { path, size } => {
            let file = fs::File::options().write(true).open(file(workspace, path)?)?;
            file.set_len(file.metadata()?.len().min(*size))
        }
        Operation::EditUnnoticeably { path } => {
            let file = file(workspace, path)?;
            if fs::metadata(&file)?.len() > 0 {
                change_unnoticeably(&file);
            }
            Ok(())
        }
        Operation::Rewrite { path } => {
            let file = file(workspace, path)?;
            let bytes = fs::read(&file)?;
            fs::write(file, bytes)
        }
        Operation::SetTime { path, seconds } => {
            let time = SystemTime::UNIX_EPOCH + Duration::from_secs(*seconds);
            fs::File::options().write(true).open(file(workspace, path)?)?.set_modified(time)
        }
        Operation::Chmod { path, mode } => chmod(&at(path), *mode),
        Operation::AtomicSave { path, temporary, text } => {
            fs::write(at(temporary), text)?;
            fs::rename(at(temporary), at(path))
        }
        Operation::Rename { from, to } => fs::rename(at(from), at(to)),
        Operation::Delete { path } => delete(&at(path)),
        Operation::DeleteTree { path } => fs::remove_dir_all(at(path)),
        Operation::MakeTree { files } => make(workspace, files),
        Operation::Replace { path, by } => replace(workspace, path, by),
        Operation::HardLink { .. } if !cfg!(unix) => Err(ErrorKind::Unsupported.into()),
        Operation::HardLink { from, to } => fs::hard_link(file(workspace, from)?, at(to)),
        Operation::Rules { path, text } => {
            if path.starts_with(".git/") {
                fs::create_dir_all(at(".git/info"))?;
            }
            fs::write(at(path), text)
        }
        Operation::WriteMany { directory, count, text } => {
            for (index, path) in many(directory, *count).enumerate() {
                if index % 100 == 0 {
                    fs::create_dir_all(at(&path).parent().unwrap())?;
                }
                fs::write(at(&path), format!("{text} {index}\n"))?;
            }
            Ok(())
        }
        Operation::DeleteMany { directory, count } => {
            let files = many(directory, *count).map(|path| at(&path));
            files
                .filter(|path| fs::symlink_metadata(path).is_ok_and(|found| found.is_file()))
                .try_for_each(fs::remove_file)
        }
        Operation::RecreateRoot { move_aside, files } => recreate_root(workspace, *move_aside, files),
    }
}

/// A regular file, so that nothing is written through a link.
fn file(workspace: &Workspace, path: &str) -> io::Result<PathBuf> {
    let file = workspace.at(path);
    if fs::symlink_metadata(&file)?.is_file() { Ok(file) } else { Err(ErrorKind::InvalidInput.into()) }
}

fn append(file: &Path, bytes: &[u8]) -> io::Result<()> {
    fs::File::options().append(true).open(file)?.write_all(bytes)
}

fn unless(kind: ErrorKind) -> impl Fn(io::Error) -> io::Result<()> {
    move |error| if error.kind() == kind { Ok(()) } else { Err(error) }
}

/// A file or a link; on Windows, one to a directory goes as directories do.
fn delete(path: &Path) -> io::Result<()> {
    let is_link = fs::symlink_metadata(path)?.is_symlink();
    if cfg!(windows) && is_link && path.is_dir() { fs::remove_dir(path) } else { fs::remove_file(path) }
}

fn make(workspace: &Workspace, files: &[NewFile]) -> io::Result<()> {
    for NewFile { path, text } in files {
        let path = workspace.at(path);
        fs::create_dir_all(path.parent().unwrap())?;
        fs::write(path, text)?;
    }
    Ok(())
}

fn replace(workspace: &Workspace, path: &str, by: &Node) -> io::Result<()> {
    if matches!(by, Node::Link(_)) && !cfg!(unix) {
        return Err(ErrorKind::Unsupported.into());
    }
    let at = workspace.at(path);
    match fs::symlink_metadata(&at) {
        Ok(found) if found.is_dir() => fs::remove_dir_all(&at)?,
        Ok(_) => delete(&at)?,
        Err(error) => unless(ErrorKind::NotFound)(error)?,
    }
    match by {
        Node::File(text) => fs::write(at, text),
        Node::Directory(files) => {
            fs::create_dir(at)?;
            make(workspace, files)
        }
        Node::Link(target) => fixtures::link(Path::new(target), &at),
    }
}

#[cfg(unix)]
fn chmod(path: &Path, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let kind = fs::symlink_metadata(path)?;
    let needed = if kind.is_dir() { 0o700 } else { 0o600 };
    // Permissions bind everybody but root; then the referee would be as blind as the sidecar.
    if kind.is_symlink() || (mode & needed != needed && !rustix::process::geteuid().is_root()) {
        return Err(ErrorKind::Unsupported.into());
    }
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn chmod(_: &Path, _: u32) -> io::Result<()> {
    Err(ErrorKind::Unsupported.into())
}

fn recreate_root(workspace: &Workspace, move_aside: bool, files: &[NewFile]) -> io::Result<()> {
    // Windows does not let go of a directory that somebody holds open.
    if !cfg!(unix) {
        return Err(ErrorKind::Unsupported.into());
    }
    let aside = workspace.outer().join("aside");
    if move_aside {
        fs::remove_dir_all(&aside).or_else(unless(ErrorKind::NotFound))?;
        fs::rename(&workspace.root, &aside)?;
    } else {
        fs::remove_dir_all(&workspace.root)?;
    }
    fs::create_dir(&workspace.root)?;
    make(workspace, files)?;
    if move_aside {
        // Nobody's business any more.
        fs::write(aside.join("late.txt"), "written to what was the root")?;
    }
    Ok(())
}
