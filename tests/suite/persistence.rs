//! What is kept between runs makes the next start faster and nothing else: every answer is that of a start without it.
#![cfg(target_os = "linux")]

mod damage;
mod facts;
mod kept;
mod places;
mod restarts;
mod writers;
