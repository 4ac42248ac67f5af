//! Owns the comparison of a repeated command's secret data with the data of the first time.
//!
//! The log keeps no hash of secret data, not even a keyed one: contexts are never erased, and an attacker with the key
//! could test guesses of destroyed data on it forever. So the new data is compared with what the first command sealed,
//! as long as that exists. Read next: [`super::session`].

use std::sync::{Arc, Weak};

use crate::domain::id::{SecretId, TaskId, VersionId};
use crate::domain::receipt::Receipt;
use crate::domain::refusal::Refusal;
use crate::domain::secret::{Secret, SecretType};
use crate::domain::version::SealedRef;
use crate::engine::reply::Check;
use crate::error::Error;
use crate::issuer::job::TaskReport;
use crate::seal::data::SecretData;
use crate::seal::random;
use crate::seal::secret_bytes::SecretBytes;

use super::command::{Command, Wanted};
use super::new_secret::{NewDataFrom, Source};
use crate::engine::Engine;

/// The part of the data that a command brings.
#[derive(Clone, Copy)]
enum Part {
    Whole,
    Password,
    /// The credential that a task made.
    Credential(TaskId),
}

/// Returns the check of a command's answer against its data, if it brings any.
pub(super) fn check(engine: &Arc<Engine>, command: &Command) -> Result<Option<Check>, Error> {
    let Some((part, data)) = brought(command) else { return Ok(None) };
    // Only in memory, and under a nonce of this one comparison.
    let nonce: [u8; 32] = random::array()?;
    let digest = digest(engine, &nonce, &data);
    let store: Weak<Engine> = Arc::downgrade(engine);
    Ok(Some(Box::new(move |receipt: &Receipt| {
        let Some(store) = receipt.remembered.then(|| store.upgrade()).flatten() else { return Ok(()) };
        match first(&store, receipt, part)? {
            Some(first) if self::digest(&store, &nonce, &first) != digest => Err(Refusal::IdempotencyKeyReused.into()),
            // Destroyed data cannot be compared any more; the rest of the command is the same.
            _ => Ok(()),
        }
    })))
}

fn digest(engine: &Engine, nonce: &[u8; 32], data: &SecretBytes) -> [u8; 32] {
    engine.shared.keyring().fingerprint(&[nonce, data.expose()])
}

/// Returns the data that a command brings.
fn brought(command: &Command) -> Option<(Part, SecretBytes)> {
    match &command.0 {
        Wanted::Create(new) => match &new.data {
            Source::Given(data) => Some((Part::Whole, data.encode())),
            Source::GeneratedPassword(_) | Source::ApiKey | Source::Issuer => None,
        },
        Wanted::Rotate(_, new) => match &new.from {
            NewDataFrom::Given(data) => Some((Part::Whole, data.encode())),
            NewDataFrom::Password(password) => Some((Part::Password, SecretBytes::copy_from(password.expose()))),
            NewDataFrom::Generated => None,
        },
        Wanted::ReportTask(_, task, TaskReport::CredentialsCreated(issued)) => {
            // Data that is not a credential is refused before this comparison.
            let data = SecretData::issued(SecretType::CustomCredentials, &issued.credential).ok()?;
            Some((Part::Credential(*task), SecretBytes::copy_from(data.primary().expose())))
        }
        _ => None,
    }
}

/// Returns the same part of what the first command sealed, if it still exists.
fn first(engine: &Engine, receipt: &Receipt, part: Part) -> Result<Option<SecretBytes>, Error> {
    let Some(secret) = receipt.secret.and_then(|id| engine.find(id).ok()) else { return Ok(None) };
    let Some((version, sealed)) = sealed_by(&secret, receipt, part) else { return Ok(None) };
    let data = read(engine, secret.id, version, &sealed)?;
    Ok(data.map(|data| match part {
        Part::Whole => data.encode(),
        Part::Password | Part::Credential(_) => SecretBytes::copy_from(data.primary().expose()),
    }))
}

fn read(engine: &Engine, id: SecretId, version: VersionId, sealed: &SealedRef) -> Result<Option<SecretData>, Error> {
    engine.shared.read_data(id, version, sealed)
}

/// Finds what the first command sealed.
fn sealed_by(secret: &Secret, receipt: &Receipt, part: Part) -> Option<(VersionId, SealedRef)> {
    let version = match part {
        Part::Whole | Part::Password => receipt.version?,
        Part::Credential(task) => {
            let open = secret.rotation.as_deref().filter(|rotation| TaskId::from(rotation.id) == task);
            let is_of_it = |rotation| TaskId::from(rotation) == task;
            let committed = secret
                .versions
                .iter()
                .find(|version| version.credential.as_deref().is_some_and(|credential| is_of_it(credential.rotation)));
            open.map(|rotation| rotation.to).or_else(|| committed.map(|version| version.id))?
        }
    };
    secret.sealed().filter(|(id, _)| *id == version).last().map(|(id, sealed)| (id, *sealed))
}
