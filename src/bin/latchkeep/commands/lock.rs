//! Owns the commands that change locks: create, renew, delete.
//!
//! Read next: [`super::lock_list`].

use latchkeep::view::SecretLocks;
use latchkeep::{
    Command, Lock, LockMode, LockName, LockNames, NewLock, Secret, Session, Timestamp, Version, VersionRef,
};
use serde_json::json;

use crate::args::{LockCreate, LockDelete, LockRenew};
use crate::exit::Exit;
use crate::failure::{self, Failure};
use crate::scene::Scene;
use crate::times::shown as shown_time;
use crate::{explanation, find, shown};

/// Places locks.
pub(crate) fn create(args: &LockCreate, scene: &mut Scene) -> Result<Exit, Failure> {
    let secret = find::secret(scene.store(), &args.secret)?;
    let locks = args.names.iter().map(|name| NewLock {
        name: name.clone(),
        description: args.description.clone(),
        attributes: args.attributes.clone(),
        owner: args.owner.clone(),
        expires: args.ttl.map(Into::into),
        replacing: args.token,
    });
    let mode = args.mode.map_or(LockMode::Keep, LockMode::from);
    let command = Command::place_locks(secret.id, args.version, locks.collect(), mode);
    let receipt = acting(scene, args.force).run(command).map_err(Failure::about(&secret))?;
    let after = scene.store().secret(secret.id)?;
    if scene.out.is_json() {
        let only = if let [name] = args.names.as_slice() { Some(name) } else { None };
        return tell_json(scene, &after, &receipt, only.and_then(|name| lock(&after, args.version, name)));
    }
    let which = name_version(&after, args.version);
    let until = args.names.first().and_then(|name| end_of(&after, args.version, name));
    let until = until.map(|end| format!(", until {}", shown_time(end))).unwrap_or_default();
    scene.out.line(format!("locked {which} of {}: {}{until}", after.metadata.name, joined(&args.names)))?;
    tell_of_previous(scene, &secret, &after, args)
}

/// Says what a mode did to the previous version.
fn tell_of_previous(scene: &mut Scene, before: &Secret, after: &Secret, args: &LockCreate) -> Result<Exit, Failure> {
    let Some(previous) = before.previous().filter(|_| args.mode.is_some()) else { return Ok(Exit::Done) };
    let Some(now) = after.version_by_id(previous.id) else { return Ok(Exit::Done) };
    let gone: Vec<LockName> =
        previous.locks.iter().map(|lock| lock.name.clone()).filter(|name| now.lock(name).is_none()).collect();
    let which = name_version(after, VersionRef::Id(previous.id));
    if !gone.is_empty() {
        scene.out.line(format!("freed {which}: {}", joined(&gone)))?;
    }
    if previous.is_available() && !now.is_available() {
        scene.out.line(format!("destroyed the data of {which}"))?;
    }
    Ok(Exit::Done)
}

/// Moves the end of a lock.
pub(crate) fn renew(args: &LockRenew, scene: &mut Scene) -> Result<Exit, Failure> {
    let secret = find::secret(scene.store(), &args.secret)?;
    let command = Command::renew_lock(secret.id, args.version, args.name.clone(), args.ttl, args.token);
    let receipt = acting(scene, args.force).run(command).map_err(Failure::about(&secret))?;
    let after = scene.store().secret(secret.id)?;
    if scene.out.is_json() {
        return tell_json(scene, &after, &receipt, lock(&after, args.version, &args.name));
    }
    let which = name_version(&after, args.version);
    let until = end_of(&after, args.version, &args.name).map(|end| format!(" until {}", shown_time(end)));
    let (lock, name, until) = (&args.name, &after.metadata.name, until.unwrap_or_default());
    scene.out.line(format!("lock {lock} on {which} of {name} stands{until}"))?;
    Ok(Exit::Done)
}

/// Removes locks.
pub(crate) fn delete(args: &LockDelete, scene: &mut Scene) -> Result<Exit, Failure> {
    let secret = find::secret(scene.store(), &args.secret)?;
    let version = find::version(&secret, args.version)?;
    let names = match args.token {
        _ if args.all => LockNames::All,
        Some(token) => LockNames::Tokens(args.names.iter().map(|name| (name.clone(), token)).collect()),
        None => LockNames::These(args.names.clone()),
    };
    let command = Command::remove_locks(secret.id, VersionRef::Id(version.id), names);
    let receipt = acting(scene, args.force).run(command).map_err(Failure::about(&secret))?;
    let after = scene.store().secret(secret.id)?;
    tell_of_others(args, &secret, version);
    if scene.out.is_json() {
        return tell_json(scene, &after, &receipt, None);
    }
    let left = after.version_by_id(version.id).map(|version| version.locks.as_slice()).unwrap_or_default();
    let gone = version.locks.iter().filter(|lock| !left.iter().any(|other| other.name == lock.name));
    let gone: Vec<LockName> = gone.map(|lock| lock.name.clone()).collect();
    let (which, name) = (name_version(&after, VersionRef::Id(version.id)), &after.metadata.name);
    if gone.is_empty() {
        scene.out.line(format!("{which} of {name} had no such lock; nothing changed"))?;
    } else {
        scene.out.line(format!("freed {which} of {name}: {}", joined(&gone)))?;
    }
    Ok(Exit::Done)
}

/// Says where locks stand that were named and did not stand on the version.
fn tell_of_others(args: &LockDelete, secret: &Secret, version: &Version) {
    for name in args.names.iter().filter(|name| version.lock(name).is_none()) {
        let elsewhere = secret.versions.iter().rev().find(|other| other.lock(name).is_some());
        if let Some(other) = elsewhere {
            let which = explanation::version(other.number, secret.alias(other.id));
            let number = other.number;
            failure::note(format!("lock {name} stands on {which}; --version {number} removes it there"));
        }
    }
}

/// Gives the end of a lock as the store has worked it out.
fn end_of(secret: &Secret, version: VersionRef, name: &LockName) -> Option<Timestamp> {
    lock(secret, version, name)?.expires_at
}

fn lock<'a>(secret: &'a Secret, version: VersionRef, name: &LockName) -> Option<&'a Lock> {
    secret.version(version)?.lock(name)
}

fn acting(scene: &Scene, force: bool) -> Session {
    let session = scene.session.clone();
    if force { session.by_force() } else { session }
}

fn name_version(secret: &Secret, version: VersionRef) -> String {
    let found = secret.version(version);
    found.map_or_else(|| version.to_string(), |found| explanation::version(found.number, secret.alias(found.id)))
}

fn joined(names: &[LockName]) -> String {
    names.iter().map(LockName::as_str).collect::<Vec<_>>().join(", ")
}

fn tell_json(
    scene: &mut Scene,
    secret: &Secret,
    receipt: &latchkeep::Receipt,
    lock: Option<&Lock>,
) -> Result<Exit, Failure> {
    let mut fields = shown::object(SecretLocks::of(secret));
    fields.extend(lock.map(|lock| ("fencing_token".to_owned(), json!(lock.fencing_token.to_string()))));
    shown::put_receipt(&mut fields, receipt);
    scene.out.json(&fields.into())?;
    Ok(Exit::Done)
}
