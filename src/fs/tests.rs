use super::*;

fn path(text: &str) -> RelPath {
    RelPath::parse(text).unwrap()
}

fn code<T: std::fmt::Debug>(result: Result<T>) -> Code {
    result.unwrap_err().code
}

fn workspace() -> (tempfile::TempDir, WorkspaceRoot) {
    let outer = tempfile::tempdir().unwrap();
    let root = outer.path().join("root");
    std::fs::create_dir_all(root.join("a/b")).unwrap();
    std::fs::write(root.join("a/b/file"), "inside").unwrap();
    std::fs::write(outer.path().join("secret"), "outside").unwrap();
    let opened = WorkspaceRoot::open(&root).unwrap();
    (outer, opened)
}

#[test]
fn reads_what_is_there_and_says_what_is_not() {
    let (_outer, root) = workspace();
    let content = root.read(&path("a/b/file"), 6).unwrap();
    assert_eq!((content.bytes.as_slice(), content.stable, content.stamp.size), (&b"inside"[..], true, 6));
    assert_eq!(root.stat(&path("a/b/file")).unwrap(), (Kind::File, content.stamp));
    assert_eq!(root.stat(&path("a")).unwrap().0, Kind::Directory);
    assert_eq!(code(root.read(&path("a/b/none"), 6)), Code::NotFound);
    assert_eq!(code(root.read(&path("a/b/file/x"), 6)), Code::NotFound);
    assert_eq!(code(root.read(&path("a/b"), 6)), Code::NotAFile);
    assert_eq!(code(root.read(&path(&"n".repeat(300)), 6)), Code::NotFound);
    let large = root.read(&path("a/b/file"), 5).unwrap_err();
    assert_eq!((large.code, large.data.unwrap()["size"].as_u64()), (Code::FileTooLarge, Some(6)));
}

#[test]
fn digest_sees_every_byte_of_files_around_the_chunk_size() {
    let (outer, root) = workspace();
    for size in [0, 1, DIGEST_CHUNK - 1, DIGEST_CHUNK, DIGEST_CHUNK + 1, 3 * DIGEST_CHUNK] {
        let bytes: Vec<u8> = (0..size).map(|at| (at % 251) as u8).collect();
        std::fs::write(outer.path().join("root/large"), &bytes).unwrap();
        let digest = root
            .digest(
                &path("large"),
                &mut Vec::new(),
                |_| Vec::new(),
                |all, chunk| {
                    all.extend_from_slice(chunk);
                    Ok(())
                },
            )
            .unwrap();
        assert!(digest.stable && digest.value == bytes, "{size}");
    }
}

#[test]
fn roots_that_cannot_be() {
    let (outer, _) = workspace();
    assert_eq!(code(WorkspaceRoot::open(&outer.path().join("none"))), Code::NotFound);
    assert_eq!(code(WorkspaceRoot::open(&outer.path().join("secret"))), Code::NotAFile);
}

#[cfg(unix)]
#[test]
fn links_are_followed_inside_and_refused_outside() {
    use std::os::unix::fs::symlink;
    let (outer, root) = workspace();
    let at = |name: &str| root.path().join(name);
    symlink("a/b/file", at("relative")).unwrap();
    symlink(at("a/b/file"), at("absolute")).unwrap();
    symlink(at("a"), at("directory")).unwrap();
    symlink("../secret", at("out")).unwrap();
    symlink(outer.path().join("secret"), at("absolute-out")).unwrap();
    symlink("..", at("up")).unwrap();
    symlink("nowhere", at("dangling")).unwrap();
    symlink("loop", at("loop")).unwrap();
    for name in ["relative", "absolute", "directory/b/file", "up/root/a/b/file"] {
        assert_eq!(root.read(&path(name), 100).unwrap().bytes, b"inside", "{name}");
    }
    for name in ["out", "absolute-out", "up/secret"] {
        assert_eq!(code(root.read(&path(name), 100)), Code::PathOutsideWorkspace, "{name}");
    }
    assert_eq!(code(root.read(&path("dangling"), 100)), Code::NotFound);
    assert_eq!(code(root.read(&path("loop"), 100)), Code::IoError);
    for name in ["relative", "absolute", "out", "absolute-out", "up", "dangling", "loop"] {
        assert_eq!(root.stat(&path(name)).unwrap().0, Kind::Symlink, "{name}");
    }
    assert_eq!(root.stat(&path("directory/b/file")).unwrap().0, Kind::File);
    assert_eq!(code(root.stat(&path("up/secret"))), Code::PathOutsideWorkspace);
}

/// A link that is swapped between inside and outside all the time is never followed outside.
#[cfg(unix)]
#[test]
fn a_swapped_link_never_leads_outside() {
    use std::os::unix::fs::symlink;
    use std::sync::atomic::{AtomicBool, Ordering};
    let (outer, root) = workspace();
    std::fs::create_dir(outer.path().join("b")).unwrap();
    std::fs::write(outer.path().join("b/file"), "outside").unwrap();
    let stop = AtomicBool::new(false);
    let (link, spare) = (root.path().join("swap"), root.path().join("spare"));
    symlink("a", &link).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let targets = [outer.path().to_path_buf(), root.path().join("a"), "a".into(), "..".into()];
            for target in targets.iter().cycle() {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                symlink(target, &spare).unwrap();
                std::fs::rename(&spare, &link).unwrap();
            }
        });
        let (mut inside, mut refused) = (0, 0);
        while inside < 200 || refused < 200 {
            match root.read(&path("swap/b/file"), 100) {
                Ok(content) => {
                    assert_eq!(content.bytes, b"inside");
                    inside += 1;
                }
                Err(error) => {
                    assert_eq!(error.code, Code::PathOutsideWorkspace, "{error}");
                    refused += 1;
                }
            }
        }
        stop.store(true, Ordering::Relaxed);
    });
}

#[cfg(unix)]
#[test]
fn what_is_no_regular_file_is_refused_without_blocking() {
    let (_outer, root) = workspace();
    let made = std::process::Command::new("mkfifo").arg(root.path().join("fifo")).status().unwrap();
    assert!(made.success());
    let _socket = std::os::unix::net::UnixListener::bind(root.path().join("socket")).unwrap();
    for name in ["fifo", "socket"] {
        assert_eq!(code(root.read(&path(name), 100)), Code::NotAFile, "{name}");
        assert_eq!(root.stat(&path(name)).unwrap().0, Kind::Other, "{name}");
    }
}
