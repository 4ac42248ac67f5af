//! Owns how the writer erases bodies: alone. It first waits until all pending commits are durable, erases, and waits
//! until the erasure is durable. So the stored rows match the writer's state while it rewrites them.
//!
//! Read next: [`super::super::erasure`].

use std::collections::BTreeSet;

use crate::domain::command::{Command, Terms};
use crate::domain::decide::{Verdict, judge};
use crate::domain::position::Position;
use crate::error::Error;

use super::Writer;
use crate::engine::erasure::rewrite;
use crate::engine::queue::Order;
use crate::engine::reply::{Done, Outcome};

impl Writer {
    /// Erases bodies and waits until that is durable.
    pub(super) fn erase(&mut self, order: Order) {
        let Order { command, terms, reply, .. } = order;
        self.settle();
        if let Some(error) = self.shared.poison.error() {
            return reply.give(Err(error));
        }
        let outcome = self.try_erase(&command, &terms);
        self.group.answer(reply, outcome);
        self.settle();
    }

    fn try_erase(&mut self, command: &Command, terms: &Terms) -> Outcome {
        let Command::EraseBodies { bodies } = command else {
            return Err(Error::internal("something else was to be done than erase bodies"));
        };
        let now = self.stamp()?;
        self.find_room(terms, now)?;
        let events = match judge(&self.snapshot.state, command, terms, now) {
            Verdict::Accept(decision) => decision.events,
            Verdict::Refuse(refusal, event) => {
                if let Some(event) = event {
                    self.append(vec![(None, event)], terms, now)?;
                }
                return Ok(Err(refusal));
            }
            Verdict::Remembered(outcome) => {
                return Ok(outcome.map(|receipt| Done { receipt, takes_data: false }));
            }
        };
        let positions: BTreeSet<Position> = bodies.iter().map(|body| body.position).collect();
        let rewritten = match rewrite(&*self.shared.storage, &positions)? {
            Ok(rewritten) => rewritten,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let receipt = self.append(events, terms, now)?;
        if let Err(error) = self.group.erase(&mut self.snapshot, &rewritten, bodies, &*self.shared.storage) {
            // Its events are already in the group; without its rows they must not become durable. The group has nothing
            // else.
            self.take_back(&|| Error::not_written("what was decided before an erasure was taken back with it"));
            return Err(error);
        }
        Ok(Ok(Done { receipt, takes_data: false }))
    }
}
