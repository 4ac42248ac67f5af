//! Owns what is asked of issuers by hand: `latchkeep rotation verify`, `adopt` and `answer`.
//!
//! Read next: [`super::rotation_run`].

use std::path::Path;

use latchkeep::{Refusal, RotationWorker, Secret, Verified, VersionRef, view};
use serde_json::json;

use super::rotation_run::issuers;
use crate::args::{RotationAdopt, RotationAnswer, RotationVerify};
use crate::brought::is_dash;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::scene::Scene;
use crate::{explanation, find, input};

/// Bytes of a password that is brought along, at most.
const PASSWORD_BYTES_MAX: usize = 64 * 1_024;

pub(super) fn verify(args: &RotationVerify, scene: &mut Scene) -> Result<Exit, Failure> {
    let secret = find::secret(scene.store(), &args.secret)?;
    let version = find::version(&secret, args.version)?;
    let worker = worker(&args.issuers, scene)?;
    let verified = worker.verify(secret.id, VersionRef::Id(version.id)).map_err(Failure::about(&secret))?;
    let (exit, word, reason) = match verified {
        Verified::LogsIn => (Exit::Done, "logs_in", None),
        Verified::Refused(reason) => (Exit::Failed, "refused", Some(reason)),
        Verified::NotKnown(reason) => (Exit::Unavailable, "not_known", Some(reason)),
        _ => (Exit::Failed, "unknown", None),
    };
    if scene.out.is_json() {
        scene.out.json(&json!({
            "id": secret.id, "name": secret.metadata.name, "version": version.number, "outcome": word, "reason": reason,
        }))?;
        return Ok(exit);
    }
    let which = explanation::version(version.number, secret.alias(version.id));
    let name = &secret.metadata.name;
    let why = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
    let line = match exit {
        Exit::Done => format!("{which} of {name} logs in"),
        Exit::Failed => format!("{which} of {name} does not log in{why}"),
        _ => format!("whether {which} of {name} logs in is not known{why}"),
    };
    scene.out.line(line)?;
    Ok(exit)
}

pub(super) fn adopt(args: &RotationAdopt, scene: &mut Scene) -> Result<Exit, Failure> {
    let secret = find::secret(scene.store(), &args.secret)?;
    let brought = if is_dash(&args.from_file) {
        input::Stdin::Process.read()?
    } else {
        input::read_file(&args.from_file, PASSWORD_BYTES_MAX)?
    };
    let brought = input::without_line_end(brought);
    let bytes = brought.expose();
    if bytes.is_empty() || bytes.iter().any(|byte| [b'\n', b'\r', 0].contains(byte)) {
        return Err(Failure::usage("the password takes one line, which is not empty"));
    }
    let worker = worker(&args.issuers, scene)?;
    let receipt = worker.adopt(&scene.session, secret.id, brought).map_err(Failure::about(&secret))?;
    if scene.out.is_json() {
        let receipt = view::Receipt::of(&receipt);
        scene.out.json(&json!({ "id": secret.id, "name": secret.metadata.name, "receipt": receipt }))?;
    } else {
        let name = &secret.metadata.name;
        scene.out.line(format!("the password logs in; the next latchkeep rotation run puts it into use for {name}"))?;
    }
    Ok(Exit::Done)
}

pub(super) fn answer(args: &RotationAnswer, scene: &mut Scene) -> Result<Exit, Failure> {
    let secret = find::secret(scene.store(), &args.secret)?;
    let answer = scene.session.unread_answer(secret.id).map_err(|error| {
        let keeps_none = secret.rotation.is_some() && error.refusal() == Some(&Refusal::RotationNotFound);
        if keeps_none { no_answer(&secret) } else { Failure::about(&secret)(error) }
    })?;
    scene.out.value(answer.expose())?;
    Ok(Exit::Done)
}

fn no_answer(secret: &Secret) -> Failure {
    let name = &secret.metadata.name;
    let message = format!("{name}: the rotation that is under way keeps no answer of its issuer");
    Failure::new(Exit::NotFound, "rotation_not_found", message)
        .hint(format!("latchkeep rotation show {name} tells where it stands"))
}

fn worker(file: &Path, scene: &Scene) -> Result<RotationWorker, Failure> {
    Ok(RotationWorker::new(scene.store(), issuers(Some(file), None, scene)?.options))
}
