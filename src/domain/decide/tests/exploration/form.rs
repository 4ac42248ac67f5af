//! Owns the one form of a node: what can make a difference to what comes, with ids numbered in the order in which they
//! are met, times told by what they are before or after, and the two workers in either order.

use std::collections::BTreeMap;

use super::node::{DAYS, Node};
use super::outside::value_of;
use super::worker::Worker;
use crate::audit::Replay;
use crate::domain::id::SecretId;
use crate::domain::name::OutsideId;
use crate::domain::rotation::{Credential, IssuedCredential, Retirement, Rotation, RotationStage};
use crate::domain::secret::Secret;
use crate::domain::time::Timestamp;
use crate::domain::version::{Version, VersionData};

/// Writes the form of a node.
pub(super) fn of(node: &Node) -> Vec<u8> {
    let mut form = Form { now: node.now, bytes: Vec::with_capacity(256), met: BTreeMap::new() };
    form.log(&node.log);
    form.bytes.push(u8::from(node.kept.is_some()));
    node.kept.iter().for_each(|kept| form.log(&kept.0));
    form.outside(node);
    let mut workers = node.workers.each_ref().map(|worker| form.clone().worker(worker));
    workers.sort();
    workers.iter().for_each(|worker| form.bytes.extend(worker));
    let left = node.left;
    form.bytes.extend([left.faults, left.crashes, left.restores, left.whims, left.days]);
    for value in &node.strangers {
        form.number(u128::from(*value));
    }
    for secret in &node.stale {
        form.secret_id(*secret);
    }
    form.bytes.push(node.broken.map_or(0, |broken| broken as u8 + 1));
    form.bytes
}

#[derive(Clone)]
struct Form {
    now: Timestamp,
    bytes: Vec<u8>,
    met: BTreeMap<u128, u8>,
}

impl Form {
    /// Writes an id as its place among those that were met.
    fn number(&mut self, id: u128) {
        let next = u8::try_from(self.met.len()).unwrap();
        let number = *self.met.entry(id).or_insert(next);
        self.bytes.push(number);
    }

    fn id(&mut self, id: &[u8; 16]) {
        self.number(u128::from_be_bytes(*id));
    }

    fn secret_id(&mut self, id: SecretId) {
        self.bytes.push(id.as_bytes()[15]);
    }

    fn outside_id(&mut self, outside: Option<&OutsideId>) {
        match outside.map(|outside| outside.as_str().trim_start_matches("made-").parse().unwrap()) {
            Some(number) => self.number(number),
            None => self.bytes.push(u8::MAX),
        }
    }

    /// Whether a time is over.
    fn time(&mut self, at: Option<Timestamp>) {
        self.bytes.push(at.map_or(2, |at| u8::from(at <= self.now)));
    }

    fn log(&mut self, log: &Replay) {
        let state = log.state();
        self.bytes.push(u8::from(state.whole.quarantine().is_some()));
        self.number(u128::from(state.whole.incarnation().get()));
        for secret in state.secrets.values() {
            self.secret(secret);
        }
    }

    fn secret(&mut self, secret: &Secret) {
        self.secret_id(secret.id);
        let issuer = secret.spec.issuance().map_or(0, |issuance| issuance.issuer.as_str().as_bytes()[0]);
        let strict = secret.metadata.refuse_rotation_while_locked.map_or(2, u8::from);
        let flags = [u8::from(secret.is_deleting), u8::from(secret.expiry_held_since.is_some())];
        self.bytes.extend([secret.lifecycle as u8, issuer, strict, secret.metadata.retention]);
        self.bytes.extend(flags);
        self.bytes.push(u8::try_from(secret.versions.len()).unwrap());
        secret.versions.iter().for_each(|version| self.version(version));
        match secret.rotation.as_deref() {
            Some(rotation) => self.rotation(rotation),
            None => self.bytes.push(u8::MAX),
        }
        if let Some(lineage) = &secret.lineage {
            self.number(u128::from(lineage.planned_in.get()));
            self.number(u128::from(lineage.resumed_in.unwrap_or(lineage.planned_in).get()));
        }
        self.bytes.push(u8::from(secret.sets_again()));
        // Pauses grow with the failures, and else they count for no more than this.
        let counted = secret.patience.as_deref();
        self.time(counted.map(|counted| counted.counted_at.plus(DAYS / 2)));
        self.bytes.push(u8::from(counted.is_some_and(|counted| counted.worked_secs > 0)));
    }

    fn version(&mut self, version: &Version) {
        self.id(version.id.as_bytes());
        match &version.data {
            VersionData::Available(sealed) => self.number(u128::from(value_of(sealed))),
            VersionData::Destroyed { .. } => self.bytes.push(u8::MAX),
            VersionData::Unavailable { .. } => self.bytes.push(u8::MAX - 1),
        }
        self.time(version.expires_at);
        for lock in &version.locks {
            self.bytes.push(*lock.name.as_str().as_bytes().last().unwrap());
            self.time(lock.expires_at);
        }
        self.bytes.push(u8::MAX);
        version.credential.iter().for_each(|credential| self.credential(credential));
        self.bytes.extend(version.acknowledged_by.iter().map(|consumer| *consumer.as_str().as_bytes().last().unwrap()));
    }

    fn credential(&mut self, credential: &Credential) {
        let stage = match credential.retirement {
            Retirement::InUse => 0,
            Retirement::Planned { .. } => 1,
            Retirement::Retired { .. } => 2,
            Retirement::Failing { .. } => 3,
            Retirement::Awaiting { .. } => 4,
        };
        self.bytes.extend([credential.issuer.as_str().as_bytes()[0], credential.class as u8, stage]);
        self.id(credential.rotation.as_bytes());
        self.outside_id(credential.outside.as_ref());
    }

    fn rotation(&mut self, rotation: &Rotation) {
        self.id(rotation.id.as_bytes());
        self.id(rotation.to.as_bytes());
        let attempts = u8::try_from(rotation.attempts).unwrap();
        let tags = [rotation.issuer.as_str().as_bytes()[0], rotation.class as u8, rotation.trigger as u8, attempts];
        self.bytes.extend(tags);
        self.bytes.extend([u8::from(rotation.parked.is_some()), u8::from(rotation.retry_at.is_some())]);
        self.time(Some(rotation.deadline));
        self.number(rotation.value.as_ref().map_or(u128::MAX, |sealed| u128::from(value_of(sealed))));
        self.bytes.extend(rotation.stage.label().as_bytes().iter().take(2));
        match &rotation.stage {
            RotationStage::Staged { reported_at, .. } => self.time(Some(reported_at.plus(DAYS / 2))),
            RotationStage::Awaiting { report_by } | RotationStage::Ending { report_by, .. } => {
                self.time(Some(*report_by));
            }
            _ => {}
        }
        rotation.credential().into_iter().for_each(|made| self.made(made));
    }

    fn made(&mut self, made: &IssuedCredential) {
        self.outside_id(made.outside.as_ref());
        self.number(u128::from(value_of(&made.sealed)));
        self.time(made.expires_at);
    }

    fn outside(&mut self, node: &Node) {
        for ((issuer, secret), value) in &node.outside.accounts {
            self.bytes.push(issuer.as_str().as_bytes()[0]);
            self.secret_id(*secret);
            self.number(u128::from(*value));
        }
        self.bytes.push(u8::MAX);
        for living in &node.outside.living {
            self.bytes.push(living.issuer.as_str().as_bytes()[0]);
            self.id(living.rotation.as_bytes());
            self.number(u128::from(living.value));
            let is_kept = node.kept.as_ref().is_some_and(|kept| kept.1.has_ended(living.rotation));
            self.bytes.extend([node.planned.has(living.rotation), is_kept].map(u8::from));
        }
        self.bytes.push(u8::MAX);
    }

    /// Gives the form of a worker, among the ids that were met.
    fn worker(mut self, worker: &Worker) -> Vec<u8> {
        let begins = self.bytes.len();
        match worker {
            Worker::Idle => self.bytes.push(0),
            Worker::Calling(call) => {
                self.bytes.push(1);
                self.bytes.extend(call.shape());
                call.numbers().into_iter().for_each(|number| self.number(number));
            }
            Worker::Called(call, answer) => {
                self.bytes.push(2);
                self.bytes.extend(call.shape());
                call.numbers().into_iter().for_each(|number| self.number(number));
                self.bytes.extend(Worker::shape_of(answer));
                Worker::numbers_of(answer).into_iter().for_each(|number| self.number(number));
            }
            Worker::Sweeping(issuer, unknown) => {
                self.bytes.extend([3, issuer.as_str().as_bytes()[0]]);
                for (rotation, outside) in unknown {
                    self.id(rotation.as_bytes());
                    self.outside_id(Some(outside));
                }
            }
        }
        self.bytes.split_off(begins)
    }
}
