//! Fewer operations that fail in the same way (delta debugging).

use std::time::{Duration, Instant};

use crate::model::operation::Operation;
use crate::model::plan::{Burst, Plan};

/// How long that may take, unless `MODEL_SHRINK_SECONDS` says otherwise.
pub(crate) const BUDGET: Duration = Duration::from_secs(30);
/// What fails now and then is tried as often as this before a smaller list counts as one that does not fail.
const ATTEMPTS: usize = 2;

/// Looks for a smaller plan of which `fails` is still true. Nothing if the plan itself does not fail again.
pub(crate) fn shrink(plan: &Plan, budget: Duration, mut fails: impl FnMut(&Plan) -> bool) -> Option<Plan> {
    let seconds = std::env::var("MODEL_SHRINK_SECONDS").ok().and_then(|text| text.parse().ok());
    let deadline = Instant::now() + seconds.map_or(budget, Duration::from_secs);
    let mut fails = move |plan: &Plan| Instant::now() < deadline && (0..ATTEMPTS).any(|_| fails(plan));
    if !fails(plan) {
        return None;
    }
    let mut best = plan.clone();
    loop {
        let before = best.clone();
        // The last burst is the one that fails; it may have failed before the first.
        if let Some(last) = best.bursts.pop() {
            let last = std::slice::from_ref(&last);
            let with = |bursts: &[Burst]| Plan { bursts: [bursts, last].concat(), ..before.clone() };
            best = with(&less_of(&best.bursts, |bursts| fails(&with(bursts))));
        }
        // A small tree is tried in no time.
        best = smaller_operations(best, &mut fails);
        let setup = less_of(&best.setup.clone(), |setup| fails(&Plan { setup: setup.to_vec(), ..best.clone() }));
        best.setup = setup;
        for at in 0..best.bursts.len() {
            let operations =
                less_of(&best.bursts[at].operations.clone(), |operations| fails(&with(&best, at, operations)));
            best = with(&best, at, &operations);
        }
        if best == before {
            return Some(best);
        }
    }
}

/// Leaves out ever smaller pieces, as long as it still fails.
fn less_of<T: Clone>(list: &[T], mut fails: impl FnMut(&[T]) -> bool) -> Vec<T> {
    let mut list = list.to_vec();
    let mut piece = list.len();
    while piece > 0 {
        let mut from = 0;
        while from < list.len() {
            let to = (from + piece).min(list.len());
            let less = [&list[..from], &list[to..]].concat();
            if fails(&less) {
                list = less;
            } else {
                from = to;
            }
        }
        piece /= 2;
    }
    list
}

fn with(plan: &Plan, at: usize, operations: &[Operation]) -> Plan {
    let mut plan = plan.clone();
    plan.bursts[at] = Burst { operations: operations.to_vec(), ask: plan.bursts[at].ask.clone() };
    plan.bursts[at].ask.midway = plan.bursts[at].ask.midway.filter(|midway| *midway < operations.len());
    plan
}

/// Operations on fewer files.
fn smaller_operations(mut best: Plan, fails: &mut impl FnMut(&Plan) -> bool) -> Plan {
    let all: Vec<usize> = (0..best.operations()).collect();
    // All at once first.
    for which in std::iter::once(all.as_slice()).chain(all.chunks(1)) {
        while let Some(plan) = smaller(&best, which).filter(&mut *fails) {
            best = plan;
        }
    }
    best
}

/// Makes these operations smaller; nothing if none of them can be.
fn smaller(plan: &Plan, which: &[usize]) -> Option<Plan> {
    let mut plan = plan.clone();
    let mut changed = false;
    let operations = plan.setup.iter_mut().chain(plan.bursts.iter_mut().flat_map(|burst| &mut burst.operations));
    for (at, operation) in operations.enumerate() {
        if let Some(smaller) = which.contains(&at).then(|| operation.smaller()).flatten() {
            *operation = smaller;
            changed = true;
        }
    }
    changed.then_some(plan)
}
