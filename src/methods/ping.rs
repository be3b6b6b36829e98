//! `ping`: is anybody there?

use schemars::JsonSchema;
use serde::Serialize;

use super::{Context, Empty, Lane, Method};
use crate::error::Result;
use crate::protocol::PROTOCOL_VERSION;

/// The method.
pub struct Ping;

/// The result of `ping`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PingResult {
    /// The version of the program.
    pub version: &'static str,
    /// The version of the contract.
    pub protocol_version: u32,
    /// The process.
    pub pid: u32,
    /// Milliseconds since the process started.
    pub uptime_ms: u64,
}

impl PingResult {
    /// The answer of a process that has been up for `uptime`.
    pub fn new(uptime: std::time::Duration) -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION"),
            protocol_version: PROTOCOL_VERSION,
            pid: std::process::id(),
            uptime_ms: uptime.as_millis() as u64,
        }
    }
}

impl Method for Ping {
    const NAME: &'static str = "ping";
    const SUMMARY: &'static str = "Answers at once, however busy the sidecar is.";
    const LANE: Lane = Lane::Control;
    type Params = Empty;
    type Output = PingResult;

    fn run(_: Empty, context: &Context) -> Result<PingResult> {
        Ok(PingResult::new(context.shared.started.elapsed()))
    }
}
