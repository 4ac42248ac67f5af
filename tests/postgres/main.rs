//! The issuers of PostgreSQL accounts, with a real server that each test starts itself and stops in the middle.
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

#[cfg(feature = "cli")]
mod command;
mod faults;
mod kit;
mod life;
#[path = "../crash/omission.rs"]
mod omission;
mod power;
mod proxy;
mod support;
mod tls;
mod worker;
