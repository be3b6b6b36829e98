//! Random bursts of changes, each followed by everything a client can ask, compared with the disk.
//!
//! A run is a [`plan::Plan`]: what is there at the start, then bursts of operations and what is asked behind
//! each. [`generate`] makes one from a seed, [`run`] carries it out, [`shrink`] makes one that fails shorter.

pub(crate) mod answer;
mod apply;
pub(crate) mod client;
pub(crate) mod disk;
pub(crate) mod driver;
mod failure;
pub(crate) mod generate;
mod inventory;
pub(crate) mod mirror;
mod mock;
mod operation;
pub(crate) mod plan;
pub(crate) mod report;
pub(crate) mod run;
mod scenarios;
mod self_check;
mod shrink;
pub(crate) mod tally;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::harness::{LIMIT, Sidecar};
use crate::model::generate::{Generator, Scale};
use crate::model::plan::{Plan, Serve};
use crate::model::report::report;
use crate::model::run::Runner;
use crate::model::tally::Tally;

/// How long a run that was cut shorter waits for what may never come.
const SHORT_PATIENCE: Duration = Duration::from_secs(3);

/// Starts the program, or another build of it.
fn launch(root: &Path, serve: &Serve) -> Sidecar {
    let mut builder = Sidecar::builder(root).args(["--watch", serve.watch.as_str()]);
    if let Some(program) = std::env::var_os("MODEL_PROGRAM") {
        builder = builder.program(PathBuf::from(program));
    }
    builder.spawn()
}

fn runner(patience: Duration) -> Runner<impl Fn(&Path, &Serve) -> Sidecar> {
    Runner { launch, patience }
}

/// Whether a plan fails in a respect.
fn fails(plan: &Plan, as_in: &run::Diverged) -> bool {
    runner(SHORT_PATIENCE).replay(plan).is_err_and(|diverged| diverged.failure.aspect == as_in.failure.aspect)
}

/// Runs some bursts of a seed.
fn check(seed: u64, watch: &str, scale: Scale, bursts: usize) -> Tally {
    let mut generator = Generator::new(seed, scale);
    let setup = generator.setup();
    let bursts = std::iter::repeat_with(|| generator.burst()).take(bursts);
    let tally = runner(LIMIT)
        .run(&Serve { watch: watch.to_owned() }, &setup, bursts)
        .unwrap_or_else(|diverged| panic!("{}", report(seed, &diverged, |plan| fails(plan, &diverged))));
    assert_eq!(tally.unsynced, 0, "seed {seed}: answers without a deadline to speak of were not synced\n{tally}");
    assert!(watch == "off" || tally.changes > 0, "seed {seed}: no event told of anything");
    // Elsewhere, names of different case are the same file, and files that somebody reads cannot be moved.
    assert!(tally.misfits.is_empty() || !cfg!(target_os = "linux"), "seed {seed}: {:#?}", tally.misfits);
    tally
}

/// A tree that is walked in no time. Windows takes its time over everything.
const SMALL: Scale = Scale { files: 150, bulk: if cfg!(windows) { 60 } else { 300 }, burst: 20 };

const BURSTS: usize = if cfg!(windows) { 8 } else { 25 };

#[test]
fn native() {
    for seed in [1, 2] {
        check(seed, "native", SMALL, BURSTS);
    }
}

#[test]
fn poll() {
    check(3, "poll", SMALL, BURSTS / 2);
}

#[test]
fn off() {
    check(4, "off", SMALL, BURSTS);
}

/// Many runs over a large tree: `scripts/soak`.
#[test]
#[ignore = "takes as long as it is told to"]
fn soak() {
    let number = |name: &str, default: u64| match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name}={text} is not a number")),
        Err(_) => default,
    };
    let scale = Scale { files: number("SOAK_FILES", 5000) as usize, bulk: 5000, burst: 20 };
    let watch = std::env::var("SOAK_WATCH").unwrap_or_else(|_| "native".to_owned());
    let end = Instant::now() + Duration::from_secs(number("SOAK_SECONDS", 60));
    let first = number("SOAK_SEED", 1);
    let (mut all, mut seed, mut divergences) = (Tally::default(), first, 0);
    while Instant::now() < end && divergences < 5 {
        let mut generator = Generator::new(seed, scale);
        let setup = generator.setup();
        let bursts = std::iter::repeat_with(|| generator.burst()).take(50).take_while(|_| Instant::now() < end);
        match runner(LIMIT).run(&Serve { watch: watch.clone() }, &setup, bursts) {
            Ok(tally) => all.add(tally),
            Err(diverged) => {
                divergences += 1;
                eprintln!("{}\n", report(seed, &diverged, |plan| fails(plan, &diverged)));
                all.add(diverged.tally);
            }
        }
        seed += 1;
    }
    eprintln!("seeds                 {first} to {}\ndivergences           {divergences}\n{all}", seed - 1);
    for misfit in &all.misfits {
        eprintln!("did not fit: {misfit:.300}");
    }
    assert_eq!(divergences, 0);
}

/// What a failure has written to a file, once more: `MODEL_REPLAY=FILE`.
#[test]
#[ignore = "needs a file"]
fn replay() {
    let Some(file) = std::env::var_os("MODEL_REPLAY") else {
        eprintln!("SKIPPED: model::replay: MODEL_REPLAY names no file");
        return;
    };
    let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let plan = Plan::parse(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    match runner(LIMIT).replay(&plan) {
        Ok(tally) => eprintln!("no divergence\n{tally}"),
        Err(diverged) => panic!("{}\n{}", diverged.failure, diverged.told),
    }
}
