//! The model notices what is wrong. Whoever never fails proves nothing.

use std::path::Path;
use std::time::Duration;

use crate::harness::LIMIT;
use crate::model::failure::Aspect;
use crate::model::generate::{Generator, Scale};
use crate::model::mock::{Fault, Mock};
use crate::model::plan::{Plan, Serve};
use crate::model::run::{Diverged, Runner};
use crate::model::shrink::shrink;
use crate::model::tally::Tally;

const SCALE: Scale = Scale { files: 80, bulk: 40, burst: 12 };

fn runner(fault: Fault) -> Runner<impl Fn(&Path, &Serve) -> Mock> {
    // What does not come at once from a mock never comes.
    Runner { launch: move |root: &Path, _: &Serve| Mock::start(root, fault), patience: Duration::from_millis(50) }
}

fn run(fault: Fault, seed: u64) -> Result<Tally, Box<Diverged>> {
    let mut generator = Generator::new(seed, SCALE);
    let setup = generator.setup();
    let bursts = std::iter::repeat_with(|| generator.burst()).take(if cfg!(windows) { 15 } else { 40 });
    runner(fault).run(&Serve { watch: "native".to_owned() }, &setup, bursts)
}

#[test]
fn nothing_is_wrong_with_one_that_looks_every_time() {
    let tally = run(Fault::None, 5).unwrap_or_else(|diverged| panic!("{}", diverged.failure));
    let least = if cfg!(windows) { 50 } else { 100 };
    assert!(tally.changes > least && tally.operations > least, "{tally}");
}

#[test]
fn each_fault_is_noticed() {
    for (fault, aspects) in [
        (Fault::StaleHashes, &[Aspect::Listing, Aspect::Paths][..]),
        (Fault::NewDirectories, &[Aspect::Listing, Aspect::Paths]),
        (Fault::DeletedTrees, &[Aspect::Listing, Aspect::Paths, Aspect::Stat]),
        (Fault::StaleSearch, &[Aspect::Search]),
        (Fault::StatGuesses, &[Aspect::Stat]),
        (Fault::IdleSync, &[Aspect::Paths]),
        (Fault::LostEvents, &[Aspect::Events]),
        (Fault::VainEvents, &[Aspect::Events]),
        (Fault::ForgottenDeletions, &[Aspect::Changes]),
        (Fault::VainChanges, &[Aspect::Changes]),
        (Fault::ClockGoesBack, &[Aspect::Clock]),
        (Fault::NeverSynced, &[Aspect::Unsynced]),
    ] {
        let failed = (0..5).find_map(|seed| run(fault, seed).err());
        let Some(diverged) = failed else { panic!("{fault:?} is not noticed") };
        assert!(aspects.contains(&diverged.failure.aspect), "{fault:?}: {}", diverged.failure);
    }
}

#[test]
fn a_failing_plan_is_written_read_and_cut_to_what_matters() {
    let diverged = (0..5).find_map(|seed| run(Fault::StaleHashes, seed).err()).unwrap();
    let plan = &diverged.plan;
    assert_eq!(Plan::parse(&plan.print()).as_ref(), Ok(plan));
    let fails = |plan: &Plan| {
        let again = runner(Fault::StaleHashes).replay(plan);
        again.is_err_and(|again| again.failure.aspect == diverged.failure.aspect)
    };
    // As long as it takes: what it comes to must not depend on the machine.
    let less = shrink(plan, 10 * LIMIT, fails).expect("it fails every time");
    assert!(less.operations() <= 3, "{}", less.print());
    assert!(fails(&less));
    assert!(runner(Fault::None).replay(&less).is_ok());
}

/// The same seed gives the same operations.
#[test]
fn seeds_decide_everything() {
    let list = |seed| {
        let mut generator = Generator::new(seed, SCALE);
        let setup = generator.setup();
        let bursts = (0..30).map(|_| generator.burst()).collect();
        Plan { serve: Serve { watch: "off".to_owned() }, setup, bursts }
    };
    assert_eq!(list(7), list(7));
    assert_ne!(list(7).print(), list(8).print());
    assert_eq!(Plan::parse(&list(7).print()), Ok(list(7)));
}
