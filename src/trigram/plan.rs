//! From a pattern to what a text must hold for it to match.
//!
//! The ancestor is Russ Cox's "Regular Expression Matching with a Trigram Index". He computes sets of
//! grams bottom up. Here the pattern is first written out as a few *sequences* of bytes, classes and
//! gaps, so that what stands next to each other stays together (whatever groups, options and
//! alternatives it comes from), and whole words are seen.
//!
//! A plan only ever admits too much. Nothing in it depends on order: its parts are facts about the
//! text of every match, and leaving any of them out is sound. So is taking a gap for anything.

mod expand;
mod sequence;
mod stretch;

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use regex_syntax::hir::Hir;

pub use stretch::{GramRange, Stretch};

/// Up to how many stretches are compared with each other, to leave out what another one implies.
const MAX_COMPARED: usize = 32;

/// What a text must hold for a pattern to match it.
#[derive(Clone)]
pub enum Plan {
    /// Any text may match: there is nothing to go by.
    All,
    /// No text matches.
    Nothing,
    /// All of these hold in the same file.
    And(Vec<Plan>),
    /// At least one of these holds.
    Or(Vec<Plan>),
    /// These bytes are in the file, and all that the stretch says is in the block in which they start.
    Stretch(Arc<Stretch>),
}

impl Plan {
    /// The plan of a pattern. The work is bounded whatever the pattern: where it gets too large, parts
    /// of it are taken for anything.
    pub fn of(hir: &Hir) -> Self {
        expand::Expander::new().expand(hir).into_plan()
    }

    /// All of `parts`.
    pub fn all_of(parts: Vec<Self>) -> Self {
        let mut kept = Vec::with_capacity(parts.len());
        for part in parts {
            match part {
                Self::All => {}
                Self::Nothing => return Self::Nothing,
                Self::And(parts) => kept.extend(parts),
                part => kept.push(part),
            }
        }
        // The longer ones imply the others.
        retain_unless(&mut kept, |part, other| other.implies(part));
        match kept.len() {
            0 => Self::All,
            1 => kept.remove(0),
            _ => Self::And(kept),
        }
    }

    /// Any of `branches`.
    pub fn any_of(branches: Vec<Self>) -> Self {
        let mut kept = Vec::with_capacity(branches.len());
        for branch in branches {
            match branch {
                Self::All => return Self::All,
                Self::Nothing => {}
                Self::Or(branches) => kept.extend(branches),
                branch => kept.push(branch),
            }
        }
        // Who asks for more is admitted with who asks for less.
        retain_unless(&mut kept, Self::implies);
        match kept.len() {
            0 => Self::Nothing,
            1 => kept.remove(0),
            _ => Self::Or(kept),
        }
    }

    /// The parts that hold together.
    fn parts(&self) -> &[Self] {
        if let Self::And(parts) = self { parts } else { std::slice::from_ref(self) }
    }

    /// Whether a text that holds this is known to hold `other`. Only stretches are compared.
    fn implies(&self, other: &Self) -> bool {
        let held =
            |part: &Self, by: &Self| matches!((by, part), (Self::Stretch(by), Self::Stretch(part)) if by.holds(part));
        other.parts().iter().all(|part| self.parts().iter().any(|by| held(part, by)))
    }
}

/// Leaves out each plan for which `redundant` says so beside another one that stays.
fn retain_unless(plans: &mut Vec<Plan>, redundant: impl Fn(&Plan, &Plan) -> bool) {
    if plans.iter().map(|plan| plan.parts().len()).sum::<usize>() > MAX_COMPARED {
        return;
    }
    let mut at = 0;
    while at < plans.len() {
        if plans.iter().enumerate().any(|(other, plan)| other != at && redundant(&plans[at], plan)) {
            plans.remove(at);
        } else {
            at += 1;
        }
    }
}

/// As in `foo & (ba[rz] | qux)`.
impl fmt::Debug for Plan {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (parts, between) = match self {
            Self::All => return formatter.write_str("All"),
            Self::Nothing => return formatter.write_str("Nothing"),
            Self::Stretch(stretch) => return write!(formatter, "{stretch:?}"),
            Self::And(parts) => (parts, " & "),
            Self::Or(branches) => (branches, " | "),
        };
        for (at, part) in parts.iter().enumerate() {
            if at > 0 {
                formatter.write_str(between)?;
            }
            match part {
                Self::And(_) | Self::Or(_) => write!(formatter, "({part:?})")?,
                _ => write!(formatter, "{part:?}")?,
            }
        }
        Ok(())
    }
}
