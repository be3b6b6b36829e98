//! The methods, one file each: params, result, and what it does.
//!
//! A new method is a file here and a line in [`METHODS`]; its types become the JSON Schema, the
//! TypeScript types and the reference text.

pub mod cancel;
mod candidates;
pub mod changes;
mod context;
mod filters;
pub mod find_files;
pub mod glob;
pub mod module_graph;
pub mod parse;
pub mod ping;
pub mod plan_prop_edits;
pub mod query;
pub mod read_file;
pub mod read_files;
pub mod search;
pub mod shutdown;
mod size;
pub mod stat;
pub mod status;
pub mod sync;
pub mod usages;
pub mod watch;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::error::Result;
use crate::protocol::frame;

pub use filters::{Filters, Passed};

pub use context::{Config, Context, Depth, History, IndexState, Link, Server, Shared, View};

/// How much a request may take, which decides who it waits behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// Answered by the server loop itself, at once, however busy the workers are.
    Control,
    /// A few files: never waits behind [`Lane::Heavy`] ones.
    Quick,
    /// May look at the whole workspace.
    Heavy,
}

/// A method of the contract.
pub trait Method: 'static {
    /// Its name on the wire.
    const NAME: &'static str;
    /// One sentence for the reference.
    const SUMMARY: &'static str;
    /// Params as JSON, for the reference; those of a request that makes sense in `fixtures/workspace`.
    const EXAMPLE: &'static str = "{}";
    /// Who its requests wait behind.
    const LANE: Lane;
    /// The shape of `params`. Unknown fields must be refused, and lists where objects are meant (`objects_only!`).
    type Params: for<'de> Deserialize<'de> + JsonSchema;
    /// The shape of `result`.
    type Output: Serialize + JsonSchema;

    /// Answers a request, on a worker thread. Methods of [`Lane::Control`] are answered by the
    /// server loop instead.
    ///
    /// # Errors
    /// The error of the response.
    fn run(params: Self::Params, context: &Context) -> Result<Self::Output>;

    /// The response as a line of at most `max_bytes`.
    ///
    /// # Errors
    /// `response_too_large`.
    fn respond(output: &Self::Output, id: &str, max_bytes: usize) -> Result<Vec<u8>> {
        frame::success(id, output, max_bytes)
    }
}

/// A method in the table.
pub struct Entry {
    /// Its name on the wire.
    pub name: &'static str,
    /// One sentence for the reference.
    pub summary: &'static str,
    /// Params as JSON, for the reference.
    pub example: &'static str,
    /// Who its requests wait behind.
    pub lane: Lane,
    /// Answers a request: from the params as written to the response line.
    pub answer: fn(params: Option<&RawValue>, context: &Context) -> Result<Vec<u8>>,
    /// The schema of `params`.
    pub params_schema: fn(&mut SchemaGenerator) -> Schema,
    /// The schema of `result`.
    pub result_schema: fn(&mut SchemaGenerator) -> Schema,
    /// Whether params are what the method takes.
    #[cfg(test)]
    pub check_params: fn(&RawValue) -> Result<()>,
}

const fn entry<M: Method>() -> Entry {
    Entry {
        name: M::NAME,
        summary: M::SUMMARY,
        example: M::EXAMPLE,
        lane: M::LANE,
        answer: |params, context| {
            let output = M::run(frame::decode_params(params)?, context)?;
            M::respond(&output, &context.id, context.shared.config.limits.max_response_bytes as usize)
        },
        params_schema: |generator| generator.subschema_for::<M::Params>(),
        result_schema: |generator| generator.subschema_for::<M::Output>(),
        #[cfg(test)]
        check_params: |params| frame::decode_params::<M::Params>(Some(params)).map(drop),
    }
}

/// Every method there is.
pub const METHODS: &[Entry] = &[
    entry::<ping::Ping>(),
    entry::<status::Status>(),
    entry::<sync::Sync>(),
    entry::<stat::Stat>(),
    entry::<read_file::ReadFile>(),
    entry::<read_files::ReadFiles>(),
    entry::<glob::Glob>(),
    entry::<find_files::FindFiles>(),
    entry::<search::Search>(),
    entry::<parse::Parse>(),
    entry::<usages::Usages>(),
    entry::<module_graph::ModuleGraph>(),
    entry::<plan_prop_edits::PlanPropEdits>(),
    entry::<query::Query>(),
    entry::<watch::Watch>(),
    entry::<watch::Unwatch>(),
    entry::<changes::Changes>(),
    entry::<cancel::Cancel>(),
    entry::<shutdown::Shutdown>(),
];

/// Finds a method by name.
pub fn find(name: &str) -> Option<&'static Entry> {
    METHODS.iter().find(|entry| entry.name == name)
}

/// `{}`: a method without params, or without anything to say.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Empty {}
