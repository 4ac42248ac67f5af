//! Owns what headers tell of groups whose words are hidden: when some group was made, and when some group changed.
//!
//! A header does not say which group it is about, so what is restated of one is held to the first and the last of these
//! times, and to all of it where nothing was hidden. Two pairs of times are kept, however many groups there were. Read next:
//! [`super::super::walk`].

use std::ops::RangeInclusive;

use super::super::super::event::{Event, GroupCreated, GroupRestated, GroupUpdated};
use super::super::super::event_shape::Kind;
use super::super::super::record::Record;
use super::super::super::state::State;
use super::super::super::step::HiddenRecord;
use super::super::super::time::Timestamp;
use super::super::{Rule, hold};

/// What is known of groups of which not everything was seen.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct HiddenGroups {
    /// When the first and the last of them were made.
    made: Option<RangeInclusive<Timestamp>>,
    /// When they were made or changed, the first and the last time.
    changed: Option<RangeInclusive<Timestamp>>,
    /// Whether there may be groups of which no header was seen.
    is_open: bool,
}

impl HiddenGroups {
    /// Begins in the middle of a log: there may be any group.
    pub(in super::super) fn unknown() -> Self {
        Self { is_open: true, ..Self::default() }
    }

    /// Takes a record of the whole store in whose event cannot be read.
    pub(in super::super) fn take(&mut self, record: &HiddenRecord) {
        let at = record.recorded_at;
        match record.number {
            <GroupCreated as Kind>::NUMBER => {
                widen(&mut self.made, at);
                widen(&mut self.changed, at);
            }
            <GroupUpdated as Kind>::NUMBER => widen(&mut self.changed, at),
            // It changes nothing.
            <GroupRestated as Kind>::NUMBER => {}
            // A later release may do anything to groups.
            _ => self.is_open = true,
        }
    }

    /// Holds the restatement of a group to what is known of it, and notes the change of one whose creation is hidden.
    pub(in super::super) fn check(&mut self, state: &State, record: &Record) -> Result<(), Rule> {
        if let Event::GroupUpdated(event) = &record.event
            && !state.has_group(event.group)
        {
            widen(&mut self.changed, record.recorded_at);
        }
        let Event::GroupRestated(event) = &record.event else { return Ok(()) };
        if self.is_open {
            return Ok(());
        }
        let lies_in =
            |range: &Option<RangeInclusive<Timestamp>>, at| range.as_ref().is_some_and(|range| range.contains(&at));
        match state.whole.groups.get(&event.group) {
            Some(group) => {
                let known = GroupRestated::of(event.group, group);
                let is_changed = known.created_at == event.created_at && lies_in(&self.changed, event.updated_at);
                hold(known == *event || is_changed, Rule::RestatedOtherwise)
            }
            None if self.made.is_none() => Err(Rule::GroupMissing),
            None => hold(
                lies_in(&self.made, event.created_at) && lies_in(&self.changed, event.updated_at),
                Rule::RestatedOtherwise,
            ),
        }
    }
}

/// Makes a range hold a time.
fn widen(range: &mut Option<RangeInclusive<Timestamp>>, at: Timestamp) {
    *range = Some(match range.take() {
        Some(range) => (*range.start()).min(at)..=(*range.end()).max(at),
        None => at..=at,
    });
}
