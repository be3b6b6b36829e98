//! `shutdown`: finish what is in flight, then exit.

use super::{Context, Empty, Lane, Method};
use crate::error::{Error, Result};

/// The method.
pub struct Shutdown;

impl Method for Shutdown {
    const NAME: &'static str = "shutdown";
    const SUMMARY: &'static str = "Answers once the requests in flight are answered; then the process exits with status 0. Later requests answer `shutting_down`.";
    const LANE: Lane = Lane::Control;
    type Params = Empty;
    type Output = Empty;

    fn run(_: Empty, _: &Context) -> Result<Empty> {
        Err(Error::internal("`shutdown` is answered by the server loop"))
    }
}
