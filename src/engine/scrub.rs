//! Owns the scrub: all stored data is read, verified, and compared with a fresh replay of the log.
//!
//! Read next: [`super::recovery`].

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use crate::codec::keys;
use crate::domain::id::DataKeyId;
use crate::domain::legal::{AcceptedStep, Flaw};
use crate::domain::position::Position;
use crate::error::Error;
use crate::ledger::Subtree;
use crate::storage::chunks::scan_chunked;
use crate::storage::{Direction, KeyRange};

use super::log::scan_records;
use super::reader::wrapped_key;
use super::recovery::rebuild;
use super::snapshot::Snapshot;
use super::{Engine, Shared};

/// The result of a scrub. The store is sound when there are no findings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ScrubReport {
    /// Records whose chain was verified.
    pub records: u64,
    /// Secrets whose state was compared with a fresh replay.
    pub secrets: u64,
    /// Versions whose sealed data was read, compared with the log and unsealed.
    pub versions: u64,
    /// Bytes of sealed data read.
    pub sealed_bytes: u64,
    /// What is wrong, a sentence each.
    pub findings: Vec<String>,
    /// Harmless errors that an earlier release wrote: the first thousand.
    pub flaws: Vec<Flaw>,
    /// The illegal steps that a restore accepted, since a person asked for it: at most 1,000.
    pub accepted_steps: Vec<AcceptedStep>,
}

/// The progress of a scrub.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ScrubProgress {
    /// The log is being replayed.
    ReplayingLog,
    /// Sealed data is being read: so many versions of so many.
    ReadingData {
        /// Versions read.
        done: u64,
        /// Versions to read.
        total: u64,
    },
}

/// Findings in a report, at most; a last sentence counts the others.
const FINDINGS_MAX: usize = 1_000;

impl Engine {
    /// Scrubs up to the last durable record.
    pub(crate) fn scrub(&self, progress: &mut dyn FnMut(ScrubProgress)) -> Result<ScrubReport, Error> {
        let mut report = ScrubReport::default();
        progress(ScrubProgress::ReplayingLog);
        let shared = &*self.shared;
        let before = shared.published.load();
        match rebuild(&*shared.storage, &shared.log_id, &before.vouching.key) {
            Ok(fresh) => {
                report.records = fresh.snapshot.end.size.get();
                report.flaws.clone_from(&fresh.flaws);
                report.accepted_steps.clone_from(&fresh.accepted);
                if let Some(step) = fresh.illegal {
                    find(&mut report, format!("the log has an {step}"));
                }
                self.check_erased(&fresh.still_there, &mut report)?;
                // The log may have grown while it was read: compare only if nothing was added.
                let after = shared.published.load();
                if after.end == fresh.snapshot.end {
                    compare(&after, &fresh.snapshot, &mut report);
                    self.check_tree(&after, &mut report)?;
                } else if fresh.snapshot.end.size < before.end.size {
                    report.findings.push("the log on disk is shorter than what was published".to_owned());
                }
            }
            Err(error) => report.findings.push(error.to_string()),
        }
        self.check_data(&before, &mut report, progress)?;
        self.check_keys(&mut report)?;
        for at in super::past::unusable(&*shared.storage, &shared.published.load())? {
            find(&mut report, format!("the past state at {at} cannot be used; looks back to then take longer"));
        }
        Ok(report)
    }

    /// Looks for erased bodies that were put back. In a store without a voucher, an earlier release may have left them.
    fn check_erased(&self, still_there: &BTreeSet<Position>, report: &mut ScrubReport) -> Result<(), Error> {
        for position in still_there.iter().filter(|_| self.is_vouched) {
            // A body that was erased while the log was read does not exist any more.
            scan_records(&*self.shared.storage, *position, position.next(), &mut |raw| {
                if raw.body().is_some() {
                    find(report, Error::body_put_back(*position).to_string());
                }
                Ok(ControlFlow::Continue(()))
            })?;
        }
        Ok(())
    }

    /// Checks the tree against the log.
    fn check_tree(&self, snapshot: &Snapshot, report: &mut ScrubReport) -> Result<(), Error> {
        let shared = &*self.shared;
        let (frontier, strange) = super::tree::compare(&*shared.storage, &shared.log_id, &snapshot.end)?;
        if frontier != snapshot.frontier {
            find(report, "the tree over the log is not what the log says".to_owned());
        }
        for Subtree { level, index } in strange {
            find(report, format!("subtree {index} of level {level} is not what the log says; proofs take longer"));
        }
        Ok(())
    }

    /// Checks keys and voucher against the log.
    fn check_keys(&self, report: &mut ScrubReport) -> Result<(), Error> {
        let shared = &*self.shared;
        self.settle_if_there_is_room()?;
        let snapshot = shared.published.load();
        for strange in shared.strange_keys()? {
            find(report, strange);
        }
        if !self.is_vouched {
            return Ok(());
        }
        let found = super::voucher::read(&*shared.storage, &snapshot.vouching.key);
        match found.and_then(|voucher| super::voucher::check_end(&voucher, &snapshot.end)) {
            // It has changed if the log grew meanwhile.
            Err(error) if shared.published.with(|now| now.end) == snapshot.end => find(report, error.to_string()),
            _ => {}
        }
        Ok(())
    }

    fn check_data(
        &self,
        snapshot: &Snapshot,
        report: &mut ScrubReport,
        progress: &mut dyn FnMut(ScrubProgress),
    ) -> Result<(), Error> {
        let total = snapshot.projections.tally.versions_available;
        let mut live = BTreeSet::new();
        for secret in snapshot.state.secrets.values() {
            for (version, sealed) in secret.sealed() {
                live.insert(sealed.data_key);
                let checked = self.shared.check_version(secret.id, version, sealed);
                match checked {
                    Ok(Some(bytes)) => report.sealed_bytes = report.sealed_bytes.saturating_add(bytes),
                    // It was destroyed after the snapshot was taken, if the newest snapshot says so.
                    Ok(None) if !self.shared.still_has(secret.id, sealed.data_key) => {}
                    Ok(None) => {
                        find(report, format!("the data of version {version} of {} is gone", secret.id));
                    }
                    Err(error) => find(report, format!("version {version} of {}: {error}", secret.id)),
                }
                report.versions = report.versions.saturating_add(1);
                if report.versions.is_multiple_of(1_024) {
                    progress(ScrubProgress::ReadingData { done: report.versions, total });
                }
            }
        }
        progress(ScrubProgress::ReadingData { done: total, total });
        self.check_orphans(&live, report)
    }

    /// Looks for sealed data and keys that belong to no version: data that should have been destroyed.
    fn check_orphans(&self, live: &BTreeSet<DataKeyId>, report: &mut ScrubReport) -> Result<(), Error> {
        let mut strangers = BTreeSet::new();
        self.shared.storage.scan(&KeyRange::prefix(&[keys::DATA_KEY]), Direction::Ascending, &mut |key, _| {
            strangers.extend(keys::parse_data_key(key).filter(|data_key| !live.contains(data_key)));
            ControlFlow::Continue(())
        })?;
        scan_chunked(&*self.shared.storage, &KeyRange::prefix(&[keys::SEALED_DATA]), &mut |key, _| {
            strangers.extend(keys::parse_sealed_data(key).filter(|data_key| !live.contains(data_key)));
            ControlFlow::Continue(())
        })?;
        // Data that was written during the scrub belongs to a version in a later snapshot.
        self.settle_if_there_is_room()?;
        let snapshot = self.shared.published.load();
        for (_, sealed) in snapshot.state.secrets.values().flat_map(|secret| secret.sealed()) {
            strangers.remove(&sealed.data_key);
        }
        for data_key in strangers {
            // It may also have been destroyed meanwhile.
            if wrapped_key(&*self.shared.storage, data_key)?.is_some() {
                find(report, format!("data key {data_key} belongs to no version; its data should have been destroyed"));
            }
        }
        Ok(())
    }
}

impl Shared {
    fn check_version(
        &self,
        secret: crate::domain::id::SecretId,
        version: crate::domain::id::VersionId,
        sealed: &crate::domain::version::SealedRef,
    ) -> Result<Option<u64>, Error> {
        let data = self.read_data(secret, version, sealed)?;
        Ok(data.map(|_| u64::from(sealed.sealed_bytes)))
    }

    fn still_has(&self, secret: crate::domain::id::SecretId, data_key: DataKeyId) -> bool {
        let snapshot = self.published.load();
        let found = snapshot.state.secret(secret);
        found.is_some_and(|secret| secret.sealed().any(|(_, sealed)| sealed.data_key == data_key))
    }
}

fn find(report: &mut ScrubReport, finding: String) {
    if report.findings.len() < FINDINGS_MAX {
        report.findings.push(finding);
    } else if report.findings.len() == FINDINGS_MAX {
        report.findings.push("there are more findings than are listed".to_owned());
    }
}

fn compare(kept: &Snapshot, fresh: &Snapshot, report: &mut ScrubReport) {
    report.secrets = u64::try_from(fresh.state.secrets.len()).unwrap_or(u64::MAX);
    for (id, secret) in &fresh.state.secrets {
        if kept.state.secret(*id) != Some(secret) {
            find(report, format!("the state of secret {id} is not what the log says"));
        }
    }
    if kept.state.secrets.len() != fresh.state.secrets.len()
        || kept.state.whole != fresh.state.whole
        || kept.state.names != fresh.state.names
    {
        find(report, "the state of the store is not what the log says".to_owned());
    }
    if kept.projections != fresh.projections {
        find(report, "calendar or counts are not what the log says".to_owned());
    }
}
