//! What was kept is not as it was left.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use serde_json::json;

use super::kept::{Kept, directories, everything, restore, settle};
use crate::fixtures::Workspace;

/// What is done to a file, and whether it is to be noticed: then there is one warning, and all is read anew.
struct Row {
    what: String,
    harm: Box<dyn Fn(&Path)>,
    file: &'static str,
    noticed: Noticed,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Noticed {
    /// One warning, and a start from nothing.
    Yes,
    /// As if nothing had been kept.
    AsNothing,
    /// It makes no difference.
    No,
}

fn fifo(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

fn row(file: &'static str, what: &str, noticed: Noticed, harm: impl Fn(&Path) + 'static) -> Row {
    Row { what: format!("{file}: {what}"), harm: Box::new(harm), file, noticed }
}

fn edited(file: &'static str, what: &str, edit: impl Fn(&mut Vec<u8>) + 'static) -> Row {
    row(file, what, Noticed::Yes, move |path| {
        let mut bytes = fs::read(path).unwrap();
        edit(&mut bytes);
        fs::write(path, bytes).unwrap();
    })
}

/// Another manifest, with the checksum it should have.
fn sealed(what: &str, edit: impl Fn(&str) -> String + 'static) -> Row {
    edited("manifest", what, move |bytes| {
        let text = edit(std::str::from_utf8(&bytes[65..]).unwrap());
        assert_ne!(text.as_bytes(), &bytes[65..]);
        *bytes = format!("{}\n{text}", blake3::hash(text.as_bytes()).to_hex()).into_bytes();
    })
}

fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for file in ["manifest", "part"] {
        for (what, at) in [("emptied", 0), ("a tenth left", 1), ("half left", 5), ("nine tenths left", 9)] {
            rows.push(edited(file, what, move |bytes| bytes.truncate(bytes.len() * at / 10)));
        }
        rows.push(edited(file, "without its last byte", |bytes| bytes.truncate(bytes.len() - 1)));
        rows.push(edited(file, "with one more byte", |bytes| bytes.push(b' ')));
        for at in [0, 200, 500, 800, 999] {
            rows.push(edited(file, &format!("a bit flipped at {at} of 1000"), move |bytes| {
                let at = bytes.len() * at / 1000;
                bytes[at] ^= 4;
            }));
        }
        rows.push(edited(file, "garbage", |bytes| bytes.fill(0xA5)));
        rows.push(row(file, "a directory", Noticed::Yes, |path| {
            fs::remove_file(path).unwrap();
            fs::create_dir_all(path.join("with/more")).unwrap();
        }));
        rows.push(row(file, "a FIFO", Noticed::Yes, |path| {
            fs::remove_file(path).unwrap();
            fifo(path);
        }));
        rows.push(row(file, "a link to what it was", Noticed::Yes, |path| {
            let elsewhere = path.parent().unwrap().with_file_name("elsewhere");
            fs::rename(path, &elsewhere).unwrap();
            symlink(elsewhere, path).unwrap();
        }));
        rows.push(row(file, "a link to what never ends", Noticed::Yes, |path| {
            fs::remove_file(path).unwrap();
            symlink("/dev/zero", path).unwrap();
        }));
        rows.push(row(file, "larger than memory", Noticed::Yes, |path| {
            fs::File::options().write(true).open(path).unwrap().set_len(1 << 42).unwrap();
        }));
    }
    rows.push(row("manifest", "removed", Noticed::AsNothing, |path| fs::remove_file(path).unwrap()));
    rows.push(row("part", "removed", Noticed::Yes, |path| fs::remove_file(path).unwrap()));
    rows.push(sealed("newer", |text| text.replacen("{\"format\":", "{\"format\":9", 1)));
    rows.push(sealed("older", |text| {
        let (before, after) = text.split_once("\"format\":").unwrap();
        format!("{before}\"format\":0{}", &after[after.find(',').unwrap()..])
    }));
    rows.push(sealed("of something else", |_| "{}".to_owned()));
    rows.push(sealed("of another workspace", |text| text.replacen("/workspace\"", "/another\"", 1)));
    rows.push(sealed("twice the same part", |text| {
        let (before, parts) = text.split_once("\"parts\":[").unwrap();
        let part = &parts[..=parts.find('}').unwrap()];
        format!("{before}\"parts\":[{part},{parts}")
    }));
    for file in ["lock", "unfinished"] {
        let make = |what: &str, harm: fn(&Path)| {
            row(file, what, Noticed::No, move |path| {
                let _ = fs::remove_file(path);
                // Something is to be written, or nobody looks.
                fs::remove_file(path.with_file_name("manifest")).unwrap();
                harm(path);
            })
        };
        let rest = [
            make("removed", |_| ()),
            make("a directory", |path| fs::create_dir_all(path.join("with/more")).unwrap()),
            make("a FIFO", fifo),
            make("a link into the workspace", |path| {
                symlink(path.ancestors().nth(3).unwrap().join("workspace/src/a.ts"), path).unwrap();
            }),
            make("a link to nothing in the workspace", |path| {
                symlink(path.ancestors().nth(3).unwrap().join("workspace/new.ts"), path).unwrap();
            }),
        ];
        rows.extend(rest.into_iter().map(|row| Row { noticed: Noticed::AsNothing, ..row }));
    }
    rows.push(row("unfinished", "a leftover", Noticed::No, |path| fs::write(path, "half of it").unwrap()));
    rows.push(row("unknown", "another file", Noticed::No, |path| fs::write(path, "of somebody").unwrap()));
    rows
}

#[test]
fn damage_is_said_once_and_costs_a_start_from_nothing() {
    let kept = Kept::small();
    settle(&kept.workspace.root);
    kept.run_once();
    let (directory, cold) = (kept.directory(), kept.cold(&[]));
    let (pristine, sources) = (everything(&directory), everything(&kept.workspace.root));
    let part = pristine.keys().find(|path| path.extension().is_some()).unwrap();
    for row in rows() {
        restore(&directory, &pristine);
        let what = &row.what;
        (row.harm)(&if row.file == "part" { part.clone() } else { directory.join(row.file) });
        let mut sidecar = kept.start();
        let answers = super::kept::Answers::of(&mut sidecar);
        let indexed = sidecar.wait_event("indexed");
        let status = sidecar.request("status", json!({}));
        let warnings = sidecar.finish_warned();
        assert_eq!(answers, cold, "{what}");
        assert_eq!(everything(&kept.workspace.root), sources, "{what}");
        assert_eq!(indexed["fromCache"], row.noticed == Noticed::No, "{what}");
        assert_eq!(warnings.len(), usize::from(row.noticed == Noticed::Yes), "{what}: {warnings:?}");
        assert!(warnings.iter().all(|line| line.contains(directory.to_str().unwrap())), "{what}: {warnings:?}");
        assert_eq!(status["cache"]["enabled"], true);
        if row.noticed == Noticed::No {
            continue;
        }
        // It is all there again, as it was.
        let now = everything(&directory);
        assert_eq!(now, pristine, "{what}: {:?}", now.keys());
    }
    // What is not ours is left alone.
    assert!(directory.join("unknown").exists());
}

/// The reason is told, too, by the log and by `status`.
#[test]
fn damage_is_told_with_its_reason() {
    let kept = Kept::small();
    kept.run_once();
    let manifest = kept.directory().join("manifest");
    let text = fs::read(&manifest).unwrap();
    fs::write(&manifest, &text[..60]).unwrap();
    let mut sidecar = kept.start();
    // The first answer comes before anything is kept anew, or after it: then all is well.
    let status = sidecar.request("status", json!({}));
    let reason = &status["cache"]["lastError"];
    assert!(reason.is_null() || reason.as_str().unwrap().contains("the manifest is cut"), "{status}");
    sidecar.wait_event("indexed");
    let warnings = sidecar.finish_warned();
    assert!(warnings[0].contains("the manifest is cut"), "{warnings:?}");
}

/// Copied by hand, or by whoever gives every workspace the same start.
#[test]
fn what_was_kept_of_another_workspace_is_not_taken() {
    let (kept, other) = (Kept::small(), Kept::new(Workspace::empty()));
    other.workspace.write("src/a.ts", "export const another = 1;\n");
    other.workspace.write("only/here.ts", "needle");
    kept.run_once();
    other.run_once();
    let [from] = &directories(&other.place)[..] else { panic!() };
    let directory = kept.directory();
    fs::remove_dir_all(&directory).unwrap();
    fs::rename(from, &directory).unwrap();
    let (indexed, warnings) = kept.assert_as_cold(&[], "of another workspace");
    assert_eq!(indexed["fromCache"], false);
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains("another workspace"), "{warnings:?}");
    kept.check();
    assert_eq!(kept.assert_as_cold(&[], "kept anew").0["fromCache"], true);
}
