//! Owns the checker: a store that was left by a crash holds all that was acknowledged, nothing half, nothing invented,
//! and works on.
//!
//! Read next: [`super::trail`], for the log, and [`super::model`], for what must be there.

use std::path::Path;

use latchkeep::{
    Error, NewData, NewSecret, Secret, SecretBytes, SecretData, SecretName, Store, VersionDetails, VersionRef,
};

use super::acks::{Ack, Acks};
use super::model::{Kind, Model, Secret as Wanted, Value, Version as WantedVersion};
use super::support::{FIRST_KEY, digest, options, secret_type, session};
use super::trail::follow;
use super::writer::perform;

/// What a check found out.
pub struct Checked {
    /// Steps that were on their way and came through.
    pub found: Vec<Ack>,
    /// Steps that were acknowledged.
    pub acked: usize,
}

/// Checks a store against what its writer had printed. The store is changed.
pub fn check(dir: &Path, acked: &str, (seed, threads): (u64, u64)) -> Result<Checked, String> {
    let mut acks = Acks::parse(acked)?;
    let count = acks.count();
    let store = match options(dir, FIRST_KEY).open() {
        Ok(store) => store,
        Err(error) if error.code() == "not_a_store" && !acks.created => {
            // No store yet: then one can be made.
            options(dir, FIRST_KEY).create().map_err(|error| fail("a store cannot be made", &error))?
        }
        Err(error) => return Err(fail("LOST the store does not open", &error)),
    };
    let found = sound(&store, &mut acks, (seed, threads))?;
    let models = replay(&acks, (seed, threads))?;
    models.iter().try_for_each(|model| compare(&store, model))?;
    nothing_else(&store, &models)?;
    let picture = picture(&store)?;
    close(&store)?;

    let newest_slot = models[0].slots.values().next_back().copied().unwrap_or(FIRST_KEY);
    for removed in &models[0].removed_slots {
        match options(dir, *removed).open() {
            Err(error) if error.code() == "wrong_key" => {}
            other => return Err(format!("FAIL a key slot that was removed opens the store: {other:?}")),
        }
    }
    let store = options(dir, newest_slot).open().map_err(|error| fail("it does not open a second time", &error))?;
    same_picture(&picture, &store)?;
    sound(&store, &mut acks, (seed, threads))?;
    models.iter().try_for_each(|model| remembers(&store, model, &acks))?;
    go_on(&store)?;
    close(&store)?;

    let store = options(dir, FIRST_KEY).open().map_err(|error| fail("it does not open after going on", &error))?;
    same_picture(&picture, &store)?;
    sound(&store, &mut acks, (seed, threads))?;
    close(&store)?;
    Ok(Checked { found, acked: count })
}

/// Whether a store shows all that was acknowledged, and at most the one step more that each thread had begun.
pub fn matches(store: &Store, acks: &Acks, (seed, threads): (u64, u64)) -> Result<(), String> {
    let mut acks = acks.clone();
    follow(store, &mut acks, seed, threads)?;
    let models = replay(&acks, (seed, threads))?;
    models.iter().try_for_each(|model| compare(store, model))?;
    nothing_else(store, &models)
}

fn fail(what: &str, error: &Error) -> String {
    let kind = if what.starts_with("LOST") { "" } else { "FAIL " };
    format!("{kind}{what}: {} {error}", error.code())
}

fn close(store: &Store) -> Result<(), String> {
    store.close().map_err(|error| fail("it does not close", &error))
}

/// The log verifies and tells what was acknowledged; all that is stored fits it.
fn sound(store: &Store, acks: &mut Acks, (seed, threads): (u64, u64)) -> Result<Vec<Ack>, String> {
    let chain = store.verify_log(|_| {}).map_err(|error| fail("the chain of the log is broken", &error))?;
    if chain.records < acks.closed_at {
        return Err(format!("LOST {} records were there at a close, now {}", acks.closed_at, chain.records));
    }
    let scrubbed = store.scrub(|_| {}).map_err(|error| fail("no scrub", &error))?;
    if !scrubbed.findings.is_empty() || scrubbed.records < chain.records {
        return Err(format!("FAIL the scrub of {} records found {:?}", scrubbed.records, scrubbed.findings));
    }
    follow(store, acks, seed, threads)
}

fn replay(acks: &Acks, (seed, threads): (u64, u64)) -> Result<Vec<Model>, String> {
    (0..threads).map(|thread| acks.replay(seed, thread).map(|(model, _)| model)).collect()
}

fn compare(store: &Store, model: &Model) -> Result<(), String> {
    for (name, wanted) in &model.secrets {
        let parsed = SecretName::parse(name).unwrap();
        let secret = store
            .secret_named(secret_type(wanted.kind), &parsed)
            .map_err(|error| fail(&format!("LOST the secret {name}"), &error))?;
        compare_secret(&secret, wanted).map_err(|how| format!("FAIL {name}: {how}"))?;
        for version in &wanted.versions {
            read(store, &secret, (wanted, version)).map_err(|how| format!("FAIL {name} {}: {how}", version.number))?;
        }
    }
    Ok(())
}

fn compare_secret(secret: &Secret, wanted: &Wanted) -> Result<(), String> {
    let description = secret.metadata.description.as_ref().map(|text| text.as_str().to_owned());
    if description != wanted.description {
        return Err(format!("it is described {description:?}, not {:?}", wanted.description));
    }
    if wanted.revision.is_some_and(|revision| revision != secret.revision.get()) {
        return Err(format!("it has revision {}, not {:?}", secret.revision, wanted.revision));
    }
    if secret.versions.len() != wanted.versions.len() {
        return Err(format!("it has {} versions, not {}", secret.versions.len(), wanted.versions.len()));
    }
    for (version, wanted) in secret.versions.iter().zip(&wanted.versions) {
        let locks: Vec<_> = version.locks.iter().map(|lock| lock.name.as_str()).collect();
        let found = (version.number.get(), version.is_available(), version.downloaded);
        if found != (wanted.number, wanted.available, wanted.downloaded) || !wanted.lock_names().iter().eq(&locks) {
            return Err(format!("version {found:?} locked by {locks:?} should be {wanted:?}"));
        }
    }
    Ok(())
}

/// Reads a version and holds it against what was put in, or sees that it is gone.
fn read(store: &Store, secret: &Secret, (wanted, version): (&Wanted, &WantedVersion)) -> Result<(), String> {
    let number = VersionRef::Number(latchkeep::VersionNumber::new(version.number));
    if wanted.kind == Kind::Fresh {
        // Reading would make another key; what the version shows of its key must do.
        let shown = secret.version(number).map(|version| version.details.clone());
        return match (&version.value, shown) {
            (Value::Made { id: Some(id), .. }, Some(VersionDetails::ApiKey { api_key_id }))
                if api_key_id.as_str() != id =>
            {
                Err(format!("its key is {api_key_id}, not {id}"))
            }
            _ => Ok(()),
        };
    }
    let reading = match session(store, "checker").read(secret.id, number) {
        Err(error) if !version.available && error.code() == "version_data_destroyed" => return Ok(()),
        Err(error) => return Err(format!("it cannot be read: {error}")),
        Ok(_) if !version.available => return Err("its data was destroyed and can be read".to_owned()),
        Ok(reading) => reading,
    };
    let text = reading.text().map_err(|error| error.to_string())?;
    match (&version.value, &reading.data) {
        (Value::Seeded { .. }, _) if version.value.text(wanted.kind).as_deref() == Some(text) => Ok(()),
        (Value::Made { id, digest: known }, SecretData::IamCredentials(data))
            if id.as_deref().is_none_or(|id| id == data.api_key_id())
                && known.as_deref().is_none_or(|known| known == digest(text)) =>
        {
            Ok(())
        }
        _ => Err("it holds another value".to_owned()),
    }
}

/// Nothing was invented, and what was deleted is gone.
fn nothing_else(store: &Store, models: &[Model]) -> Result<(), String> {
    let wanted: usize = models.iter().map(|model| model.secrets.len()).sum();
    let status = store.status().map_err(|error| fail("no status", &error))?;
    if store.secrets().len() != wanted || status.tally.secrets != wanted as u64 {
        return Err(format!("FAIL there are {} secrets, not {wanted}", store.secrets().len()));
    }
    let groups: Vec<_> = store.groups().into_iter().map(|(_, group)| group.name.as_str().to_owned()).collect();
    let mut sorted = groups.clone();
    sorted.sort();
    if !models[0].groups.iter().eq(&sorted) {
        return Err(format!("FAIL groups are {sorted:?}, not {:?}", models[0].groups));
    }
    let slots: Vec<_> = status.key_slots.iter().map(|(slot, _)| *slot).collect();
    if !models[0].slots.keys().eq(&slots) {
        return Err(format!("FAIL key slots are {slots:?}, not {:?}", models[0].slots));
    }
    Ok(())
}

/// All secrets as they are shown, but for when they were last read, which is recorded a little later.
fn picture(store: &Store) -> Result<Vec<Secret>, String> {
    store.settle().map_err(|error| fail("it does not settle", &error))?;
    let still = |secret: &Secret| Secret { as_of: latchkeep::Position::FIRST, retrieved_at: None, ..secret.clone() };
    Ok(store.secrets().iter().map(|secret| still(secret)).collect())
}

fn same_picture(before: &[Secret], store: &Store) -> Result<(), String> {
    if picture(store)? == before { Ok(()) } else { Err("FAIL a reopen changed what is shown".to_owned()) }
}

/// The same command under the same idempotency key gets the same answer.
fn remembers(store: &Store, model: &Model, acks: &Acks) -> Result<(), String> {
    let session = session(store, &format!("t{}", model.thread));
    for (name, (number, step)) in &model.keyed {
        let ack = &acks.of(model.thread)[usize::try_from(*number).unwrap()];
        let told = perform(&session, model, step).map_err(|error| fail(&format!("{name} again"), &error))?;
        let receipt = told.receipt.ok_or("FAIL no receipt")?;
        if !receipt.remembered || Some(receipt.position.get()) != ack.position {
            return Err(format!("LOST the answer for {name}: {receipt:?}, {ack}"));
        }
    }
    Ok(())
}

/// Commands of each weight still work.
fn go_on(store: &Store) -> Result<(), String> {
    let session = session(store, "checker");
    let text = |text: &str| SecretBytes::copy_from(text.as_bytes());
    let work = || -> Result<(), Error> {
        let made = session.create(NewSecret::arbitrary(SecretName::parse("checker")?, text("one"))?)?;
        let Some(id) = made.secret else { return Ok(()) };
        session.rotate(id, NewData::arbitrary(text("two"))?)?;
        session.destroy_data(id, VersionRef::Previous)?;
        session.roll_epoch(|_| {})?;
        session.read(id, VersionRef::Current)?;
        session.delete(id)?;
        store.settle()
    };
    work().map_err(|error| fail("it does not go on", &error))
}
