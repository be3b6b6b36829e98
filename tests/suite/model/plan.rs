//! A whole run as data, and as the lines of a file.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::model::operation::Operation;

/// What is there at the start, and what happens then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) serve: Serve,
    /// Before the sidecar is started.
    pub(crate) setup: Vec<Operation>,
    pub(crate) bursts: Vec<Burst>,
}

/// How the sidecar is started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Serve {
    /// The value of `--watch`.
    pub(crate) watch: String,
}

/// What happens between two comparisons.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Burst {
    pub(crate) operations: Vec<Operation>,
    pub(crate) ask: Ask,
}

/// What is asked after a burst; whatever comes first, the rest follows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Ask {
    pub(crate) first: First,
    /// What to search for.
    pub(crate) patterns: Vec<String>,
    /// A question in the middle, behind so many operations, while the tree moves on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) midway: Option<usize>,
    /// Which paths are looked at one by one.
    pub(crate) sample: u64,
}

/// How the first answer behind a burst is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum First {
    /// Everything with its hash.
    Listing,
    /// A search, for which names suffice.
    Search,
    /// Both, and a listing once more, in one write.
    Together,
    /// `sync` of the paths that were touched, then what the index holds of them.
    Paths,
    /// Nothing is asked until the events have told everything.
    Events,
}

/// The lines of a file that are no operations.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Step {
    /// The end of what is there at the start.
    Serve(Serve),
    /// The end of a burst.
    Ask(Ask),
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Line {
    Operation(Operation),
    Step(Step),
}

impl Plan {
    /// Operations and bursts, for a summary.
    pub(crate) fn operations(&self) -> usize {
        self.setup.len() + self.bursts.iter().map(|burst| burst.operations.len()).sum::<usize>()
    }

    /// One operation, or one question, a line.
    pub(crate) fn print(&self) -> String {
        let mut text = String::new();
        let mut line = |line: Line| writeln!(text, "{}", serde_json::to_string(&line).unwrap()).unwrap();
        self.setup.iter().cloned().for_each(|operation| line(Line::Operation(operation)));
        line(Line::Step(Step::Serve(self.serve.clone())));
        for burst in &self.bursts {
            burst.operations.iter().cloned().for_each(|operation| line(Line::Operation(operation)));
            line(Line::Step(Step::Ask(burst.ask.clone())));
        }
        text
    }

    /// Reads what [`Self::print`] wrote.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut serve = None;
        let (mut setup, mut bursts, mut operations) = (Vec::new(), Vec::new(), Vec::new());
        for (at, line) in text.lines().enumerate() {
            match serde_json::from_str(line).map_err(|error| format!("line {}: {error}: {line:.200}", at + 1))? {
                Line::Operation(operation) => operations.push(operation),
                Line::Step(Step::Serve(found)) if serve.is_none() => {
                    serve = Some(found);
                    setup = std::mem::take(&mut operations);
                }
                Line::Step(Step::Ask(ask)) if serve.is_some() => {
                    bursts.push(Burst { operations: std::mem::take(&mut operations), ask });
                }
                Line::Step(_) => return Err(format!("line {}: not here: {line:.200}", at + 1)),
            }
        }
        if !operations.is_empty() {
            return Err("the last operations have no question behind them".to_owned());
        }
        Ok(Self { serve: serve.ok_or("nothing is served")?, setup, bursts })
    }
}
