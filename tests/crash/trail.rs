//! Owns holding the log against what was acknowledged: every batch of every thread, in order, and nothing beside.

use std::collections::{BTreeMap, VecDeque};
use std::ops::ControlFlow;

use latchkeep::{LogEntry, Position, Store};

use super::acks::{Ack, Acks};
use super::model::{Answer, Model};
use super::plan::Step;

/// The records of one command.
#[derive(Debug)]
struct Batch {
    /// The position of the last one.
    position: u64,
    events: u32,
    revision: Option<u64>,
    labels: Vec<&'static str>,
}

impl Batch {
    fn is_of_epochs(&self) -> bool {
        self.labels.iter().all(|label| matches!(*label, "EpochRolled" | "EpochRetired"))
    }

    fn is_refusal(&self) -> bool {
        self.labels.iter().all(|label| label.ends_with("Refused"))
    }
}

/// Holds the log against the acknowledgements, and adds to them the steps that were on their way and came through.
pub fn follow(store: &Store, acks: &mut Acks, seed: u64, threads: u64) -> Result<Vec<Ack>, String> {
    let mut trails = batches(store)?;
    let mut found = Vec::new();
    for thread in 0..threads {
        let mut trail = trails.remove(&format!("t{thread}")).unwrap_or_default();
        let (model, steps) = acks.replay(seed, thread)?;
        for (ack, step) in acks.of(thread).iter().zip(&steps) {
            consume(&mut trail, step, ack)?;
        }
        if let Some(ack) = on_its_way(&mut trail, model, store)? {
            acks.add(ack.clone())?;
            found.push(ack);
        }
    }
    trails.remove("latchkeep");
    trails.remove("checker");
    match trails.into_iter().next() {
        Some((actor, trail)) => Err(format!("FAIL nobody is called {actor}: {trail:?}")),
        None => Ok(found),
    }
}

fn batches(store: &Store) -> Result<BTreeMap<String, VecDeque<Batch>>, String> {
    let mut trails: BTreeMap<String, VecDeque<Batch>> = BTreeMap::new();
    let (mut next, mut failed, mut labels) = (0_u64, None, Vec::new());
    let shown = store.for_each_record(Position::FIRST, |entry| {
        let LogEntry::Known(record) = entry else {
            failed = Some("FAIL a record that nobody knows".to_owned());
            return ControlFlow::Break(());
        };
        if record.position.get() != next || usize::from(record.index) != labels.len() {
            failed = Some(format!("FAIL a gap in the log before {}", record.position));
            return ControlFlow::Break(());
        }
        next += 1;
        labels.push(record.event.label());
        if record.ends_batch() {
            let batch = Batch {
                position: record.position.get(),
                events: u32::from(record.count),
                revision: record.subject.map(|subject| subject.revision.get()),
                labels: std::mem::take(&mut labels),
            };
            trails.entry(record.context.actor.as_str().to_owned()).or_default().push_back(batch);
        }
        ControlFlow::Continue(())
    });
    shown.map_err(|error| format!("FAIL the log cannot be read: {error}"))?;
    if !labels.is_empty() {
        failed = Some("FAIL the last batch is half there".to_owned());
    }
    failed.map_or(Ok(trails), Err)
}

/// Takes from the trail what an acknowledged step must have left there.
fn consume(trail: &mut VecDeque<Batch>, step: &Step, ack: &Ack) -> Result<(), String> {
    let lost = |trail: &VecDeque<Batch>| format!("LOST {step:?}, {ack} the log goes on with {:?}", trail.front());
    match (step, &ack.answer) {
        (Step::RollEpoch, _) => {
            let before = trail.len();
            while trail.front().is_some_and(Batch::is_of_epochs) {
                trail.pop_front();
            }
            if before - trail.len() < 2 { Err(lost(trail)) } else { Ok(()) }
        }
        (Step::AddSlot { .. }, _) => match trail.pop_front() {
            Some(batch) if batch.labels == ["KeySlotAdded"] => Ok(()),
            _ => Err(lost(trail)),
        },
        (_, Answer::Refused(code)) if code == "secret_version_locked" => match trail.pop_front() {
            Some(batch) if batch.is_refusal() => Ok(()),
            _ => Err(lost(trail)),
        },
        (_, Answer::Refused(_)) => Ok(()),
        (_, Answer::Done) => {
            let Some(position) = ack.position else { return Ok(()) };
            match trail.pop_front() {
                Some(batch)
                    if batch.position == position
                        && batch.events == ack.events
                        && (ack.revision.is_none() || batch.revision == ack.revision) =>
                {
                    Ok(())
                }
                other => Err(format!("LOST {step:?}, {ack} the log has {other:?} there")),
            }
        }
    }
}

/// Looks at what is left: the one step that was begun, whole, or nothing.
fn on_its_way(trail: &mut VecDeque<Batch>, mut model: Model, store: &Store) -> Result<Option<Ack>, String> {
    let (thread, number, step) = (model.thread, model.step, model.plan());
    let epoch = model.epoch;
    let answer = model.take(&step);
    let invented = |batch: &Batch| Err(format!("FAIL nobody asked for {batch:?}; thread {thread} was at {step:?}"));
    if step == Step::RollEpoch {
        if let Some(batch) = trail.iter().find(|batch| !batch.is_of_epochs()) {
            return invented(batch);
        }
        let epochs = store.status().map_err(|error| error.to_string())?.epochs;
        let (fresh, is_done) = (epoch + 1, epochs == [epoch + 1]);
        if !is_done && epochs != [epoch] && epochs != [epoch, fresh] {
            return Err(format!("FAIL epochs {epochs:?} where {epoch} was in force"));
        }
        return Ok(is_done.then(|| found(thread, number, answer, None)));
    }
    let Some(batch) = trail.pop_front() else { return Ok(None) };
    if let Some(more) = trail.front() {
        return invented(more);
    }
    let is_refused = answer != Answer::Done;
    if batch.is_refusal() != is_refused {
        return invented(&batch);
    }
    Ok(Some(found(thread, number, answer, Some(&batch))))
}

fn found(thread: u64, step: u64, answer: Answer, batch: Option<&Batch>) -> Ack {
    let batch = batch.filter(|_| answer == Answer::Done);
    Ack {
        thread,
        step,
        answer,
        position: batch.map(|batch| batch.position),
        events: batch.map_or(0, |batch| batch.events),
        revision: batch.and_then(|batch| batch.revision),
        made: None,
        digest: None,
    }
}
