//! The model against a watcher that loses, delays and shuffles what it tells, and has limits of its own.
#![cfg(target_os = "linux")]

mod source;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;
use workspace_sidecar::watch::Source;

use crate::faults::source::{Fault, Faults, Faulty};
use crate::fixtures::Workspace;
use crate::harness::LIMIT;
use crate::local::Local;
use crate::model::answer::{listing_params, search_params};
use crate::model::client::Client;
use crate::model::disk::Disk;
use crate::model::driver::Driver as _;
use crate::model::generate::{Generator, Scale};
use crate::model::mirror::Scope;
use crate::model::plan::{Plan, Serve};
use crate::model::report::report;
use crate::model::run::Runner;
use crate::model::tally::Tally;

const SCALE: Scale = Scale { files: 80, bulk: 60, burst: 12 };

/// How long a run that was cut shorter waits for what may never come; what is not watched is looked at every second.
const SHORT_PATIENCE: Duration = Duration::from_secs(5);

/// Watchers of `root` that fail by a seed. Made anew for each run of a plan, so that it meets the same faults.
fn launch(root: &Path, faults: &Faults) -> Local {
    let root = root.canonicalize().unwrap();
    let source: Arc<dyn Source> = Arc::new(Faulty::new(&root, faults.clone()));
    Local::start(&root, source)
}

fn run(seed: u64, bursts: usize, faults: &Faults) -> Tally {
    let mut generator = Generator::new(seed, SCALE);
    let setup = generator.setup();
    let bursts = std::iter::repeat_with(|| generator.burst()).take(bursts);
    let serve = Serve { watch: "native".to_owned() };
    let runner = Runner { launch: |root: &Path, _: &Serve| launch(root, faults), patience: LIMIT };
    runner.run(&serve, &setup, bursts).unwrap_or_else(|diverged| {
        let fails = |plan: &Plan| {
            let runner =
                Runner { launch: |root: &Path, _: &Serve| launch(root, &faults.again()), patience: SHORT_PATIENCE };
            let again = runner.replay(plan);
            again.is_err_and(|again| again.failure.aspect == diverged.failure.aspect)
        };
        panic!("{}", report(seed, &diverged, fails))
    })
}

/// Each by itself, so that it is known which one did it.
#[test]
fn each_fault_by_itself() {
    for (seed, fault, one_in) in
        [(1, Fault::Lose, 8), (2, Fault::Rescan, 8), (3, Fault::Hold, 2), (4, Fault::Repeat, 2), (5, Fault::Barrier, 8)]
    {
        let faults = Faults::new(seed, &[(fault, one_in)]);
        let tally = run(seed, 12, &faults);
        assert!(faults.done(fault) > 0, "{fault:?} never came");
        let looks = matches!(fault, Fault::Lose | Fault::Rescan | Fault::Barrier);
        assert!(tally.rescans > 0 || !looks, "{fault:?}: nothing was looked at again");
    }
}

#[test]
fn directories_that_cannot_be_watched() {
    let faults = Faults::new(6, &[(Fault::Unwatched, 6)]);
    run(6, 12, &faults);
    assert!(faults.done(Fault::Unwatched) > 0);
}

const EVERYTHING: &[(Fault, usize)] = &[
    (Fault::Lose, 60),
    (Fault::Rescan, 60),
    (Fault::Hold, 4),
    (Fault::Repeat, 4),
    (Fault::Barrier, 30),
    (Fault::Unwatched, 20),
    (Fault::Start, 3),
];

#[test]
fn everything_goes_wrong() {
    for seed in 7..10 {
        let tally = run(seed, 15, &Faults::new(seed, EVERYTHING));
        assert!(tally.overflows > 0 && tally.rescans > 0, "{tally}");
    }
}

/// Many seeds: `SOAK_SECONDS`, from `SOAK_SEED` on.
#[test]
#[ignore = "takes as long as it is told to"]
fn soak() {
    let number = |name: &str, default: u64| std::env::var(name).map_or(default, |text| text.parse().unwrap());
    let end = Instant::now() + Duration::from_secs(number("SOAK_SECONDS", 60));
    let (first, mut all) = (number("SOAK_SEED", 100), Tally::default());
    let mut seed = first;
    while Instant::now() < end {
        all.add(run(seed, 40, &Faults::new(seed, EVERYTHING)));
        seed += 1;
    }
    eprintln!("seeds                 {first} to {}\n{all}", seed - 1);
}

/// A limit that was met once is no reason to go without a watcher for ever.
#[test]
fn a_watcher_that_could_not_be_started_is_started_later() {
    let workspace = Workspace::empty();
    workspace.write("src/a.ts", "a");
    let faults = Faults::new(9, &[(Fault::Start, 1)]);
    let mut local = launch(&workspace.root, &faults);
    let mut ask = |method, params| {
        let id = local.send(vec![(method, params)]).unwrap().remove(0);
        local.response(&id).unwrap()["result"].take()
    };
    assert_eq!(ask("sync", json!({ "timeoutMs": 60_000 }))["synced"], true);
    let status = ask("status", json!({}));
    assert_eq!((&status["watcher"]["directories"], &status["watcher"]["polled"]), (&json!(0), &json!(2)));
    assert!(status["watcher"]["lastError"].as_str().unwrap().contains("injected"), "{status}");
    faults.stop();
    assert_eq!(ask("sync", json!({ "timeoutMs": 60_000 }))["synced"], true);
    let status = ask("status", json!({}));
    assert_eq!((&status["watcher"]["directories"], &status["watcher"]["polled"]), (&json!(2), &json!(0)));
    local.finish().unwrap();
}

/// Files that are written all the time: whatever is said of them then, in the end it is right.
#[test]
fn files_that_change_while_they_are_read() {
    let workspace = Workspace::empty();
    let paths: Vec<String> = (0..6).map(|at| format!("src/busy{at}.ts")).collect();
    let quiet: Vec<String> = (0..20).map(|at| format!("lib/quiet{at}.ts")).collect();
    for path in paths.iter().chain(&quiet) {
        workspace.write(path, "at first\n");
    }
    let faults = Faults::new(10, &[(Fault::Lose, 200), (Fault::Hold, 4), (Fault::Repeat, 4)]);
    let disk = Disk::scan(&workspace.root, &[]);
    let (mut client, anchor) = Client::start(launch(&workspace.root, &faults), true, LIMIT, &disk)
        .unwrap_or_else(|(failure, told)| panic!("{failure}{told}"));
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for round in 0_u64.. {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                let path = &paths[(round % 6) as usize];
                let text = format!("round {round}\n").repeat(1 << (round % 13));
                if round % 7 == 0 {
                    workspace.write(&format!("{path}.tmp"), text);
                    std::fs::rename(workspace.at(&format!("{path}.tmp")), workspace.at(path)).unwrap();
                } else {
                    workspace.write(path, text);
                }
            }
        });
        // A question that failed must not leave the other thread running.
        let asked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            for _ in 0..40 {
                for request in [("glob", listing_params()), ("search", search_params("round"))] {
                    let result = client.ask(request.0, request.1).unwrap_or_else(|failure| panic!("{failure}"));
                    assert!(result["files"].is_array());
                }
            }
        }));
        stop.store(true, Ordering::Relaxed);
        asked.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    });
    let pattern = "round".to_owned();
    let disk = Disk::scan(&workspace.root, std::slice::from_ref(&pattern));
    let checked = client
        .listing(&disk)
        .and_then(|_| client.search(&pattern, &disk))
        .and_then(|()| client.changes(&anchor, Scope::ALL, &disk))
        .and_then(|()| client.events(&disk));
    checked.unwrap_or_else(|failure| panic!("{failure}"));
    let (tally, finished) = client.finish();
    finished.unwrap_or_else(|failure| panic!("{failure}"));
    assert!(tally.changes + tally.fresh > 0);
}
