//! Owns `latchkeep credential`: what issuers have outside and the log knows nothing of, shown, adopted and ended.
//!
//! Read next: [`super::quarantine`].

use std::path::Path;

use latchkeep::{RotationWorker, Stranger, SweepReport, view};
use serde_json::{Value, json};

use super::rotation_run::issuers;
use super::summary::counted;
use crate::args::{CredentialAdopt, CredentialCommand, CredentialEnd};
use crate::brought::is_dash;
use crate::exit::Exit;
use crate::failure::{self, Failure};
use crate::scene::Scene;
use crate::times::Moment;
use crate::{find, input, prompt};

/// Bytes of a credential that is brought along, at most.
const CREDENTIAL_BYTES_MAX: usize = 576 * 1_024;

pub(crate) fn run(command: &CredentialCommand, scene: &mut Scene) -> Result<Exit, Failure> {
    match command {
        CredentialCommand::List(args) => list(&args.issuers, scene),
        CredentialCommand::Adopt(args) => adopt(args, scene),
        CredentialCommand::End(args) => end(args, scene),
    }
}

pub(super) fn confirm(args: &CredentialEnd) -> Result<(), Failure> {
    let what = args.outside.as_ref().map_or_else(|| args.issuer.to_string(), ToString::to_string);
    prompt::confirm("this ends what may be in use in the original of this store", &what)
}

fn list(file: &Path, scene: &mut Scene) -> Result<Exit, Failure> {
    let found = strangers(file, scene)?;
    let is_clean = found.strangers.is_empty() && found.problems.is_empty();
    let exit = if is_clean { Exit::Done } else { Exit::Failed };
    if scene.out.is_json() {
        let unknown: Vec<_> = found.strangers.iter().map(shown).collect();
        let fields =
            json!({ "listed": found.listed, "unknown": unknown, "problems": found.problems, "exit_code": exit as u8 });
        scene.out.json(&fields)?;
        return Ok(exit);
    }
    let row = |one: &Stranger| vec![one.issuer.to_string(), one.outside.to_string(), one.rotation.to_string()];
    scene.out.table(&["issuer", "outside", "rotation"], found.strangers.iter().map(row).collect())?;
    for problem in &found.problems {
        failure::warn(problem);
    }
    Ok(exit)
}

fn adopt(args: &CredentialAdopt, scene: &mut Scene) -> Result<Exit, Failure> {
    let secret = find::secret(scene.store(), &args.secret)?;
    let brought = if is_dash(&args.from_file) {
        input::Stdin::Process.read()?
    } else {
        input::read_file(&args.from_file, CREDENTIAL_BYTES_MAX)?
    };
    let brought = input::without_line_end(brought);
    if brought.expose().is_empty() {
        return Err(Failure::usage("the data of the credential is empty"));
    }
    let worker = worker(&args.issuers, scene)?;
    let session = scene.session.clone();
    let session = if args.force { session.by_force() } else { session };
    let end = args.expires_at.map(Moment::ahead);
    let receipt = worker.adopt_stranger(&session, secret.id, &args.outside, brought, end);
    let receipt = receipt.map_err(Failure::about(&secret))?;
    let (after, name) = (scene.store().secret(secret.id)?, &secret.metadata.name);
    let number = after.current().map(|version| version.number);
    if scene.out.is_json() {
        let receipt = view::Receipt::of(&receipt);
        scene.out.json(
            &json!({ "id": secret.id, "name": name, "version": number, "outside": args.outside, "receipt": receipt }),
        )?;
    } else {
        let number = number.map(|number| number.to_string()).unwrap_or_default();
        scene.out.line(format!("adopted {}: version {number} of {name} is current", args.outside))?;
    }
    Ok(Exit::Done)
}

fn end(args: &CredentialEnd, scene: &mut Scene) -> Result<Exit, Failure> {
    let worker = worker(&args.issuers, scene)?;
    let outsides = if let Some(outside) = &args.outside {
        vec![outside.clone()]
    } else {
        let theirs = worker.strangers()?.strangers.into_iter().filter(|one| one.issuer == args.issuer);
        theirs.map(|one| one.outside).collect()
    };
    let mut ended = Vec::new();
    for outside in &outsides {
        ended.push(worker.end_stranger(&args.issuer, outside)?);
    }
    if scene.out.is_json() {
        scene.out.json(&json!({ "ended": ended.iter().map(shown).collect::<Vec<_>>() }))?;
        return Ok(Exit::Done);
    }
    for one in &ended {
        scene.out.line(format!("ended {} at {}", one.outside, one.issuer))?;
    }
    if ended.is_empty() {
        scene.out.line(format!("{} has nothing that the log knows nothing of", args.issuer))?;
    }
    Ok(Exit::Done)
}

fn worker(file: &Path, scene: &Scene) -> Result<RotationWorker, Failure> {
    Ok(RotationWorker::new(scene.store(), issuers(Some(file), None, scene)?.options))
}

/// Asks the issuers of a file for what the log knows nothing of.
pub(super) fn strangers(file: &Path, scene: &Scene) -> Result<SweepReport, Failure> {
    Ok(worker(file, scene)?.strangers()?)
}

pub(super) fn shown(one: &Stranger) -> Value {
    json!({ "issuer": one.issuer, "outside": one.outside, "rotation_id": one.rotation })
}

/// Says how many there are, and what to do about them.
pub(super) fn words(found: &SweepReport) -> String {
    let count = counted(u64::try_from(found.strangers.len()).unwrap_or(u64::MAX), "credential");
    format!(
        "{count} of issuers not known to the log: latchkeep credential adopt takes one into the store, credential end ends one that nobody uses"
    )
}
