//! Crashes, damage and full disks: what was acknowledged is there afterwards, and what cannot be there is said.
//!
//! Processes are started from this program itself: see [`child`]. A script, `.ci/crash-states`, uses the same writer and
//! checker on the states that a power cut may leave.
#![allow(
    clippy::pedantic,
    clippy::disallowed_methods,
    clippy::collapsible_match,
    clippy::drop_non_drop,
    missing_docs,
    unreachable_pub,
    reason = "tests and benches ask the clock and start threads as they need"
)]

mod acks;
mod checker;
mod damage;
mod dice;
mod full_disk;
mod kills;
mod model;
mod omission;
mod plan;
mod support;
mod trail;
mod writer;

use std::path::PathBuf;

use support::Campaign;

/// Does what the environment says, as a process of its own: writes until it is done or dies, or checks what is left.
#[test]
#[ignore = "a part of the other tests: they start it"]
fn child() {
    println!();
    let acked = std::env::var_os("CRASH_ACKED").map(PathBuf::from);
    let code = match std::env::var("CRASH_ROLE").as_deref() {
        Ok("write") => writer::write(&Campaign::from_env(), acked.as_deref()),
        Ok("check") => {
            let campaign = Campaign::from_env();
            let acked = std::fs::read_to_string(acked.expect("CRASH_ACKED names what was printed")).unwrap();
            match checker::check(&campaign.dir, &acked, (campaign.seed, campaign.threads)) {
                Ok(checked) => {
                    checked.found.iter().for_each(|ack| print!("{ack}"));
                    println!("ok {} acknowledged, {} on their way came through", checked.acked, checked.found.len());
                    0
                }
                Err(how) => {
                    println!("{how}");
                    1
                }
            }
        }
        Ok("damage") => {
            let from = std::env::var("CRASH_FROM").unwrap().parse().unwrap();
            damage::trials(&Campaign::from_env(), &acked.expect("CRASH_ACKED names what was printed"), from);
            0
        }
        _ => return,
    };
    std::process::exit(code);
}
