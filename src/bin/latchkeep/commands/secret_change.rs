//! Owns the commands that change a secret that is there: rotate, restore, destroy-data, delete.
//!
//! Read next: [`super::secret_create`].

use latchkeep::{NewData, Receipt, Secret, SecretType, view};
use serde_json::json;

use super::rotation::has_unknown_outcome;
use super::secret_create::read_certificate;
use crate::args::{Delete, DestroyData, Restore, Rotate};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::input::{self, Purpose};
use crate::scene::Scene;
use crate::{explanation, find, rotations, shown};

/// Adds a version.
pub(crate) fn rotate(args: &Rotate, scene: &mut Scene) -> Result<Exit, Failure> {
    let secret = find::secret(scene.store(), &args.secret)?;
    if secret.spec.issuance().is_some() {
        let name = &secret.metadata.name;
        let message = format!("{name}: an issuer makes its versions, and no value is taken");
        return Err(Failure::new(Exit::Conflict, "rotation_not_supported", message)
            .hint(format!("latchkeep rotation run {name} --once has its issuer make the next version")));
    }
    let mut data = new_data(args, &secret, scene)?;
    if let Some(metadata) = &args.version_metadata {
        data = data.with_version_metadata(metadata.clone());
    }
    let receipt = scene.session.rotate(secret.id, data).map_err(Failure::about(&secret))?;
    tell_new_version(scene, &secret, &receipt, "rotated")
}

fn new_data(args: &Rotate, secret: &Secret, scene: &mut Scene) -> Result<NewData, Failure> {
    let secret_type = secret.secret_type();
    if args.certificate.certificate.is_some() != (secret_type == SecretType::ImportedCert) {
        return Err(match secret_type {
            SecretType::ImportedCert => Failure::usage("a new certificate is missing; --certificate FILE names it"),
            other => Failure::usage(format!("--certificate is for imported-cert; this secret is {other}")),
        });
    }
    let what = format!("the new value of {}", secret.metadata.name);
    let mut value = |purpose| input::value(&args.source, &mut scene.stdin, purpose, &what);
    Ok(match secret_type {
        _ if args.source.generate => NewData::generated(),
        SecretType::Kv => NewData::kv(&value(Purpose::Fields)?)?,
        SecretType::UsernamePassword => NewData::password(value(Purpose::Line)?),
        SecretType::ImportedCert => {
            let parts = read_certificate(&args.certificate)?;
            NewData::imported_cert(parts.certificate, parts.private_key, parts.chain)?
        }
        // The store makes the key, or says that this one does not rotate.
        SecretType::IamCredentials => NewData::generated(),
        _ => NewData::arbitrary(value(Purpose::Exact)?)?,
    })
}

/// Adds a version with the data of the previous one.
pub(crate) fn restore(args: &Restore, scene: &mut Scene) -> Result<Exit, Failure> {
    let secret = find::secret(scene.store(), &args.secret)?;
    let receipt = scene.session.restore(secret.id).map_err(Failure::about(&secret))?;
    tell_new_version(scene, &secret, &receipt, "restored")
}

fn tell_new_version(scene: &mut Scene, before: &Secret, receipt: &Receipt, done: &str) -> Result<Exit, Failure> {
    let secret = scene.store().secret(before.id)?;
    let current = receipt.version.and_then(|id| secret.version_by_id(id));
    if scene.out.is_json() {
        let mut fields = current.map(|version| shown::object(view::Version::of(&secret, version))).unwrap_or_default();
        shown::put_receipt(&mut fields, receipt);
        scene.out.json(&fields.into())?;
        return Ok(Exit::Done);
    }
    let number = current.map(|version| version.number.to_string()).unwrap_or_default();
    scene.out.line(format!("{done} {}: version {number} is current", secret.metadata.name))?;
    if let Some(previous) = secret.previous().filter(|version| !version.locks.is_empty()) {
        let names: Vec<&str> = previous.locks.iter().map(|lock| lock.name.as_str()).collect();
        let which = explanation::version(previous.number, secret.alias(previous.id));
        scene.out.line(format!("the locks of {which} went with it: {}", names.join(", ")))?;
    }
    Ok(Exit::Done)
}

/// Destroys the data of one version.
pub(crate) fn destroy_data(args: &DestroyData, scene: &mut Scene) -> Result<Exit, Failure> {
    let secret = find::secret(scene.store(), &args.secret)?;
    let name = secret.metadata.name.as_str();
    let version = find::version(&secret, args.version)?;
    let which = explanation::version(version.number, secret.alias(version.id));
    let receipt = scene.session.destroy_data(secret.id, latchkeep::VersionRef::Id(version.id));
    let receipt = receipt.map_err(Failure::about(&secret))?;
    let after = scene.store().secret(secret.id)?;
    let after_it = after.version_by_id(version.id);
    // The credential of an issuer is ended first, by a worker.
    let is_destroyed = after_it.is_none_or(|version| !version.is_available());
    if scene.out.is_json() {
        let fields = after_it.map(|version| shown::object(view::Version::of(&after, version)));
        let mut fields = fields.unwrap_or_default();
        fields.insert("destroyed".to_owned(), is_destroyed.into());
        shown::put_receipt(&mut fields, &receipt);
        scene.out.json(&fields.into())?;
    } else if is_destroyed {
        scene.out.line(format!("destroyed the data of {which} of {name}"))?;
    } else {
        let next = "the next latchkeep rotation run ends the credential of";
        scene.out.line(format!("{next} {which} of {name}, and destroys its data; it works until then"))?;
    }
    Ok(Exit::Done)
}

/// Deletes a secret.
pub(crate) fn delete(args: &Delete, scene: &mut Scene) -> Result<Exit, Failure> {
    let secret = find::secret(scene.store(), &args.secret)?;
    let name = secret.metadata.name.as_str();
    let unknown = secret.rotation.as_deref().filter(|rotation| has_unknown_outcome(rotation));
    let receipt = scene.session.delete(secret.id).map_err(Failure::about(&secret))?;
    let left = scene.store().secret(secret.id).ok();
    let credentials = |stay| left.as_deref().map(|left| credentials(left, stay)).unwrap_or_default();
    let (ending, staying) = (credentials(false), credentials(true));
    if scene.out.is_json() {
        let receipt = view::Receipt::of(&receipt);
        let is_deleted = left.is_none();
        let fields = json!({ "id": secret.id, "name": name, "deleted": is_deleted, "ends_first": ending,
            "stay_good": staying, "outcome_unknown_at": unknown.map(|rotation| &rotation.issuer), "receipt": receipt });
        scene.out.json(&fields)?;
        return Ok(Exit::Done);
    }
    if left.is_none() {
        scene.out.line(format!("deleted {}/{name}", secret.secret_type()))?;
    } else {
        tell_planned(scene, (&secret, left.as_deref()), (&ending, &staying), unknown.is_some())?;
    }
    if let Some(rotation) = unknown {
        let issuer = &rotation.issuer;
        scene.out.line(format!(
            "nobody can ask whether {issuer} made a credential by the rotation that was given up: look there"
        ))?;
    }
    Ok(Exit::Done)
}

/// Tells of a deletion that a worker does, what ends before it, and what does not end.
fn tell_planned(
    scene: &mut Scene,
    (secret, left): (&Secret, Option<&Secret>),
    (ending, staying): (&[String], &[String]),
    is_unknown: bool,
) -> Result<(), Failure> {
    let ends = match ending {
        // The rotation was given up at once.
        [] if is_unknown || !staying.is_empty() => String::new(),
        [] => ", which ends first what its rotation made".to_owned(),
        ending => format!(", which ends first {}", ending.join(", ")),
    };
    let told = "is to be deleted; it works until the next latchkeep rotation run";
    scene.out.line(format!("{}/{} {told}{ends}", secret.secret_type(), secret.metadata.name))?;
    let has_failed = |rotation: &latchkeep::Rotation| rotation.attempts > 0;
    let is_stuck = |left: &&Secret| left.rotation.as_deref().is_some_and(has_failed);
    if let Some(way_out) = left.filter(is_stuck).and_then(rotations::way_out) {
        scene.out.line(format!("its rotation is being given up; {way_out}"))?;
    }
    if !staying.is_empty() {
        let why =
            "stay good: its issuer sets passwords and ends none; end the account there if nobody is to log in any more";
        scene.out.line(format!("{} {why}", staying.join(", ")))?;
    }
    Ok(())
}

/// Names the credentials that are ended outside before a secret goes, or those that stay good, since their issuer replaces in
/// place and ends nothing.
fn credentials(secret: &Secret, stay: bool) -> Vec<String> {
    let name = |version: &latchkeep::Version| {
        let credential = version.credential.as_deref().filter(|credential| credential.is_in_use())?;
        let (number, issuer) = (version.number, &credential.issuer);
        let outside = credential.outside.as_ref().map(|outside| format!(", {outside}")).unwrap_or_default();
        let what = if stay {
            format!("the account of version {number} (by {issuer}{outside}) and its password")
        } else {
            format!("the credential of version {number} (by {issuer}{outside})")
        };
        (credential.class.replaces_in_place() == stay).then_some(what)
    };
    secret.versions.iter().filter_map(name).collect()
}
