//! Several processes and workspaces, and processes that are killed while they write.

use std::fs;
use std::time::{Duration, Instant};

use serde_json::json;

use super::kept::{Answers, Kept, check, directories, names_in, settle};
use crate::fixtures::Workspace;
use crate::harness::Sidecar;
use crate::random::Random;

#[test]
fn two_processes_keep_the_same_workspace() {
    let kept = Kept::small();
    let cold = kept.cold(&[]);
    for round in 0..20 {
        if round > 0 && round % 2 == 0 {
            // Then one of them writes while the other one reads.
            fs::remove_file(kept.directory().join("manifest")).unwrap();
        }
        // Those that are started differently keep something different.
        let args: &[&str] = if round % 4 == 1 { &["--exclude", "nothing", "--max-file-bytes", "1000000"] } else { &[] };
        let mut both = [kept.start(), kept.builder().args(args).spawn()];
        for sidecar in &mut both {
            assert_eq!(Answers::of(sidecar), cold, "round {round}");
            sidecar.wait_event("indexed");
        }
        for sidecar in both {
            assert_eq!(sidecar.finish_warned(), [""; 0], "round {round}");
        }
        kept.check();
    }
}

/// Whoever comes second keeps nothing, waits for nothing and says nothing.
#[test]
fn one_writer_at_a_time() {
    let kept = Kept::small();
    kept.run_once();
    let directory = kept.directory();
    fs::remove_file(directory.join("manifest")).unwrap();
    let before = names_in(&directory);
    let lock = fs::File::open(directory.join("lock")).unwrap();
    lock.lock().unwrap();
    let (indexed, warnings) = kept.assert_as_cold(&[], "another process writes");
    assert_eq!((&indexed["fromCache"], warnings), (&json!(false), Vec::new()));
    assert_eq!(names_in(&directory), before);
    drop(lock);
    kept.run_once();
}

#[test]
fn two_workspaces_in_one_place() {
    let (one, mut two) = (Kept::small(), Kept::new(Workspace::empty()));
    two.workspace.write("src/a.ts", "another needle");
    two.place = one.place.clone();
    for from_cache in [false, true, true] {
        for kept in [&one, &two] {
            let (indexed, warnings) = kept.assert_as_cold(&[], "beside another");
            assert_eq!((&indexed["fromCache"], warnings), (&json!(from_cache), Vec::new()));
        }
    }
    let directories = directories(&one.place);
    assert_eq!(directories.len(), 2);
    for directory in &directories {
        check(directory);
    }
}

/// A workspace of which some hundred kilobytes are kept, so that writing takes a moment.
fn incompressible() -> Kept {
    let kept = Kept::small();
    for at in 0..80_u64 {
        let text: String = (0..400_u64)
            .map(|line| blake3::hash(&(at << 20 | line).to_le_bytes()).to_hex().to_string() + "\n")
            .collect();
        kept.workspace.write(&format!("many/{at}.txt"), text);
    }
    kept
}

/// Whenever a process is killed, the next one answers as if nothing had been kept, or as if all had.
#[test]
fn killed_at_any_moment() {
    let kept = incompressible();
    settle(&kept.workspace.root);
    let started = Instant::now();
    kept.run_once();
    let took = started.elapsed();
    let (directory, mut cold) = (kept.directory(), kept.cold(&[]));
    let (mut random, mut cut) = (Random::new(5), 0);
    for round in 0..30 {
        let what = format!("round {round}");
        if random.one_in(2) {
            let _ = fs::remove_file(directory.join("manifest"));
        } else {
            // All of it is to be read and written again, in place of what there is.
            let limit = 1_000_000 + round;
            let sidecar = kept.builder().args(["--max-file-bytes", &limit.to_string()]).spawn();
            kill(sidecar, &kept, &mut random, took);
        }
        if random.one_in(3) {
            kept.workspace.write("src/a.ts", format!("changed in {what}\n"));
            cold = kept.cold(&[]);
        }
        kill(kept.start(), &kept, &mut random, took);
        let left = names_in(&directory);
        cut += usize::from(left.contains("unfinished") || !left.contains("manifest"));
        assert!(left.len() <= 6, "{what}: {left:?}");
        let mut sidecar = kept.start();
        assert_eq!(Answers::of(&mut sidecar), cold, "{what}");
        sidecar.wait_event("indexed");
        assert_eq!(sidecar.finish_warned(), [""; 0], "{what}");
        if !directory.join("unfinished").exists() {
            kept.check();
        }
    }
    assert!(cut > 0, "none was killed while it wrote");
    fs::remove_file(directory.join("manifest")).unwrap();
    kept.run_once();
    assert_eq!(kept.assert_as_cold(&[], "in the end").0["fromCache"], true);
}

/// Kills a process at a random moment, or as soon as it is seen to write.
fn kill(mut sidecar: Sidecar, kept: &Kept, random: &mut Random, took: Duration) {
    let directory = kept.directory();
    if random.one_in(2) {
        std::thread::sleep(took * random.below(100) as u32 / 100);
    } else {
        let deadline = Instant::now() + 2 * took;
        while Instant::now() < deadline && !directory.join("unfinished").exists() {
            std::thread::yield_now();
        }
    }
    sidecar.forget_unanswered();
    sidecar.abandon();
}
