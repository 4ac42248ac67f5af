//! Owns what must hold at every node and in every step.

use std::sync::Arc;

use super::node::Node;
use super::outside::{Value, value_of};
use crate::domain::event::Event;
use crate::domain::id::{SecretId, VersionId};
use crate::domain::record::Record;
use crate::domain::rotation::Retirement;
use crate::domain::secret::{Lifecycle, Secret};
use crate::domain::version::Version;

/// What is promised; each is a property of the exploration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Promise {
    /// No step touches a locked version, in the store or outside.
    Locks,
    /// A credential that is not retired equals current, previous, or the sealed value of the open rotation.
    LogsIn,
    /// A credential that the store calls retired does not log in.
    Ended,
    /// No credential ends that is in use, but by its own retirement, or replaced in place.
    InUse,
    /// Every batch is legal.
    Legal,
    /// Nothing acknowledged is undone but by a restore, back to its size.
    Kept,
    /// Nothing that the original of a restored store uses is ended.
    Strangers,
}

/// Holds what a record changed to the promises about the store.
pub(super) fn of_record(before: Option<&Secret>, after: Option<&Secret>, record: &Record) -> Option<Promise> {
    let before = before?;
    let Some(after) = after else {
        let is_free = before.locks_total() == 0 && matches!(record.event, Event::SecretDeleted(_));
        return (!is_free).then_some(Promise::Locks);
    };
    let is_lock_event = matches!(record.event, Event::LockRemoved(_) | Event::LockExpired(_) | Event::LockPlaced(_));
    for old in &before.versions {
        let Some(new) = after.version_by_id(old.id) else { return Some(Promise::Kept) };
        let is_locked = !old.locks.is_empty();
        let lets_go = old.has_credential_in_use() && ending(new) && !ending(old);
        if is_locked && (new.data != old.data || lets_go) {
            return Some(Promise::Locks);
        }
        let comes_back = old.is_destroyed() && !new.is_destroyed();
        if comes_back || (new.locks.len() < old.locks.len() && !is_lock_event) || new.number != old.number {
            return Some(Promise::Kept);
        }
    }
    None
}

fn ending(version: &Version) -> bool {
    version.credential.as_deref().is_some_and(|credential| credential.retirement != Retirement::InUse)
}

/// What of the store logs in at a node and has to go on doing so.
#[derive(Debug)]
pub(super) struct Good(Vec<(SecretId, VersionId)>);

impl Good {
    pub(super) fn at(node: &Node) -> Self {
        let secrets = node.log.state().secrets.values();
        let good = |secret: &Secret, version: &Version| logs_in(node, secret, version) && !ending(version);
        let versions = secrets.flat_map(|secret| {
            secret.versions.iter().filter(|version| good(secret, version)).map(|version| (secret.id, version.id))
        });
        Self(versions.collect())
    }

    /// Compares with what logs in after a call; gives what the call broke. A value that is set replaces the one before.
    pub(super) fn broken_by(&self, node: &Node, sets: bool) -> Option<Promise> {
        for (secret, version) in &self.0 {
            let Some(secret) = node.secret(*secret) else { continue };
            let Some(version) = secret.version_by_id(*version) else { continue };
            if logs_in(node, secret, version) {
                continue;
            }
            if !version.locks.is_empty() {
                return Some(Promise::Locks);
            }
            if !sets {
                return Some(Promise::InUse);
            }
        }
        None
    }
}

fn logs_in(node: &Node, secret: &Secret, version: &Version) -> bool {
    match (version.credential.as_deref(), version.data.sealed()) {
        (Some(credential), Some(sealed)) => node.outside.logs_in(&credential.issuer, secret.id, value_of(sealed)),
        _ => false,
    }
}

/// The credentials in use that log in.
pub(super) fn used(node: &Node) -> Vec<Value> {
    let versions = |secret: &Arc<Secret>| {
        let used = secret.versions.iter().filter(|version| logs_in(node, secret, version) && !ending(version));
        used.filter_map(|version| version.data.sealed()).map(value_of).collect::<Vec<_>>()
    };
    node.log.state().secrets.values().flat_map(versions).collect()
}

/// The secrets of a restored store of which nobody knows what logs in: the original has ended a credential that it holds to be in
/// use, or a rotation was under way at the backup, which the original may have brought to its end.
pub(super) fn stale(node: &Node) -> Vec<SecretId> {
    let has_ended = |secret: &Secret| {
        let mut used = secret.versions.iter().filter(|version| version.has_credential_in_use() && !ending(version));
        used.any(|version| !logs_in(node, secret, version))
    };
    let is_stale = |secret: &&Arc<Secret>| secret.rotation.is_some() || has_ended(secret);
    node.log.state().secrets.values().filter(is_stale).map(|secret| secret.id).collect()
}

/// Holds a node to the promises about the store and the world outside.
pub(super) fn of_node(node: &Node) -> Option<Promise> {
    node.log.state().secrets.values().find_map(|secret| of_secret(node, secret))
}

fn of_secret(node: &Node, secret: &Secret) -> Option<Promise> {
    let is_retired =
        |version: &&Version| version.credential.as_deref().is_some_and(|credential| !credential.is_in_use());
    if secret.versions.iter().filter(is_retired).any(|version| logs_in(node, secret, version)) {
        return Some(Promise::Ended);
    }
    if secret.lifecycle != Lifecycle::Active || node.stale.contains(&secret.id) {
        return None;
    }
    let mut shown = secret.current().into_iter().chain(secret.previous());
    let is_shown = shown.any(|version| logs_in(node, secret, version));
    let is_sealed = secret.rotation.as_deref().is_some_and(|rotation| {
        let value = rotation.value.as_ref().map(value_of);
        value.is_some_and(|value| node.outside.logs_in(&rotation.issuer, secret.id, value))
    });
    (!is_shown && !is_sealed).then_some(Promise::LogsIn)
}
