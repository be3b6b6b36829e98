//! `cancel`: nobody waits for that answer any more.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Context, Lane, Method};
use crate::error::{Error, Result};

/// The method.
pub struct Cancel;

/// The params of `cancel`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CancelParams {
    /// The id of the request to cancel.
    pub id: String,
}

/// The result of `cancel`.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct CancelResult {
    /// Whether such a request was in flight; it answers `cancelled`.
    pub cancelled: bool,
}

impl Method for Cancel {
    const NAME: &'static str = "cancel";
    const SUMMARY: &'static str = "Stops a request in flight, which answers `cancelled`.";
    const EXAMPLE: &'static str = r#"{"id": "17"}"#;
    const LANE: Lane = Lane::Control;
    type Params = CancelParams;
    type Output = CancelResult;

    fn run(_: CancelParams, _: &Context) -> Result<CancelResult> {
        Err(Error::internal("`cancel` is answered by the server loop"))
    }
}
