//! What is said of a divergence.

use std::path::PathBuf;
use std::time::Instant;

use crate::model::plan::Plan;
use crate::model::run::Diverged;
use crate::model::shrink::{BUDGET, shrink};

/// More lines than this stay in the file.
const SHOWN: usize = 60;

/// Writes down what was done, looks for less that fails too, and says how to do it again.
pub(crate) fn report(seed: u64, diverged: &Diverged, fails: impl FnMut(&Plan) -> bool) -> String {
    let plan = &diverged.plan;
    let whole = write(seed, "", plan);
    let found = format!("seed {seed}, burst {}: {}{}", plan.bursts.len(), diverged.failure, diverged.told);
    let started = Instant::now();
    let shrunk = shrink(plan, BUDGET, fails);
    let took = started.elapsed().as_secs();
    let (replayed, less) = match shrunk {
        Some(less) => {
            let file = write(seed, "-less", &less);
            let printed = less.print();
            let lines: Vec<&str> = printed.lines().take(SHOWN).collect();
            let (count, lines) = (less.operations(), lines.join("\n"));
            let less = format!("{count} of them fail in the same way (it took {took} s to find out):\n{lines}");
            (file, less)
        }
        None => (whole.clone(), "Done once more, they did not fail.".to_owned()),
    };
    format!(
        "{found}\n\nThe {} operations are in {}\n{less}\n\
        To do them again: MODEL_REPLAY={} cargo test --test suite model::replay -- --ignored --nocapture",
        plan.operations(),
        whole.display(),
        replayed.display(),
    )
}

fn write(seed: u64, suffix: &str, plan: &Plan) -> PathBuf {
    let name = format!("sidecar-model-{}-{seed}{suffix}.jsonl", std::process::id());
    let file = std::env::temp_dir().join(name);
    std::fs::write(&file, plan.print()).unwrap();
    file
}
