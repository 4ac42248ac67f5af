//! Owns what must hold all along, and what must be left at the end of a year.

use std::sync::Arc;
use std::time::Duration;

use latchkeep::audit::{Replay, VerifyOptions, verify_export};
use latchkeep::{ExportOptions, IntervalUnit, Lifecycle, LogEntry, Position, Secret, Timestamp, Version};

use super::claims::GRACE;
use super::world::{CLOCKS_DIFFER, DAY};
use super::year::{Year, lines};

impl Year {
    /// Checks what must hold at every moment.
    #[track_caller]
    pub(crate) fn check(&mut self) {
        let now = self.world.now();
        for secret in self.store.secrets() {
            self.check_secret(&secret);
            if now.since(self.troubled_at) > Duration::from_secs(4 * DAY) && !self.world.is_troubled() {
                self.check_rate(&secret, now);
            }
        }
        let faults = self.world.claims.take_faults();
        if !faults.is_empty() {
            let told = faults.iter().flat_map(|fault| self.story_of(fault));
            let told: Vec<_> = told.collect();
            panic!("{faults:#?}\n{}", told.join("\n"));
        }
    }

    /// Gives the last that the log tells of the secret that a fault names.
    fn story_of(&self, fault: &str) -> Vec<String> {
        let is_it =
            |secret: &Arc<Secret>| fault.split([' ', ')', ':']).any(|word| word == secret.metadata.name.as_str());
        let Some(secret) = self.store.secrets().into_iter().find(is_it) else { return Vec::new() };
        let mut told = Vec::new();
        let note = |entry: LogEntry| {
            if let LogEntry::Known(record) = &entry
                && entry.secret() == Some(secret.id)
            {
                let event: String = format!("{:?}", record.event).chars().take(200).collect();
                told.push(format!("{} {event}", record.recorded_at));
            }
            std::ops::ControlFlow::Continue(())
        };
        self.store.for_each_record(Position::FIRST, note).unwrap();
        told.split_off(told.len().saturating_sub(lines(30)))
    }

    fn check_secret(&mut self, secret: &Arc<Secret>) {
        let Some(known) = self.known.get_mut(&secret.id) else { return };
        let Some(issuer) = known.issuer.filter(|_| !known.is_gone) else { return };
        let is_active = secret.lifecycle == Lifecycle::Active;
        if known.is_free && secret.lifecycle != Lifecycle::PreActivation && !is_active {
            self.world.claims.fault(format!("{} is {} though nothing held it", secret.metadata.name, secret.lifecycle));
        }
        let Some(current) = secret.current().filter(|_| is_active) else { return };
        let outside = &self.world.outsides[issuer];
        if known.seen.is_none_or(|seen| seen < current.number) {
            known.seen = Some(current.number);
            if let Some(issuance) = secret.spec.issuance()
                && let Some(name) = secret.previous().and_then(outside_name)
                && let Some(made) = outside.look().living.get(name)
            {
                // The one before is good for its grace.
                let grace = Duration::from_secs(issuance.grace_secs.into()).saturating_sub(CLOCKS_DIFFER);
                self.world.claims.claim(&made.text, GRACE, current.created_at.plus(grace));
            }
        }
        if self.world.stale.lock().unwrap().contains(&secret.id) {
            return;
        }
        for version in secret.versions.iter().filter(|version| is_to_log_in(version)) {
            let Some(name) = outside_name(version) else { continue };
            if !outside.look().living.contains_key(name) {
                let (name, number) = (&secret.metadata.name, version.number);
                self.world.claims.fault(format!("version {number} of {name} is good by the store, and ended outside"));
            }
        }
    }

    /// Checks that a secret which nothing holds back has rotated when it should: within its interval, three days in which a timer
    /// fires, for what is early, spread and late, and one more for each of the two calls that may go wrong in a row; of jobs two
    /// more, since one that dies is found dead a day later.
    fn check_rate(&self, secret: &Secret, now: Timestamp) {
        let Some(known) = self.known.get(&secret.id).filter(|known| known.is_free && !known.is_gone) else { return };
        // An opaque one waits for a person now and then.
        let Some(interval) = known.interval.filter(|_| known.issuer != Some("opaque")) else { return };
        let Some(current) = secret.current().filter(|_| secret.lifecycle == Lifecycle::Active) else { return };
        if self.world.stale.lock().unwrap().contains(&secret.id) || secret.is_deleting {
            return;
        }
        let days = match interval.unit {
            IntervalUnit::Month => 31 * u64::from(interval.count),
            IntervalUnit::Day => u64::from(interval.count),
            _ => 1,
        };
        let age = now.since(current.created_at);
        let name = &secret.metadata.name;
        let patience = if known.issuer == Some("jobs") { 3 + 2 * 2 } else { 3 + 2 };
        if age > Duration::from_secs((days + patience) * DAY) {
            let standing = secret.rotation_standing(self.store.settings(), now);
            let fault = format!("{name} rotates every {interval}, and its version is {age:?} old: {standing:?}");
            self.world.claims.fault(fault);
        }
    }

    /// Checks what is left after three quiet weeks.
    #[track_caller]
    pub(crate) fn check_end(&mut self) {
        self.check();
        self.left().into_iter().for_each(|left| self.world.claims.fault(left));
        self.check();
        assert!(self.notes.is_empty() && self.world.stale.lock().unwrap().is_empty(), "a person was not done");
        assert_eq!(self.store.status().unwrap().strangers.len(), 0);
        self.check_orphans();
        self.check_log();
    }

    /// Gives the secrets for which something is left to do.
    pub(crate) fn left(&self) -> Vec<String> {
        let (settings, now) = (self.store.settings(), self.store.clock().now);
        let left = self.store.secrets().into_iter().filter_map(|secret| {
            let standing = secret.rotation_standing(settings, now)?;
            let held = secret.held_at(settings, now);
            let locks: Vec<_> =
                secret.locks().map(|(version, lock)| format!("{} on {}", lock.name, version.number)).collect();
            standing.since().map(|_| format!("{}: {standing:?}, {held:?}, {locks:?}", secret.metadata.name))
        });
        left.collect()
    }

    /// Nothing exists outside that no version knows of, and every current version logs in.
    #[track_caller]
    fn check_orphans(&self) {
        let secrets = self.store.secrets();
        let in_use: Vec<_> = secrets.iter().flat_map(|secret| &secret.versions).filter_map(outside_in_use).collect();
        for (issuer, outside) in &self.world.outsides {
            for (name, made) in &outside.look().living {
                assert!(in_use.contains(&name), "{name} of {} at {issuer} is known to nobody", made.secret);
            }
        }
        for secret in secrets.iter().filter(|secret| secret.lifecycle == Lifecycle::Active) {
            let Some(issuer) = self.known[&secret.id].issuer else { continue };
            let read = self.ops().read(secret.id, latchkeep::VersionRef::Current).unwrap();
            let logs_in = self.world.outsides[issuer].logs_in(read.text().unwrap());
            assert!(logs_in, "{} at {issuer}: {}", secret.metadata.name, read.text().unwrap());
        }
    }

    /// The log tells a legal story, to two readers.
    #[track_caller]
    fn check_log(&self) {
        let mut export = Vec::new();
        self.store.export(&mut export, ExportOptions::default(), |_| {}).unwrap();
        let report = verify_export(export.as_slice(), &VerifyOptions::default(), |_| {});
        assert_eq!(report.failures().count(), 0, "{report}");
        let mut replay = Replay::from_genesis(self.store.log_id());
        let apply = |entry: LogEntry| {
            let LogEntry::Known(record) = entry else { panic!("a record is hidden: {entry:?}") };
            replay.apply(&record).unwrap();
            std::ops::ControlFlow::Continue(())
        };
        self.store.for_each_record(Position::FIRST, apply).unwrap();
        assert_eq!(self.store.scrub(|_| {}).unwrap().findings, Vec::<String>::new());
    }
}

/// Gives what the system outside calls the credential of a version.
pub(crate) fn outside_name(version: &Version) -> Option<&latchkeep::OutsideId> {
    version.credential.as_deref()?.outside.as_ref()
}

fn outside_in_use(version: &Version) -> Option<&latchkeep::OutsideId> {
    outside_name(version).filter(|_| version.has_credential_in_use())
}

/// Tells whether the credential of a version is good, as far as the store knows, and to stay so.
pub(crate) fn is_to_log_in(version: &Version) -> bool {
    version.credential.as_deref().is_some_and(|credential| credential.is_in_use() && !credential.is_retiring())
}
