//! Owns `latchkeep log show`: what happened; and who does the other `latchkeep log` commands.
//!
//! Read next: [`super::log_verify`].

use std::collections::HashMap;
use std::ops::ControlFlow;

use latchkeep::{Event, LogEntry, Position, Record, SecretId, limits, view};
use serde_json::{Value, json};

use super::summary::{self, Numbers};
use super::{log_accept, log_export, log_proof, log_replay, log_verify};
use crate::args::{LogCommand, LogErase, LogShow, SecretArg};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::out::{Out, bold};
use crate::scene::Scene;
use crate::times::shown as shown_time;
use crate::{find, out};

/// Does what a command about the log asks.
pub(crate) fn run(command: &LogCommand, scene: &mut Scene) -> Result<Exit, Failure> {
    if let Some(outcome) = without_store(command, &mut scene.out) {
        return outcome;
    }
    match command {
        LogCommand::Show(args) => show(args, scene),
        LogCommand::Erase(args) => erase(args, scene),
        LogCommand::Export(args) => log_export::run(args, scene),
        LogCommand::Verify(args) => log_verify::own(args, scene),
        LogCommand::Checkpoint(args) => log_proof::checkpoint(args, scene),
        LogCommand::Prove(args) => log_proof::prove(args, scene),
        LogCommand::Keys(args) => log_proof::keys(args, scene),
        LogCommand::AcceptRestore(args) => log_accept::run(args, scene),
        // Those need no store.
        LogCommand::Replay(_) | LogCommand::VerifyProof(_) => Ok(Exit::Done),
    }
}

/// Tells whether a command is about an export or a proof.
pub(crate) const fn needs_no_store(command: &LogCommand) -> bool {
    match command {
        LogCommand::Verify(args) => args.export.is_some(),
        LogCommand::Replay(_) | LogCommand::VerifyProof(_) => true,
        _ => false,
    }
}

/// Does what a command about an export or a proof asks, which needs no store; nothing when it is about a store.
pub(crate) fn without_store(command: &LogCommand, out: &mut Out) -> Option<Result<Exit, Failure>> {
    match command {
        LogCommand::Verify(args) => args.export.as_deref().map(|export| log_verify::export(args, export, out)),
        LogCommand::Replay(args) => Some(log_replay::run(args, out)),
        LogCommand::VerifyProof(args) => Some(log_proof::verify(args, out)),
        _ => None,
    }
}

/// Shows records.
fn show(args: &LogShow, scene: &mut Scene) -> Result<Exit, Failure> {
    let size = scene.store().status()?.log_size.get();
    let from = args.last.map_or(args.from, |last| size.saturating_sub(last));
    let only = args.secret.as_deref().map(|named| subject(scene, named)).transpose()?;
    let mut known = Known::of(scene);
    let (mut failed, store) = (None, scene.store().clone());
    store.for_each_record(Position::new(from), |entry| match show_one(scene, &mut known, only, &entry) {
        Ok(()) => ControlFlow::Continue(()),
        Err(failure) => {
            failed = Some(failure);
            ControlFlow::Break(())
        }
    })?;
    failed.map_or(Ok(Exit::Done), Err)
}

/// Erases bodies: those named, or all about one secret that the log has by now.
pub(crate) fn erase(args: &LogErase, scene: &mut Scene) -> Result<Exit, Failure> {
    let (mut erased, mut restated) = (0_u64, 0_u64);
    let mut run = |positions: Vec<Position>| -> Result<(), Failure> {
        let count = u64::try_from(positions.len()).unwrap_or(u64::MAX);
        let receipt = scene.session.erase_bodies(positions)?;
        erased = erased.saturating_add(count);
        restated = restated.saturating_add(u64::from(receipt.events).saturating_sub(1));
        Ok(())
    };
    match &args.secret {
        None => run(args.positions.iter().copied().map(Position::new).collect())?,
        Some(named) => {
            let secret = subject(scene, named)?;
            let end = scene.store().status()?.log_size;
            let mut from = Position::FIRST;
            loop {
                let mut found = scene.store().erasable_records(secret, from, limits::BODIES_ERASED_MAX)?;
                found.retain(|position| *position < end);
                let Some(last) = found.last() else { break };
                from = last.next();
                run(found)?;
            }
        }
    }
    if scene.out.is_json() {
        scene.out.json(&json!({ "erased": erased, "restated": restated }))?;
    } else {
        let (erased, restated) = (summary::counted(erased, "record"), summary::counted(restated, "record"));
        scene.out.line(format!("erased the bodies of {erased}; what still stands is restated in {restated}"))?;
    }
    Ok(Exit::Done)
}

/// Finds whom records are about; an id also when the secret is deleted.
pub(super) fn subject(scene: &Scene, named: &str) -> Result<SecretId, Failure> {
    let argument = SecretArg { secret: named.to_owned(), secret_type: None };
    match (find::secret(scene.store(), &argument), SecretId::parse(named)) {
        (Ok(secret), _) => Ok(secret.id),
        (Err(_), Ok(id)) => Ok(id),
        (Err(failure), Err(_)) => Err(failure.hint("a deleted secret is named by its id, which log show --json gives")),
    }
}

/// What turns ids into what people call things.
#[derive(Default)]
pub(super) struct Known {
    names: HashMap<SecretId, String>,
    numbers: Numbers,
}

impl Known {
    pub(super) fn of(scene: &Scene) -> Self {
        let mut known = Self::default();
        for secret in scene.store().secrets() {
            known.names.insert(secret.id, secret.metadata.name.to_string());
            known.numbers.learn_secret(&secret);
        }
        known
    }

    /// Gives the numbers of versions.
    pub(super) const fn numbers(&self) -> &Numbers {
        &self.numbers
    }

    /// Gives the name of a secret; its id where no name is known.
    pub(super) fn name(&self, id: SecretId) -> String {
        self.names.get(&id).cloned().unwrap_or_else(|| id.to_string())
    }

    /// Takes what is deleted by now from the records of its making.
    pub(super) fn learn(&mut self, record: &Record) {
        self.numbers.learn(&record.event);
        if let (Event::SecretCreated(event), Some(subject)) = (&record.event, record.subject) {
            self.names.entry(subject.secret).or_insert_with(|| event.metadata.name.to_string());
        }
    }
}

pub(super) fn show_one(
    scene: &mut Scene,
    known: &mut Known,
    only: Option<SecretId>,
    entry: &LogEntry,
) -> Result<(), Failure> {
    match entry {
        LogEntry::Known(record) => {
            known.learn(record);
            if only.is_some() && record.secret() != only {
                return Ok(());
            }
            if scene.out.is_json() { scene.out.line(to_json(entry)) } else { line(scene, known, record) }
        }
        LogEntry::Opaque { position, recorded_at, context, secret, event_type, erased, .. }
            if only.is_none() || *secret == only =>
        {
            if scene.out.is_json() {
                return scene.out.line(to_json(entry));
            }
            let label = Event::label_of(*event_type).map_or_else(|| format!("event {event_type}"), str::to_owned);
            let about = secret.map(|id| known.name(id)).unwrap_or_default();
            let why = if *erased { "its body was erased" } else { "a later release wrote it" };
            let (time, actor) = (shown_time(*recorded_at), &context.actor);
            scene.out.line(format!("{position}\t{time}\t{actor}\t{about}\t{label}\t{why}"))
        }
        _ => Ok(()),
    }
}

fn line(scene: &mut Scene, known: &Known, record: &Record) -> Result<(), Failure> {
    let about = record.secret().map(|id| known.name(id)).unwrap_or_default();
    let what = summary::of(&record.event, &known.numbers);
    let (position, time, actor) = (record.position.get(), shown_time(record.recorded_at), &record.context.actor);
    let label = record.event.label();
    if scene.out.is_terminal() {
        let label = if record.event.refusal().is_some() { out::red(label) } else { bold(label) };
        scene.out.line(format!("{position:>6}  {time}  {actor}  {about}  {label}  {what}"))
    } else {
        scene.out.line(format!("{position}\t{time}\t{actor}\t{about}\t{label}\t{}", what.replace(['\n', '\t'], " ")))
    }
}

/// Shows an entry of the log to programs.
pub(super) fn to_json(entry: &LogEntry) -> Value {
    json!(view::LogEntry::from(entry))
}

/// Shows bytes as people compare them.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing into memory does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
