//! What no writer could write, no check accepts. Honest histories in which every event occurs are changed in every way that
//! leaves hashes to be made right again, and walked along as every check does. What the rules accept, some command must lead to:
//! of each batch the command is rebuilt, and `judge` is asked.
//!
//! The table of what is accepted and why is `tests/golden/mutants.txt`; `UPDATE_GOLDEN=1` writes it.

mod histories;
mod issued;
mod mutation;
mod reasons;
mod rebuild;
mod trail;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::super::{Decision, Verdict, judge};
use super::erasure::erasable;
use crate::domain::batch::remember;
use crate::domain::command::Terms;
use crate::domain::erasable::Erasable;
use crate::domain::event::Event;
use crate::domain::evolve::evolve;
use crate::domain::id::{LogId, SecretId};
use crate::domain::legal::IllegalStep;
use crate::domain::legal::walk::Walk;
use crate::domain::position::Position;
use crate::domain::record::Record;
use crate::domain::state::State;
use crate::domain::step::HiddenRecord;
use histories::History;
use mutation::{Batches, Mutant, Numbers};

const LOG: LogId = LogId::from_bytes([7; 16]);

/// A log, with what a writer knows of it.
#[derive(Clone, Default)]
struct Written {
    state: State,
    /// Bodies that can be erased, and are not.
    erasable: Vec<Erasable>,
    /// Whether release 0.1 cannot have written it.
    is_newer: bool,
}

impl Written {
    fn take(&mut self, batch: &[Record]) {
        batch.iter().for_each(|record| evolve(&mut self.state, record));
        remember(&mut self.state, batch);
        for record in batch {
            self.is_newer |= matches!(
                record.event,
                Event::AttemptCounted(_)
                    | Event::HoldOverridden(_)
                    | Event::CredentialKept(_)
                    | Event::StoreRestored(_)
                    | Event::StrangersFound(_)
                    | Event::ClockHeld(_)
                    | Event::ClockConfirmed(_)
                    | Event::ClockRebased(_)
            );
            self.erasable.extend(erasable(record));
            if let Event::BodiesErased(event) = &record.event {
                self.erasable.retain(|body| !event.positions.contains(&body.position));
            }
        }
    }

    /// Tells whether some command, clock and answer of an issuer make the writer write a batch.
    fn can_write(&self, batch: &[Record]) -> bool {
        let head = &batch[0];
        let is_one =
            batch.iter().all(|record| record.context == head.context && record.recorded_at == head.recorded_at);
        let events: Vec<_> =
            batch.iter().map(|record| (record.subject.map(|subject| subject.secret), record.event.clone())).collect();
        is_one
            && match &head.event {
                Event::StoreCreated(_) => head.position == Position::FIRST && trail::is_creation(&events),
                Event::ClockRanBack(event) => {
                    let last_at = self.state.whole.last_at;
                    // It is said once while times stand still; release 0.1 said it after each opening.
                    let is_said = self.is_newer && self.state.whole.clocks.ran_back_at == Some(last_at);
                    batch.len() == 1 && event.observed_at < last_at && head.recorded_at == last_at && !is_said
                }
                Event::StoreRestored(event) => trail::is_restore(&self.state, event, &events, head.recorded_at),
                // Times stand still until then.
                Event::ClockRebased(_) if head.recorded_at != self.state.whole.last_at => false,
                _ => self.is_decided(batch, &events),
            }
    }

    fn is_decided(&self, batch: &[Record], events: &[(Option<SecretId>, Event)]) -> bool {
        let head = &batch[0];
        let context = head.context.clone();
        let commands = rebuild::commands(&self.state, batch, &self.erasable);
        commands.iter().any(|command| {
            [false, true].into_iter().any(|force| {
                let idempotency = context.idempotency.clone();
                let terms = Terms { force, idempotency, ..Terms::by(context.actor.clone()) };
                match judge(&self.state, command, &terms, head.recorded_at) {
                    Verdict::Accept(Decision { events: decided, .. }) => {
                        decided == events || (!self.is_newer && as_first(decided) == events)
                    }
                    Verdict::Refuse(_, Some(event)) => matches!(events, [(None, only)] if *only == event),
                    Verdict::Refuse(_, None) | Verdict::Remembered(_) => false,
                }
            })
        })
    }
}

/// What release 0.1 made of a command: it neither counted attempts, nor went over a grace or consumers.
fn as_first(mut decided: Vec<(Option<SecretId>, Event)>) -> Vec<(Option<SecretId>, Event)> {
    decided.retain(|(_, event)| !matches!(event, Event::AttemptCounted(_) | Event::HoldOverridden(_)));
    decided
}

/// A history, with what there is in front of each of its batches.
struct Walked {
    batches: Batches,
    before: Vec<(Walk, Written)>,
}

impl Walked {
    fn along(history: &History) -> Self {
        let batches = mutation::batches(&history.log);
        let (mut walk, mut written, mut before) = (Walk::from_genesis(LOG), Written::default(), Vec::new());
        for batch in &batches {
            before.push((walk.clone(), written.clone()));
            let position = batch[0].position;
            let labels = mutation::labels(batch);
            assert!(written.can_write(batch), "{}, {position}: no command leads to {labels}: {batch:#?}", history.name);
            Erased(BTreeSet::new()).walk(&mut walk, batch).unwrap_or_else(|step| panic!("{}: {step}", history.name));
            written.take(batch);
        }
        before.push((walk, written));
        Self { batches, before }
    }

    /// Gives the records of a mutant that the checks do not refuse, but for those in front of what was changed, and whether all
    /// of them are seen.
    fn accepted(&self, mutant: &Mutant) -> Option<(Batches, bool)> {
        let (walk, written) = &self.before[mutant.same];
        let mut numbers = Numbers::behind(&written.state);
        let numbered: Batches = mutant.rest.iter().map(|batch| numbers.batch(batch)).collect();
        let front = &self.batches[..mutant.same];
        let erased = Erased::of(front.iter().chain(&numbered).flatten())?;
        // Where bodies are erased later on, those in front are not seen either.
        let (mut walk, front) =
            if erased.0.is_empty() { (walk.clone(), &[][..]) } else { (Walk::from_genesis(LOG), front) };
        front.iter().chain(&numbered).try_for_each(|batch| erased.walk(&mut walk, batch)).ok()?;
        Some((numbered, walk.has_seen_all()))
    }

    /// Gives the first batch of an accepted mutant that no writer could write.
    fn fault<'a>(&self, mutant: &Mutant, taken: &'a Batches) -> Option<&'a [Record]> {
        let mut written = self.before[mutant.same].1.clone();
        taken.iter().map(Vec::as_slice).find(|batch| {
            let is_fault = !written.can_write(batch);
            written.take(batch);
            is_fault
        })
    }
}

/// The bodies that a log erases.
struct Erased(BTreeSet<Position>);

impl Erased {
    /// Collects them; nothing when one is named twice, or cannot be erased, which whoever reads bodies finds.
    fn of<'a>(records: impl Iterator<Item = &'a Record>) -> Option<Self> {
        let (mut erasable, mut erased) = (BTreeSet::new(), BTreeSet::new());
        for record in records {
            if let Event::BodiesErased(event) = &record.event
                && !event.positions.iter().all(|position| erasable.remove(position) && erased.insert(*position))
            {
                return None;
            }
            if record.event.is_erasable() {
                erasable.insert(record.position);
            }
        }
        Some(Self(erased))
    }

    /// Goes along a batch as every check does.
    fn walk(&self, walk: &mut Walk, batch: &[Record]) -> Result<(), IllegalStep> {
        for record in batch {
            if self.0.contains(&record.position) {
                walk.apply_hidden(&hidden(record))?;
            } else {
                walk.apply(record)?;
            }
        }
        batch.last().into_iter().for_each(|last| walk.note_answer(last));
        Ok(())
    }
}

fn hidden(record: &Record) -> HiddenRecord {
    let Record { position, subject, recorded_at, .. } = *record;
    let (ends_batch, number) = (record.ends_batch(), record.event.number());
    HiddenRecord { position, subject, recorded_at, ends_batch, number, schema: 1 }
}

/// What became of the mutants of a kind, by the events that were changed.
#[derive(Default)]
struct Table {
    made: usize,
    /// Not refused, and not said to be legal either: bodies are erased, and the verdict is that not all was checked.
    unseen: usize,
    accepted: BTreeMap<(mutation::Kind, String), usize>,
    faults: BTreeMap<String, (usize, String)>,
}

impl Table {
    fn judge(&mut self, history: &str, walked: &Walked, mutant: &Mutant) {
        self.made += 1;
        let Some((taken, is_seen)) = walked.accepted(mutant) else { return };
        if !is_seen {
            self.unseen += 1;
            return;
        }
        *self.accepted.entry((mutant.kind, mutant.labels.clone())).or_default() += 1;
        if let Some(batch) = walked.fault(mutant, &taken) {
            let what =
                format!("{} cannot be written: {}; {}", mutation::labels(batch), mutant.kind.words(), mutant.labels);
            let events: Vec<_> = batch.iter().map(|record| &record.event).collect();
            let told = || format!("{history}, from batch {}, at {}: {events:?}", mutant.same, batch[0].recorded_at);
            self.faults.entry(what).or_insert_with(|| (0, told())).0 += 1;
        }
    }

    fn text(&self) -> String {
        let accepted: usize = self.accepted.values().sum();
        let mut text = format!(
            "{} mutants of honest histories were made. {} are refused; of {}, bodies are erased, and what is said of\n\
             them is that not all was checked; {accepted} are accepted, {} of which no writer could have written.\n",
            self.made,
            self.made - accepted - self.unseen,
            self.unseen,
            self.faults.values().map(|(count, _)| count).sum::<usize>()
        );
        let mut last = None;
        for ((kind, labels), count) in &self.accepted {
            if last.replace(*kind) != Some(*kind) {
                write!(text, "\n{}\n", kind.words()).unwrap();
            }
            let reason = reasons::of(*kind, labels).unwrap_or_else(|| panic!("{}: {labels}: no reason", kind.words()));
            writeln!(text, "  {labels} ({count}): {reason}").unwrap();
        }
        text
    }
}

fn honest() -> Vec<History> {
    use {histories as people, issued as issuers};
    vec![
        people::people(),
        people::ends(),
        people::reads(),
        people::store(),
        people::rebased(),
        people::erased(),
        issuers::values(),
        issuers::found(),
        issuers::jobs(),
        issuers::opaque(),
        issuers::endings(),
        issuers::restored(),
    ]
}

#[test]
fn every_event_occurs_in_an_honest_history() {
    let occur: BTreeSet<u16> =
        honest().iter().flat_map(|history| &history.log).map(|record| record.event.number()).collect();
    let missing: Vec<_> = (0..u16::MAX).filter(|number| !occur.contains(number)).filter_map(Event::label_of).collect();
    assert!(missing.is_empty(), "in no history: {missing:?}");
}

#[test]
fn what_no_writer_could_write_no_check_accepts() {
    let histories = honest();
    let walked: Vec<_> = histories.iter().map(|history| (history.name, Walked::along(history))).collect();
    let mut table = Table::default();
    for (at, (name, one)) in walked.iter().enumerate() {
        mutation::of(&one.batches).iter().for_each(|mutant| table.judge(name, one, mutant));
        for (other, (_, two)) in walked.iter().enumerate() {
            let mutants = mutation::spliced(&one.batches, &two.batches, at == other);
            mutants.iter().for_each(|mutant| table.judge(name, one, mutant));
        }
    }
    let told: Vec<_> = table.faults.iter().map(|(what, (count, one))| format!("{count} x {what}\n   {one}")).collect();
    check_golden(&table.text());
    assert!(told.is_empty(), "{} kinds of faults:\n{}", told.len(), told.join("\n"));
}

fn check_golden(text: &str) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/mutants.txt");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == text, "{} differs; UPDATE_GOLDEN=1 writes it, if each line may be accepted", path.display());
}
