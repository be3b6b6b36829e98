//! Carrying out a plan, comparing after each burst.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::fixtures::Workspace;
use crate::model::answer::{Answer, SYNC_TIMEOUT_MS, listing_params, search_params};
use crate::model::apply::apply;
use crate::model::client::{Anchor, Client, Sent};
use crate::model::disk::Disk;
use crate::model::driver::Driver;
use crate::model::failure::Failure;
use crate::model::mirror::Scope;
use crate::model::operation::Operation;
use crate::model::plan::{Burst, First, Plan, Serve};
use crate::model::tally::Tally;
use crate::random::Random;

/// A run that found a divergence.
pub(crate) struct Diverged {
    pub(crate) failure: Failure,
    /// What the sidecar had to say at the end.
    pub(crate) told: String,
    /// All that was done, to the end of the burst in question.
    pub(crate) plan: Plan,
    pub(crate) tally: Tally,
}

/// How a run is carried out.
pub(crate) struct Runner<L> {
    /// Starts a sidecar for a root, as asked for.
    pub(crate) launch: L,
    /// How long events, and freshness, may take.
    pub(crate) patience: Duration,
}

impl<D: Driver, L: Fn(&Path, &Serve) -> D> Runner<L> {
    /// Does the setup, and burst after burst.
    pub(crate) fn run(
        &self,
        serve: &Serve,
        setup: &[Operation],
        bursts: impl IntoIterator<Item = Burst>,
    ) -> Result<Tally, Box<Diverged>> {
        let mut plan = Plan { serve: serve.clone(), setup: setup.to_vec(), bursts: Vec::new() };
        let workspace = Workspace::empty();
        fs::create_dir(workspace.outer().join("stash")).unwrap();
        let mut tally = Tally::default();
        for operation in setup {
            count(&mut tally, operation, apply(&workspace, operation));
        }
        let disk = Disk::scan(&workspace.root, &[]);
        let driver = (self.launch)(&workspace.root, serve);
        let (mut client, anchor) = match Client::start(driver, serve.watch != "off", self.patience, &disk) {
            Ok(started) => started,
            Err((failure, told)) => return Err(Box::new(Diverged { failure, told, plan, tally })),
        };
        client.tally.add(tally);
        let mut run = Run { workspace, client, first: anchor.clone(), last: anchor };
        for burst in bursts {
            let result = run.burst(&burst);
            plan.bursts.push(burst);
            if let Err(failure) = result {
                let (told, tally) = (run.client.driver.told(), std::mem::take(&mut run.client.tally));
                run.client.driver.abandon();
                return Err(Box::new(Diverged { failure, told, plan, tally }));
            }
        }
        // The workspace goes last.
        let Run { workspace: _workspace, client, .. } = run;
        match client.finish() {
            (tally, Ok(())) => Ok(tally),
            (tally, Err(failure)) => Err(Box::new(Diverged { failure, told: String::new(), plan, tally })),
        }
    }

    /// Does a whole plan.
    pub(crate) fn replay(&self, plan: &Plan) -> Result<Tally, Box<Diverged>> {
        self.run(&plan.serve, &plan.setup, plan.bursts.iter().cloned())
    }
}

struct Run<D> {
    workspace: Workspace,
    client: Client<D>,
    /// An answer from some bursts ago.
    first: Anchor,
    /// The last full listing.
    last: Anchor,
}

impl<D: Driver> Run<D> {
    fn burst(&mut self, burst: &Burst) -> Result<(), Failure> {
        let Burst { operations, ask } = burst;
        let mut midway = None;
        for (at, operation) in operations.iter().enumerate() {
            if ask.midway == Some(at) {
                midway = Some(self.client.send(vec![("glob", listing_params())])?);
            }
            count(&mut self.client.tally, operation, apply(&self.workspace, operation));
        }
        let answers = self.first_answers(burst)?;
        let disk = Disk::scan(&self.workspace.root, &ask.patterns);
        if ask.first == First::Events {
            self.client.events(&disk)?;
        }
        for answer in answers {
            answer.check(&disk)?;
        }
        // What was asked in between has no state of the tree to be compared with.
        for sent in midway.into_iter().flatten() {
            self.client.take(&sent)?;
        }
        let now = self.client.listing(&disk)?;
        for pattern in &ask.patterns {
            self.client.search(pattern, &disk)?;
        }
        let mut random = Random::new(ask.sample);
        self.client.stat(&sample(operations, &disk, &mut random), &disk)?;
        self.client.changes(&self.last, Scope::ALL, &disk)?;
        if random.one_in(4) {
            self.client.changes(&self.first, Scope { include: &["*.ts"], exclude: &["src"] }, &disk)?;
            self.first = now.clone();
        }
        self.last = now;
        self.client.events(&disk)?;
        self.client.tally.bursts += 1;
        self.client.tally.files += disk.listing.len();
        Ok(())
    }

    /// What is asked before anybody else looks at the disk.
    fn first_answers(&mut self, burst: &Burst) -> Result<Vec<Answer>, Failure> {
        let client = &mut self.client;
        let pattern = burst.ask.patterns.first().map_or("<<none>>", String::as_str);
        let (listing, search) = (("glob", listing_params()), ("search", search_params(pattern)));
        let asked = Instant::now();
        match burst.ask.first {
            First::Events => Ok(Vec::new()),
            First::Listing => {
                let result = client.ask_synced(listing)?;
                client.tally.listing_times.push(asked.elapsed());
                Ok(vec![Answer::Listing(result)])
            }
            First::Search => {
                let result = client.ask_synced(search)?;
                client.tally.search_times.push(asked.elapsed());
                Ok(vec![Answer::Search(pattern.to_owned(), result)])
            }
            First::Together => {
                let sent: [Sent; 3] = client.send(vec![listing.clone(), search, listing])?.try_into().unwrap();
                let [first, second, third] = sent.map(|sent| client.synced(sent));
                Ok(vec![Answer::Listing(first?), Answer::Search(pattern.to_owned(), second?), Answer::Listing(third?)])
            }
            First::Paths => {
                let touched: BTreeSet<String> =
                    burst.operations.iter().flat_map(Operation::touched).map(str::to_owned).collect();
                client.ask_synced(("sync", json!({ "paths": touched, "timeoutMs": SYNC_TIMEOUT_MS })))?;
                client.tally.sync_times.push(asked.elapsed());
                let eventual = json!({ "include": ["**"], "fields": ["hash"], "consistency": "eventual" });
                Ok(vec![Answer::Paths(touched, client.ask("glob", eventual)?)])
            }
        }
    }
}

/// Some paths of each sort: touched, listed, directories.
fn sample(operations: &[Operation], disk: &Disk, random: &mut Random) -> Vec<String> {
    let touched: Vec<&str> = operations.iter().flat_map(Operation::touched).collect();
    let listed: Vec<&str> = disk.listing.keys().map(String::as_str).collect();
    let directories: Vec<&str> = disk.directories.iter().map(String::as_str).collect();
    let mut sample = Vec::new();
    for from in [touched, listed, directories] {
        for _ in 0..from.len().min(4) {
            sample.push(random.pick(&from).to_owned());
        }
    }
    sample
}

fn count(tally: &mut Tally, operation: &Operation, done: std::io::Result<()>) {
    tally.operations += 1;
    if let Err(error) = done {
        tally.skipped += 1;
        if error.kind() != ErrorKind::Unsupported {
            tally.misfits.push(format!("{error}: {operation:?}"));
        }
    }
}
