//! `watch` and `unwatch`: being told of changes.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Context, Depth, Empty, IndexState, Lane, Method};
use crate::error::{Code, Error, Result};
use crate::glob::PathFilter;

/// The method `watch`.
pub struct Watch;

/// The params of `watch`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WatchParams {
    /// Globs of the paths to tell of; all if absent or empty.
    pub include: Option<Vec<String>>,
    /// Globs of the paths to leave out; a directory is left out with all that lies beneath it.
    pub exclude: Option<Vec<String>>,
    /// For how long nothing must change before changes are told, in milliseconds; at most 60000. While changes go on,
    /// they are told after a second (or after `settleMs`, if that is longer).
    #[schemars(extend("default" = DEFAULT_SETTLE_MS))]
    pub settle_ms: Option<u64>,
}

/// The result of `watch`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct WatchResult {
    /// The name of the subscription.
    pub subscription: String,
    /// The state from which on changes are told.
    pub clock: String,
}

const DEFAULT_SETTLE_MS: u64 = 50;
const MAX_SETTLE_MS: u64 = 60_000;

impl Method for Watch {
    const NAME: &'static str = "watch";
    const SUMMARY: &'static str = "Subscribes to changes, which `changed` events tell from then on.";
    const EXAMPLE: &'static str = r#"{"include": ["src/**"], "settleMs": 100}"#;
    const LANE: Lane = Lane::Quick;
    type Params = WatchParams;
    type Output = WatchResult;

    fn run(params: WatchParams, context: &Context) -> Result<WatchResult> {
        let filter = PathFilter::new(&params.include.unwrap_or_default(), &params.exclude.unwrap_or_default(), true)?;
        let settle = params.settle_ms.unwrap_or(DEFAULT_SETTLE_MS);
        if settle > MAX_SETTLE_MS {
            return Err(Error::param("settleMs", format!("{settle} is more than {MAX_SETTLE_MS}")));
        }
        // What the first walk finds is no change.
        if context.server.state == IndexState::Scanning {
            context.sync(Depth::Names, None)?;
        }
        let (subscription, clock) = context.link.subscribe(filter, Duration::from_millis(settle), &context.cancel)?;
        Ok(WatchResult { subscription, clock })
    }
}

/// The method `unwatch`.
pub struct Unwatch;

/// The params of `unwatch`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UnwatchParams {
    /// The name that `watch` gave.
    pub subscription: String,
}

impl Method for Unwatch {
    const NAME: &'static str = "unwatch";
    const SUMMARY: &'static str = "Ends a subscription; no event of it follows the response.";
    const EXAMPLE: &'static str = r#"{"subscription": "the name that `watch` gave"}"#;
    const LANE: Lane = Lane::Quick;
    type Params = UnwatchParams;
    type Output = Empty;

    fn run(params: UnwatchParams, context: &Context) -> Result<Empty> {
        if context.link.unsubscribe(&params.subscription, &context.cancel)? {
            return Ok(Empty {});
        }
        let shown: String = params.subscription.chars().take(100).collect();
        Err(Error::new(Code::UnknownSubscription, format!("there is no subscription {shown:?}"))
            .with("subscription", shown))
    }
}
