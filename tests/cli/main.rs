//! The command line as people and scripts use it: the built program is run, and what it says and leaves is looked at.
//! One binary; a file per area.
#![allow(
    clippy::pedantic,
    clippy::disallowed_methods,
    clippy::collapsible_match,
    clippy::drop_non_drop,
    missing_docs,
    unreachable_pub,
    reason = "tests and benches ask the clock and start threads as they need"
)]

mod accepted;
mod as_of;
mod backup;
mod canary;
mod clock;
mod delays;
mod dotenv;
mod erasing;
mod exits;
mod exports;
mod forced;
mod given_up;
mod into;
mod json;
mod keys;
mod limits;
mod locks;
mod messages;
#[path = "../crash/omission.rs"]
mod omission;
mod outages;
mod pipes;
mod real_input;
mod replayed;
mod restored;
mod rotations;
mod strangers;
mod support;
mod terminal;
mod told_anew;
mod tour;
mod watch;
