//! Owns the rules for erasing bodies: which ones, and what has to be restated for those who cannot read them any more.
//!
//! Whether a body is there, and may be erased, the header of its record tells; whoever asks has looked at it.

use std::collections::BTreeSet;

use super::super::erasable::{About, Erasable};
use super::super::event::{BodiesErased, Event, GroupRestated};
use super::super::limits;
use super::super::position::Position;
use super::super::refusal::Refusal;
use super::super::restate::restated;
use super::super::secret::Secret;
use super::super::size::{body_bytes, record_bytes};
use super::super::state::State;
use super::Decision;

pub(super) fn erase(state: &State, bodies: &[Erasable]) -> Result<Decision, Refusal> {
    let positions: BTreeSet<Position> = bodies.iter().map(|body| body.position).collect();
    if positions.is_empty() || positions.len() > limits::BODIES_ERASED_MAX {
        return Err(Refusal::invalid("positions", "takes 1 to 1,000 of them"));
    }
    if positions.last().is_some_and(|last| *last >= state.log_size()) {
        return Err(Refusal::invalid("positions", "goes beyond the end of the log"));
    }
    let mut decision = Decision::default().then(BodiesErased { positions: positions.into_iter().collect() });
    let about: BTreeSet<About> = bodies.iter().map(|body| body.about).collect();
    let mut bytes = 0_usize;
    for about in about {
        match about {
            About::Group(id) => {
                if let Some(group) = state.whole.groups.get(&id) {
                    decision = decision.then(GroupRestated::of(id, group));
                }
            }
            About::Secret(id) => {
                let Some(secret) = state.secret(id) else { continue };
                let events = restatement(secret, &mut bytes)?;
                decision.events.extend(events.into_iter().map(|event| (Some(id), event)));
            }
        }
    }
    if decision.events.len() > limits::BATCH_EVENTS_MAX {
        return Err(Refusal::invalid("positions", "are about too much at once; erase fewer at a time"));
    }
    Ok(decision)
}

/// Gives what restates a secret, as long as it fits beside `bytes` that are restated already.
fn restatement(secret: &Secret, bytes: &mut usize) -> Result<Vec<Event>, Refusal> {
    let events: Vec<Event> = restated(secret).collect();
    *bytes = bytes.saturating_add(events.iter().map(record_bytes).sum());
    if *bytes > limits::RESTATED_BYTES_MAX {
        return Err(Refusal::invalid("positions", "are about too much at once; erase fewer at a time"));
    }
    if events.iter().map(body_bytes).any(|bytes| bytes > limits::EVENT_BYTES_MAX) {
        let rule = "are about a secret that says too much of itself to be restated; shorten its metadata first";
        return Err(Refusal::invalid("positions", rule));
    }
    Ok(events)
}
