//! Owns `latchkeep rotation run`: the worker, until nothing is due or somebody ends it, and what it did.
//!
//! Read next: [`super::super::issuers_file`].

use std::collections::BTreeSet;
use std::io::Read;
use std::ops::ControlFlow;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use latchkeep::{IssuerName, NewData, Position, Reason, Refusal, RotationWorker, SecretId, SweepReport, WorkerOptions};
use serde_json::{Map, Value, json};

use super::log::{Known, show_one, to_json};
use super::run_outcome::{Before, Failed, HeldByClock, exit, failed, waiting};
use super::{clock, rotation};
use crate::args::RotationRun;
use crate::exit::Exit;
use crate::failure::{self, Failure};
use crate::interrupts::{LOOK, interrupts, is_nothing_yet, stop_at};
use crate::issuers_file::Issuers;
use crate::scene::Scene;
use crate::shown::object;
use crate::times::now;
use crate::{find, issuers_file, rotations};

pub(crate) fn run(args: &RotationRun, scene: &mut Scene) -> Result<Exit, Failure> {
    let file = args.issuers.as_deref();
    let Issuers { options, by_account, problems } = issuers(file, args.recover_register.as_ref(), scene)?;
    may_begin(scene, &by_account)?;
    let from = scene.store().status()?.log_size;
    // Before anything begins, so that no interrupt is lost and none ends the process in the middle of a step.
    let interrupted = interrupts()?;
    let worker = RotationWorker::new(scene.store(), options.clone());
    rotations::warn_of_grace(scene, &worker);
    let secret = args.secret.as_deref().map(|named| begin(scene, &worker, named, args.force)).transpose()?;
    if !args.once {
        drop(worker);
        return go_on(scene, options, interrupted, from);
    }
    let told = stop_at(interrupted, worker.clone())?;
    let single = SingleRun { from, named: secret, patience: args.patience, told: &told, problems: &problems };
    once(scene, &worker, &single)
}

/// A run that ends when nothing is due.
struct SingleRun<'a> {
    from: Position,
    /// The secret that is rotated by hand, if one is.
    named: Option<SecretId>,
    patience: Duration,
    /// Whether it was told to end.
    told: &'a AtomicBool,
    /// What is wrong with issuers of the file; told when it was read.
    problems: &'a [String],
}

impl SingleRun<'_> {
    /// Gives what says why it ends as it does, beside what waits and what the sweep found.
    fn to_json(&self, failed: &[Failed]) -> Map<String, Value> {
        let (failed, interrupted): (Value, _) =
            (failed.iter().map(Failed::to_json).collect(), self.told.load(Ordering::Relaxed));
        object(json!({ "failed": failed, "problems": self.problems, "interrupted": interrupted }))
    }

    /// Gives the exit code of what came of it.
    fn exit(&self, came: Exit, is_held: bool) -> Exit {
        match came {
            _ if self.told.load(Ordering::Relaxed) => {
                failure::warn(
                    "interrupted: what was begun was brought to its next safe point, and what else is due is left",
                );
                Exit::Failed
            }
            // An issuer that cannot be used may be what something waits for.
            Exit::Done if !self.problems.is_empty() => Exit::Failed,
            Exit::Done if is_held => Exit::TimeUnconfirmed,
            came => came,
        }
    }
}

/// Refuses a run in quarantine, and warns of what a run would do to others.
fn may_begin(scene: &Scene, by_account: &BTreeSet<IssuerName>) -> Result<(), Failure> {
    if scene.store().status()?.quarantine.is_some() {
        return Err(Failure::new(
            Exit::Unavailable,
            "store_quarantined",
            "the store is in quarantine: nothing rotates",
        )
        .hint("latchkeep quarantine show tells more, latchkeep quarantine end ends it"));
    }
    for (names, is_certain) in rotations::sharing_accounts(&scene.store().secrets(), by_account) {
        let unless = if is_certain { "" } else { ", unless its program tells accounts apart by the names of secrets" };
        failure::warn(format!(
            "{} name one account to one issuer{unless}: a rotation of one ends the password that the others hold",
            names.join(", ")
        ));
    }
    Ok(())
}

/// Registers the issuers of a file, if one is named, and tells of those that cannot be used. The register of one may have to be
/// recovered.
pub(super) fn issuers(file: Option<&Path>, recovered: Option<&IssuerName>, scene: &Scene) -> Result<Issuers, Failure> {
    let Some(file) = file else {
        return Ok(Issuers { options: WorkerOptions::new(), by_account: BTreeSet::new(), problems: Vec::new() });
    };
    let read = issuers_file::read(file, &scene.session, recovered)?;
    read.problems.iter().for_each(failure::warn);
    Ok(read)
}

/// Begins a rotation by hand; a type that the store makes itself is rotated at once.
fn begin(scene: &Scene, worker: &RotationWorker, named: &str, force: bool) -> Result<SecretId, Failure> {
    let secret = find::secret(scene.store(), &rotation::named(named))?;
    let begun = if secret.spec.issuance().is_some() {
        let session = scene.session.clone();
        worker.rotate(&if force { session.by_force() } else { session }, secret.id)
    } else {
        scene.session.rotate(secret.id, NewData::generated())
    };
    match begun {
        Ok(_) => Ok(secret.id),
        Err(error) if matches!(error.refusal(), Some(Refusal::RotationOpen { .. })) => {
            let is_parked = secret.rotation.as_deref().is_some_and(|open| open.parked.is_some());
            let next = if is_parked { "rotation resume" } else { "rotation run --once" };
            Err(Failure::about(&secret)(error)
                .hint(format!("latchkeep rotation show tells where it stands; latchkeep {next} goes on with it")))
        }
        Err(error) => Err(Failure::about(&secret)(error)),
    }
}

/// Does what is due, and waits for issuers that may be back soon.
fn run_due(worker: &RotationWorker, (patience, told): (Duration, &AtomicBool)) -> Result<u64, Failure> {
    let end = now().plus(patience);
    let mut steps = worker.run_due()?;
    // Nobody says anything at the other end: a read that times out is the wait.
    let (mut quiet, _other) = UnixStream::pair()?;
    let is_on = || !told.load(Ordering::Relaxed);
    while let Some(pause) = worker.retry_in().filter(|pause| now().plus(*pause) <= end && is_on()) {
        quiet.set_read_timeout(Some(pause.saturating_add(Duration::from_millis(10)).min(LOOK)))?;
        // A wait that ends early finds nothing due, and waits again.
        let _ = quiet.read(&mut [0]);
        steps = steps.saturating_add(worker.run_due()?);
    }
    Ok(steps)
}

/// Sweeps, unless the run was told to end.
fn sweep(worker: &RotationWorker, told: &AtomicBool) -> Result<SweepReport, latchkeep::Error> {
    if told.load(Ordering::Relaxed) { Ok(SweepReport::default()) } else { worker.sweep() }
}

fn once(scene: &mut Scene, worker: &RotationWorker, single: &SingleRun<'_>) -> Result<Exit, Failure> {
    let (before, from) = (Before::of(scene)?, single.from);
    let (ran, swept) = (run_due(worker, (single.patience, single.told)), sweep(worker, single.told));
    let mut records = Vec::new();
    if scene.out.is_json() {
        tell(scene, from, &mut |_, record| {
            records.push(record);
            Ok(())
        })?;
    } else {
        tell_lines(scene, from)?;
    }
    let waiting = waiting(scene, worker);
    let (steps, swept) = (ran.inspect_err(|_| tell_waiting(&waiting))?, swept?);
    let secret = single.named.and_then(|id| scene.store().secret(id).ok());
    let is_clean = swept.problems.is_empty() && swept.strangers.is_empty();
    let failed = failed(scene, &before, single.named);
    let came = exit((&waiting, is_clean), &failed, secret.as_deref());
    let held = HeldByClock::of(scene, worker);
    let exit = single.exit(came, held.holds());
    if scene.out.is_json() {
        let why = single.to_json(&failed);
        scene.out.json(&once_json(steps, &records, (&waiting, &swept, &held), (exit, why)))?;
        return Ok(exit);
    }
    held.tell();
    tell_problems(scene, &waiting, &swept)?;
    if let Some(secret) = secret {
        let settings = scene.store().status()?.settings;
        rotation::tell(scene, &secret, settings)?;
    } else if steps == 0 {
        scene.out.line("nothing is due")?;
    }
    Ok(exit)
}

fn once_json(
    steps: u64,
    records: &[Value],
    (waiting, swept, held): (&[(String, Reason)], &SweepReport, &HeldByClock),
    (exit, why): (Exit, Map<String, Value>),
) -> Value {
    let waiting: Vec<_> = waiting.iter().map(|(name, reason)| json!({ "name": name, "reason": reason })).collect();
    let stranger = |one: &latchkeep::Stranger| json!({ "issuer": one.issuer, "rotation_id": one.rotation, "outside": one.outside });
    let strangers: Vec<_> = swept.strangers.iter().map(stranger).collect();
    let mut fields = object(json!({
        "steps": steps,
        "records": records,
        "waiting": waiting,
        "held_by_clock": held.names,
        "swept": { "listed": swept.listed, "retired": swept.retired, "problems": swept.problems, "strangers": strangers },
        "exit_code": exit as u8,
    }));
    fields.extend(why);
    fields.into()
}

fn tell_waiting(waiting: &[(String, Reason)]) {
    for (name, reason) in waiting {
        failure::warn(format!("{name} waits: {reason}"));
    }
}

/// Tells of what has to wait, and what a sweep found.
fn tell_problems(scene: &mut Scene, waiting: &[(String, Reason)], swept: &SweepReport) -> Result<(), Failure> {
    tell_waiting(waiting);
    for stranger in &swept.strangers {
        let (issuer, outside) = (&stranger.issuer, &stranger.outside);
        failure::warn(format!(
            "{issuer} has {outside}, which this log knows nothing of: it was made after the backup or copy that this store comes of, \
             and may be in use; no sweep ends anything there until latchkeep credential adopt has taken it into the store, or credential end has ended it"
        ));
    }
    for problem in &swept.problems {
        failure::warn(format!("the sweep for what nobody knows of failed: {problem}"));
    }
    if swept.retired > 0 {
        scene.out.line(format!("retired {} that no rotation knew of", swept.retired))?;
    }
    Ok(())
}

/// Works until it is interrupted, or the store takes no more commands.
fn go_on(
    scene: &mut Scene,
    options: WorkerOptions,
    mut interrupted: UnixStream,
    mut from: Position,
) -> Result<Exit, Failure> {
    let worker = RotationWorker::start(scene.store(), options)?;
    failure::note("working on what is due; Ctrl-C ends it");
    let mut doubted = is_doubted(scene);
    let mut told: Vec<(String, Reason)> = Vec::new();
    let outcome = loop {
        from = match tell_new(scene, from) {
            Ok(size) => size,
            Err(failure) => break Err(failure),
        };
        let now = waiting(scene, &worker);
        for (name, reason) in now.iter().filter(|one| !told.contains(one)) {
            failure::warn(format!("{name} waits: {reason}"));
        }
        doubted = tell_doubt(scene, doubted);
        told = now;
        match interrupted.read(&mut [0]) {
            Err(error) if is_nothing_yet(&error) => {}
            _ => break Ok(()),
        }
        if let Some(why) = scene.store().status()?.poisoned {
            break Err(Failure::new(Exit::Unavailable, "poisoned", format!("the store takes no more commands: {why}")));
        }
    };
    worker.stop();
    tell_new(scene, from)?;
    outcome?;
    Ok(HeldByClock::of(scene, &worker).conclude())
}

/// Says once that a person has to look at the clock; tells whether one has.
fn tell_doubt(scene: &Scene, was_told: bool) -> bool {
    let is_doubted = is_doubted(scene);
    if is_doubted && !was_told {
        clock::doubt(&scene.store().clock()).iter().for_each(failure::warn);
    }
    is_doubted
}

/// Tells whether a person has to look at the clock.
fn is_doubted(scene: &Scene) -> bool {
    let clock = scene.store().clock();
    clock.is_ahead() || clock.is_far_behind()
}

/// Shows what was recorded from a position on, at once; gives where it ends.
fn tell_new(scene: &mut Scene, from: Position) -> Result<Position, Failure> {
    let end = if scene.out.is_json() {
        tell(scene, from, &mut |scene, record| scene.out.line(record))?
    } else {
        tell_lines(scene, from)?
    };
    scene.out.flush()?;
    Ok(end)
}

fn tell_lines(scene: &mut Scene, from: Position) -> Result<Position, Failure> {
    if scene.store().status()?.log_size <= from {
        return Ok(from);
    }
    let mut known = Known::of(scene);
    each(scene, from, &mut |scene, entry| show_one(scene, &mut known, None, entry))
}

fn tell(
    scene: &mut Scene,
    from: Position,
    show: &mut dyn FnMut(&mut Scene, Value) -> Result<(), Failure>,
) -> Result<Position, Failure> {
    each(scene, from, &mut |scene, entry| match entry {
        latchkeep::LogEntry::Known(_) => show(scene, to_json(entry)),
        _ => Ok(()),
    })
}

fn each(
    scene: &mut Scene,
    from: Position,
    show: &mut dyn FnMut(&mut Scene, &latchkeep::LogEntry) -> Result<(), Failure>,
) -> Result<Position, Failure> {
    let (mut failed, mut shown, store) = (None, 0_u64, scene.store().clone());
    store.for_each_record(from, |entry| {
        shown = shown.saturating_add(1);
        match show(scene, &entry) {
            Ok(()) => ControlFlow::Continue(()),
            Err(failure) => {
                failed = Some(failure);
                ControlFlow::Break(())
            }
        }
    })?;
    failed.map_or_else(|| Ok(Position::new(from.get().saturating_add(shown))), Err)
}
