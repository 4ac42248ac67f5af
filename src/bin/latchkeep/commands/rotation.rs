//! Owns `latchkeep rotation`, but for `run`: where rotations stand, and what people and consumers say about them.
//!
//! Read next: [`super::rotation_run`].

use latchkeep::view::{IssuedVersion, RotationDetails, RotationStatus};
use latchkeep::{IssuerClass, Receipt, Rotation, RotationStage, RotationStanding, Secret, Settings, view};
use serde_json::json;

use super::{rotation_ask, rotation_run, status, summary};
use crate::args::{
    RotationAbort, RotationAcknowledge, RotationCommand, RotationList, RotationResume, RotationRetire, RotationShow,
    SecretArg,
};
use crate::exit::Exit;
use crate::failure::{self, Failure};
use crate::scene::Scene;
use crate::times::{now, retried, shown as shown_time};
use crate::{explanation, find, rotations, shown};

pub(crate) fn run(command: &RotationCommand, scene: &mut Scene) -> Result<Exit, Failure> {
    match command {
        RotationCommand::List(args) => list(args, scene),
        RotationCommand::Show(args) => show(args, scene),
        RotationCommand::Run(args) => rotation_run::run(args, scene),
        RotationCommand::Abort(args) => abort(args, scene),
        RotationCommand::Resume(args) => resume(args, scene),
        RotationCommand::Acknowledge(args) => acknowledge(args, scene),
        RotationCommand::Retire(args) => retire(args, scene),
        RotationCommand::Verify(args) => rotation_ask::verify(args, scene),
        RotationCommand::Adopt(args) => rotation_ask::adopt(args, scene),
        RotationCommand::Answer(args) => rotation_ask::answer(args, scene),
    }
}

fn list(args: &RotationList, scene: &mut Scene) -> Result<Exit, Failure> {
    let (status, now) = (scene.store().status()?, now());
    let settings = status.settings;
    let mut found = scene.store().secrets();
    found.retain(|secret| {
        let has_issuer = args.all && secret.spec.issuance().is_some();
        has_issuer || secret.given_up.is_some() || secret.rotation_standing(settings, now).is_some()
    });
    found.sort_by(|one, other| one.metadata.name.cmp(&other.metadata.name));
    if scene.out.is_json() {
        let rows = found.iter().map(|secret| RotationStatus::of(secret, settings, now));
        let total = found.len();
        let (rows, unknown) = (rows.collect::<Vec<_>>(), view::Status::from(&status).unknown_credentials);
        scene.out.json(&json!({ "rotations": rows, "total_count": total, "unknown_credentials": unknown }))?;
        return Ok(Exit::Done);
    }
    let head = ["type", "name", "state", "since", "next", "stage", "attempts", "held by", "why"];
    let rows = found.iter().map(|secret| row(secret, settings)).collect();
    scene.out.table(&head, rows)?;
    status::unknown(&status).for_each(failure::warn);
    Ok(Exit::Done)
}

fn row(secret: &Secret, settings: Settings) -> Vec<String> {
    let status = RotationStatus::of(secret, settings, now());
    let open = status.open_rotation.as_ref();
    let next = status.next_rotation_date.filter(|_| open.is_none()).map(shown_time);
    let next = open.and_then(|open| open.retry_at).map(retried).or(next);
    vec![
        status.secret_type.to_string(),
        status.name.to_string(),
        status.state.unwrap_or_default(),
        status.since.map(shown_time).unwrap_or_default(),
        next.unwrap_or_default(),
        open.map(|rotation| rotation.stage.clone()).unwrap_or_default(),
        open.map(|rotation| rotations::attempts(rotation, ("/", ""))).unwrap_or_default(),
        status.held_by.map(|locks| rotations::lock_words(&locks).join("; ")).unwrap_or_default(),
        status.why.unwrap_or_default(),
    ]
}

fn show(args: &RotationShow, scene: &mut Scene) -> Result<Exit, Failure> {
    let secret = find::secret(scene.store(), &args.secret)?;
    let settings = scene.store().status()?.settings;
    tell(scene, &secret, settings)?;
    Ok(Exit::Done)
}

/// Shows where a secret stands.
pub(super) fn tell(scene: &mut Scene, secret: &Secret, settings: Settings) -> Result<(), Failure> {
    let details = RotationDetails::of(secret, settings, now());
    if scene.out.is_json() {
        return scene.out.json(&json!(details));
    }
    let RotationDetails { status, consumers, versions, .. } = details;
    let is_blocked = matches!(secret.rotation_standing(settings, now()), Some(RotationStanding::Blocked { .. }));
    let state = status.state.as_deref().unwrap_or("nothing is under way");
    let since = status.since.map(|since| format!(", since {}", shown_time(since))).unwrap_or_default();
    let mut facts = vec![
        ("name", status.name.to_string()),
        ("type", status.secret_type.to_string()),
        ("state", format!("{state}{since}")),
    ];
    let open = status.open_rotation.as_ref();
    facts.extend(status.next_rotation_date.filter(|_| open.is_none()).map(|at| ("next", shown_time(at))));
    facts.extend(status.issuer.map(|issuer| ("issuer", issuer.to_string())));
    facts.extend(status.given_up.map(|cause| ("last rotation", cause.given_up())));
    let held_by = status.held_by.unwrap_or_default();
    facts.extend(rotations::lock_words(&held_by).into_iter().map(|lock| ("held by", lock)));
    facts.extend(open.map(rotations::facts).into_iter().flatten());
    let has_failed = open.is_some_and(|rotation| rotation.attempts > 0);
    facts.extend(rotations::way_out(secret).filter(|_| has_failed).map(|way_out| ("way out", way_out)));
    for said in &consumers {
        let uses =
            said.acknowledged.map_or_else(|| "said nothing".to_owned(), |number| format!("uses version {number}"));
        facts.push(("consumer", format!("{} {uses}", said.consumer)));
    }
    // Of one that is under way, the facts say it.
    let is_told = is_blocked || (secret.versions.is_empty() && open.is_none());
    facts.extend(status.why.filter(|_| is_told).map(|why| ("why", why)));
    facts.extend(versions.iter().map(|version| ("credential", credential(version))));
    scene.out.facts(&facts)
}

/// Says of a credential whether it is still good.
fn credential(version: &IssuedVersion) -> String {
    let IssuedVersion { number, alias, expiration_date, credential, .. } = version;
    let outside = credential.outside.as_ref().map(|outside| format!(", {outside}")).unwrap_or_default();
    let end = expiration_date.map(|end| format!(", ends {}", shown_time(end))).unwrap_or_default();
    let failure = credential.failure.as_ref().map(|why| format!(", could not be ended: {why}")).unwrap_or_default();
    let (which, state) = (explanation::version(*number, *alias), credential.state.replace('_', " "));
    format!("{which}: {state}{outside}{end}{failure}")
}

fn abort(args: &RotationAbort, scene: &mut Scene) -> Result<Exit, Failure> {
    let secret = find::secret(scene.store(), &args.secret)?;
    let is_from_before = secret.rotation_is_from_before(scene.store().status()?.incarnation);
    let is_unknown = secret.rotation.as_deref().is_some_and(has_unknown_outcome);
    let given_up = secret.rotation.as_deref().filter(|rotation| rotations::is_given_up(rotation));
    let session = scene.session.clone();
    let session = if args.force { session.by_force() } else { session };
    let receipt = session.abort_rotation(secret.id, args.reason.clone()).map_err(Failure::about(&secret))?;
    let after = scene.store().secret(secret.id)?;
    if let Some(rotation) = given_up {
        return conclude(scene, &after, &receipt, &given_up_again(&after, rotation));
    }
    let done = if after.rotation.is_some() {
        "is being given up; the next latchkeep rotation run ends what was made"
    } else if is_from_before {
        "was given up; what the original of this restored store made by it is left as it is"
    } else if is_unknown {
        "was given up; nobody can ask whether its issuer made a credential: look there"
    } else {
        "was given up; nothing was made"
    };
    conclude(scene, &after, &receipt, &format!("the rotation of {} {done}", secret.metadata.name))
}

/// Says what became of a rotation that was being given up already: by force it is over, otherwise there is a way out.
fn given_up_again(after: &Secret, rotation: &Rotation) -> String {
    let name = &after.metadata.name;
    if after.rotation.as_deref().is_some_and(|open| open.attempts == 0) {
        let first = "let latchkeep rotation run try to end what was made; --force counts once that has failed";
        return format!("the rotation of {name} is being given up already; {first}");
    }
    if let Some(way_out) = rotations::way_out(after) {
        return format!(
            "the rotation of {name} is being given up already; the next latchkeep rotation run ends what was made\n{way_out}"
        );
    }
    let left = rotations::may_be_left(rotation);
    let then = rotation.class.replaces_in_place().then(|| format!("\n{}", rotations::mend_account(after)));
    format!("the rotation of {name} was given up without a call; {left}{}", then.unwrap_or_default())
}

/// Tells whether only a person can find out whether the issuer of a rotation made a credential.
pub(super) fn has_unknown_outcome(rotation: &Rotation) -> bool {
    let is_out = matches!(rotation.stage, RotationStage::Attempted | RotationStage::Awaiting { .. });
    rotation.class == IssuerClass::Opaque && is_out
}

fn resume(args: &RotationResume, scene: &mut Scene) -> Result<Exit, Failure> {
    let Some(named) = &args.secret else { return resume_all(args, scene) };
    let secret_type = args.secret_type;
    let secret = find::secret(scene.store(), &SecretArg { secret: named.clone(), secret_type })?;
    let receipt = scene.session.resume_rotation(secret.id).map_err(Failure::about(&secret))?;
    let done = format!("the rotation of {} goes on at the next latchkeep rotation run", secret.metadata.name);
    conclude(scene, &secret, &receipt, &done)
}

/// Lets all parked rotations go on, of one issuer or of any; somebody has to look of an issuer that cannot be asked, and of what
/// the original of a restored store may have made.
fn resume_all(args: &RotationResume, scene: &mut Scene) -> Result<Exit, Failure> {
    let (mut resumed, mut left) = (Vec::new(), 0_usize);
    let incarnation = scene.store().status()?.incarnation;
    for secret in scene.store().rotating_secrets() {
        let Some(rotation) = secret.rotation.as_deref().filter(|rotation| rotation.parked.is_some()) else { continue };
        let is_meant = args.issuer.as_ref().is_none_or(|issuer| *issuer == rotation.issuer)
            && args.secret_type.is_none_or(|meant| secret.secret_type() == meant.into());
        if !is_meant {
            continue;
        }
        let is_found = rotation.class == IssuerClass::CreateDiscoverable;
        if rotation.class == IssuerClass::Opaque || (is_found && secret.rotation_is_from_before(incarnation)) {
            left = left.saturating_add(1);
            continue;
        }
        scene.session.resume_rotation(secret.id).map_err(Failure::about(&secret))?;
        resumed.push(secret.metadata.name.to_string());
    }
    let exit = if left > 0 { Exit::Failed } else { Exit::Done };
    if scene.out.is_json() {
        scene.out.json(&json!({ "resumed": resumed, "left": left, "exit_code": exit as u8 }))?;
        return Ok(exit);
    }
    let count = summary::counted(u64::try_from(resumed.len()).unwrap_or(u64::MAX), "rotation");
    scene.out.line(format!("{count} will go on at the next latchkeep rotation run"))?;
    if left > 0 {
        failure::warn(format!(
            "{left} stay parked, of class opaque or from before a restore: look outside, then resume or abort each by its name"
        ));
    }
    Ok(exit)
}

fn acknowledge(args: &RotationAcknowledge, scene: &mut Scene) -> Result<Exit, Failure> {
    let secret = find::secret(scene.store(), &args.secret)?;
    let version = find::version(&secret, args.version)?;
    let which = explanation::version(version.number, secret.alias(version.id));
    let expected = secret.spec.issuance().is_some_and(|issuance| issuance.consumers.contains(&args.consumer));
    let consumer = scene.store().acting_as(args.consumer.clone());
    let receipt = consumer.acknowledge(secret.id, latchkeep::VersionRef::Id(version.id));
    let receipt = receipt.map_err(Failure::about(&secret))?;
    if !expected {
        failure::note(format!("{} is none of the consumers that {} waits for", args.consumer, secret.metadata.name));
    }
    let newer = secret.versions.iter().rev().find(|one| one.acknowledged_by.contains(&args.consumer));
    if let Some(newer) = newer.filter(|newer| newer.number > version.number) {
        let number = newer.number;
        failure::warn(format!(
            "{} said before that it uses version {number}, and that counts: {which} is not kept for it; a lock keeps it",
            args.consumer
        ));
    }
    let done = format!("{} uses {which} of {}", args.consumer, secret.metadata.name);
    conclude(scene, &secret, &receipt, &done)
}

fn retire(args: &RotationRetire, scene: &mut Scene) -> Result<Exit, Failure> {
    let secret = find::secret(scene.store(), &args.secret)?;
    let version = find::version(&secret, args.version)?;
    let which = explanation::version(version.number, secret.alias(version.id));
    let receipt = scene.session.retire(secret.id, latchkeep::VersionRef::Id(version.id));
    let receipt = receipt.map_err(Failure::about(&secret))?;
    let done = format!("the next latchkeep rotation run ends the credential of {which} of {}", secret.metadata.name);
    conclude(scene, &secret, &receipt, &done)
}

fn conclude(scene: &mut Scene, before: &Secret, receipt: &Receipt, done: &str) -> Result<Exit, Failure> {
    if scene.out.is_json() {
        let (secret, settings) = (scene.store().secret(before.id)?, scene.store().status()?.settings);
        let mut fields = shown::object(RotationStatus::of(&secret, settings, now()));
        shown::put_receipt(&mut fields, receipt);
        scene.out.json(&fields.into())?;
    } else {
        scene.out.line(done)?;
    }
    Ok(Exit::Done)
}

/// Names a secret as `run` takes it.
pub(super) fn named(secret: &str) -> SecretArg {
    SecretArg { secret: secret.to_owned(), secret_type: None }
}
