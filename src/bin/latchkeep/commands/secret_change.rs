//! Owns the commands that change a secret that is there: rotate, restore, destroy-data, delete.
//!
//! Read next: [`super::secret_create`].

use latchkeep::{NewData, Receipt, Secret, SecretType, view};
use serde_json::json;

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
    if scene.out.is_json() {
        let after = scene.store().secret(secret.id)?;
        let fields = after.version_by_id(version.id).map(|version| shown::object(view::Version::of(&after, version)));
        let mut fields = fields.unwrap_or_default();
        shown::put_receipt(&mut fields, &receipt);
        scene.out.json(&fields.into())?;
    } else {
        scene.out.line(format!("destroyed the data of {which} of {name}"))?;
    }
    Ok(Exit::Done)
}

/// Deletes a secret.
pub(crate) fn delete(args: &Delete, scene: &mut Scene) -> Result<Exit, Failure> {
    let secret = find::secret(scene.store(), &args.secret)?;
    let name = secret.metadata.name.as_str();
    let receipt = scene.session.delete(secret.id).map_err(Failure::about(&secret))?;
    let left = scene.store().secret(secret.id).ok();
    let credentials = |stay| left.as_deref().map(|left| credentials(left, stay)).unwrap_or_default();
    let (ending, staying) = (credentials(false), credentials(true));
    if scene.out.is_json() {
        let receipt = view::Receipt::of(&receipt);
        let is_deleted = left.is_none();
        let fields = json!({ "id": secret.id, "name": name, "deleted": is_deleted, "ends_first": ending,
            "stay_good": staying, "receipt": receipt });
        scene.out.json(&fields)?;
    } else if left.is_none() {
        scene.out.line(format!("deleted {}/{name}", secret.secret_type()))?;
    } else {
        let ends = match ending.as_slice() {
            [] if staying.is_empty() => ", which ends first what its rotation made".to_owned(),
            [] => String::new(),
            ending => format!(", which ends first {}", ending.join(", ")),
        };
        let told = "is to be deleted; it works until the next latchkeep rotation run";
        scene.out.line(format!("{}/{name} {told}{ends}", secret.secret_type()))?;
        let has_failed = |rotation: &latchkeep::Rotation| rotation.attempts > 0;
        let is_stuck = |left: &&Secret| left.rotation.as_deref().is_some_and(has_failed);
        if let Some(way_out) = left.as_deref().filter(is_stuck).and_then(rotations::way_out) {
            scene.out.line(format!("its rotation is being given up; {way_out}"))?;
        }
        if !staying.is_empty() {
            let why = "stay good: its issuer sets passwords and ends none; end the account there if nobody is to log in any more";
            scene.out.line(format!("{} {why}", staying.join(", ")))?;
        }
    }
    Ok(Exit::Done)
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
