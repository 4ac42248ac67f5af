//! Whatever the writer wrote, every check accepts: random histories of all commands, issuers of all classes whose calls
//! fail, two workers, restores and erasures under a clock that moves at every look. After every few
//! steps the export, the backup, the restored backup and the scrub are asked for their verdicts.
//!
//! A failing run prints its seed; `LATCHKEEP_SEED` runs that one alone, `LATCHKEEP_RUNS` so many more than usual.

use std::io::Cursor;
use std::sync::Arc;
use std::time::Duration;

use latchkeep::audit::{VerifyOptions, verify_export};
use latchkeep::issuer_kit::{ModelFault, ModelIssuer, ModelMethod};
use latchkeep::{
    Actor, Clock, Error, ErrorKind, ExportOptions, IdempotencyKey, Issuer, IssuerName, ManualClock, PassphraseCost,
    Position, RotationWorker, Secret, SecretBytes, SecretChanges, SecretId, Session, Store, StoreOptions, Timestamp,
    Unlock, WorkerOptions, verify_backup,
};

use super::commands::{self, Chance, ISSUERS, Pick};
use super::number_of;

struct Run {
    seed: u64,
    chance: Chance,
    clock: ManualClock,
    dir: tempfile::TempDir,
    /// Where the store lies now, by number; it moves at every restore.
    place: u32,
    store: Store,
    issuers: Vec<Arc<ModelIssuer>>,
    workers: Vec<RotationWorker>,
    done: Vec<String>,
    /// How often a secret came to have as many versions as one can.
    filled: u32,
}

/// Versions that a secret has at most.
const VERSIONS_MAX: u8 = 50;

pub(crate) fn unlock(byte: u8) -> Unlock {
    Unlock::bytes(SecretBytes::copy_from(&[byte; 32]))
}

impl Run {
    fn new(seed: u64) -> Self {
        let start = Timestamp::parse("2026-11-23T12:00:00Z").unwrap();
        let clock = ManualClock::at(start).moving(Duration::from_nanos(137));
        let dir = tempfile::tempdir().unwrap();
        let issuers: Vec<_> = ISSUERS.iter().map(|(_, class)| Arc::new(ModelIssuer::new(*class))).collect();
        let chance = Chance::new(seed);
        let options = StoreOptions::in_memory(unlock(7)).clock(clock.clone()).past_states_apart(1_024);
        let store = if seed.is_multiple_of(4) {
            StoreOptions::new(dir.path().join("0"), unlock(7)).clock(clock.clone()).create().unwrap()
        } else {
            options.create().unwrap()
        };
        let mut run = Self {
            seed,
            chance,
            clock,
            dir,
            place: 0,
            store,
            issuers,
            workers: Vec::new(),
            done: Vec::new(),
            filled: 0,
        };
        run.hire();
        run
    }

    fn is_on_disk(&self) -> bool {
        self.seed.is_multiple_of(4)
    }

    fn options(&self) -> StoreOptions {
        let options = if self.is_on_disk() {
            StoreOptions::new(self.dir.path().join(self.place.to_string()), unlock(7))
        } else {
            StoreOptions::in_memory(unlock(7))
        };
        options.clock(self.clock.clone()).past_states_apart(1_024)
    }

    /// Two workers for the store as it is now.
    fn hire(&mut self) {
        let worker = || {
            let named = ISSUERS.iter().zip(&self.issuers);
            let options = named.fold(WorkerOptions::new().attempts_max(3), |options, ((name, _), issuer)| {
                let issuer: Arc<dyn Issuer> = Arc::clone(issuer) as Arc<_>;
                options.shared_issuer(IssuerName::parse(name).unwrap(), issuer)
            });
            RotationWorker::new(&self.store, options)
        };
        self.workers = vec![worker(), worker()];
    }

    fn what(&self) -> String {
        let from = self.done.len().saturating_sub(12);
        format!("seed {}, step {}, after {:#?}", self.seed, self.done.len(), &self.done[from..])
    }

    fn session(&mut self) -> Session {
        let actor = self.chance.one_of(&["ops", "billing", "checkout"]);
        let session = self.store.acting_as(Actor::parse(actor).unwrap());
        let session = if self.chance.below(8) == 0 { session.by_force() } else { session };
        match self.chance.below(6) {
            0 => {
                let key = format!("key-{}", self.chance.below(400));
                session.once(IdempotencyKey::parse(&key).unwrap())
            }
            _ => session,
        }
    }

    /// What is refused is no fault; what is damaged or goes wrong inside is.
    #[track_caller]
    fn accepted<T>(&self, result: Result<T, Error>) -> Option<T> {
        match result {
            Ok(done) => Some(done),
            Err(error) => {
                let is_fault = matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::Internal);
                assert!(!is_fault, "{error} ({}), {}", error.code(), self.what());
                None
            }
        }
    }

    /// All secrets, in the order in which they were made: their ids are drawn by chance.
    fn secrets(&self) -> Vec<Arc<Secret>> {
        let mut secrets = self.store.secrets();
        secrets.sort_by_key(|secret| secret.created_at);
        secrets
    }

    fn pick(&mut self) -> Option<SecretId> {
        let secrets = self.secrets();
        let at = self.chance.below(secrets.len().max(1) as u64);
        secrets.get(usize::try_from(at).unwrap()).map(|secret| secret.id)
    }

    fn step(&mut self) {
        let kind = self.chance.below(100);
        self.done.push(format!("{kind}"));
        match kind {
            0..=54 => self.command(),
            55..=69 => self.work(),
            70..=76 => self.fault(),
            77..=86 => self.pass(),
            87..=89 => self.erase(),
            90 | 91 => self.keys(),
            92 => self.reopen(),
            93 => self.fill(),
            94 => self.restore(),
            95 => self.remake_from_export(),
            96..=98 => drop(self.accepted(self.store.acting_as(Actor::parse("ops").unwrap()).end_quarantine())),
            _ => drop(self.accepted(self.store.settle())),
        }
    }

    fn command(&mut self) {
        let session = self.session();
        let secrets = self.secrets();
        let pick = Pick { secrets: &secrets, groups: &self.store.groups(), now: self.clock.now() };
        let Some(command) = commands::random(&mut self.chance, &pick) else { return };
        self.done.push(format!("{command:?}").chars().take(160).collect());
        if self.chance.below(8) == 0 {
            self.accepted(session.dry_run(&command));
        }
        self.accepted(session.run(command));
    }

    fn work(&mut self) {
        let at = usize::try_from(self.chance.below(2)).unwrap();
        let worker = self.workers[at].clone();
        match self.chance.below(4) {
            0 => {
                let session = self.session();
                if let Some(secret) = self.pick() {
                    self.accepted(worker.rotate(&session, secret));
                }
            }
            1 => drop(self.accepted(worker.sweep())),
            _ => drop(self.accepted(worker.run_due())),
        }
    }

    fn fault(&mut self) {
        use ModelFault::{BeUnavailable, CrashAfterEffect, CrashBeforeEffect, LoseReply, Refuse};
        let methods = [ModelMethod::Create, ModelMethod::Verify, ModelMethod::Retire, ModelMethod::Find];
        let faults = [Refuse, BeUnavailable, LoseReply, CrashBeforeEffect, CrashAfterEffect];
        let (method, fault) = (self.chance.one_of(&methods), self.chance.one_of(&faults));
        let at = usize::try_from(self.chance.below(4)).unwrap();
        match self.chance.below(6) {
            0 => self.issuers[at].set_away(true),
            1 => self.issuers[at].set_away(false),
            _ => self.issuers[at].fault_soon(method, self.chance.below(3), fault),
        }
    }

    /// Time goes on, or back: by a correction, never by years.
    fn pass(&mut self) {
        let secs = self.chance.one_of(&[1, 2, 60, 3_600, 90_000, 400_000, 3_000_000]);
        self.done.push(format!("{secs} s"));
        if self.chance.below(12) == 0 {
            let back = self.clock.now().as_nanos() - 200_000_000_000;
            self.clock.set(Timestamp::from_nanos(back));
        } else {
            self.clock.advance(Duration::from_secs(secs));
        }
    }

    /// Has a secret keep as many versions as one can, and rotates it until it does, and once more.
    fn fill(&mut self) {
        let secrets = self.secrets();
        let Some(secret) = self.pick().and_then(|id| secrets.into_iter().find(|secret| secret.id == id)) else {
            return;
        };
        let session = self.store.acting_as(Actor::parse("ops").unwrap()).by_force();
        let changes = SecretChanges { retention: Some(VERSIONS_MAX), ..Default::default() };
        self.accepted(session.update(secret.id, changes));
        for _ in 0..=VERSIONS_MAX {
            let is_done = if secret.spec.issuance().is_some() {
                self.accepted(self.workers[0].rotate(&session, secret.id)).is_some()
            } else {
                self.accepted(session.run(commands::rotation(&secret))).is_some()
            };
            if !is_done {
                break;
            }
        }
        let filled = self.store.secret(secret.id).map_or(0, |secret| secret.versions.len());
        self.filled += u32::from(filled == usize::from(VERSIONS_MAX));
        self.done.push(format!("{} has {filled} versions", secret.metadata.name));
    }

    fn erase(&mut self) {
        let Some(secret) = self.pick() else { return };
        let session = self.session();
        let found = self.accepted(self.store.erasable_records(secret, Position::FIRST, 6)).unwrap_or_default();
        let chosen: Vec<_> = found.into_iter().filter(|_| self.chance.below(2) == 0).collect();
        self.accepted(session.erase_bodies(chosen));
    }

    fn keys(&mut self) {
        let session = self.store.acting_as(Actor::parse("ops").unwrap());
        match self.chance.below(4) {
            0 => drop(self.accepted(session.change_signing_key())),
            1 => drop(self.accepted(session.roll_epoch(|_| {}))),
            2 => drop(self.accepted(session.add_key_slot(&unlock(7), &unlock(7), PassphraseCost::default()))),
            _ => drop(self.accepted(session.remove_key_slot(1))),
        }
    }

    fn reopen(&mut self) {
        if self.is_on_disk() {
            self.workers.clear();
            self.store.close().unwrap_or_else(|error| panic!("{error}, {}", self.what()));
            let opened = self.options().open();
            self.store = opened.unwrap_or_else(|error| panic!("{error}, {}", self.what()));
            self.hire();
        }
    }

    fn backup(&self) -> Vec<u8> {
        let mut backup = Vec::new();
        let made = self.store.backup(&mut backup, &unlock(8), |_| {});
        made.unwrap_or_else(|error| panic!("{error}, {}", self.what()));
        backup
    }

    fn restore(&mut self) {
        let backup = self.backup();
        self.replace(|options| Ok(options.restore(Cursor::new(backup), &unlock(8), |_| {})?.0));
    }

    fn remake_from_export(&mut self) {
        if self.chance.below(3) == 0 {
            let export = self.export();
            let verify = VerifyOptions::default();
            self.replace(|options| Ok(options.create_from_export(Cursor::new(export), &verify, |_| {})?.0));
        }
    }

    fn replace(&mut self, make: impl FnOnce(StoreOptions) -> Result<Store, Error>) {
        self.workers.clear();
        self.store.close().unwrap();
        self.place += 1;
        let made = make(self.options());
        self.store = made.unwrap_or_else(|error| panic!("{error}, {}", self.what()));
        self.hire();
        if self.chance.below(3) > 0 {
            self.store.acting_as(Actor::parse("ops").unwrap()).end_quarantine().unwrap();
        }
    }

    fn export(&self) -> Vec<u8> {
        let mut export = Vec::new();
        let made = self.store.export(&mut export, ExportOptions::default(), |_| {});
        made.unwrap_or_else(|error| panic!("{error}, {}", self.what()));
        export
    }

    /// Asks every check.
    fn check(&self) {
        let what = self.what();
        let report = verify_export(self.export().as_slice(), &VerifyOptions::default(), |_| {});
        assert_eq!(report.failures().count(), 0, "{report}, {what}");
        let backup = self.backup();
        verify_backup(backup.as_slice(), &unlock(8), |_| {}).unwrap_or_else(|error| panic!("{error}, {what}"));
        let options = StoreOptions::in_memory(unlock(7)).clock(self.clock.clone());
        let restored = options.restore(Cursor::new(&backup), &unlock(8), |_| {});
        let (restored, _) = restored.unwrap_or_else(|error| panic!("{error}, {what}"));
        assert_eq!(restored.scrub(|_| {}).unwrap().findings, Vec::<String>::new(), "restored, {what}");
        assert_eq!(restored.secrets(), self.store.secrets(), "{what}");
        restored.close().unwrap();
        assert_eq!(self.store.scrub(|_| {}).unwrap().findings, Vec::<String>::new(), "{what}");
        self.store.verify_log(|_| {}).unwrap();
    }

    fn run(mut self, steps: u32) -> (usize, u32) {
        for number in 1..=steps {
            self.step();
            if number % 40 == 0 {
                self.check();
            }
        }
        self.reopen();
        self.check();
        (usize::try_from(self.store.status().unwrap().log_size.get()).unwrap(), self.filled)
    }
}

#[test]
fn whatever_the_writer_wrote_every_check_accepts() {
    let more = number_of("LATCHKEEP_RUNS").unwrap_or(1);
    let seeds = number_of("LATCHKEEP_SEED").map_or(1..=6 * more, |seed| seed..=seed);
    let (mut records, mut filled) = (0, 0);
    for seed in seeds {
        println!("seed {seed}");
        let run = Run::new(seed).run(400);
        (records, filled) = (records + run.0, filled + run.1);
    }
    println!("{records} records, {filled} secrets filled");
    assert!(filled > 0 || number_of("LATCHKEEP_SEED").is_some(), "no secret came to have 50 versions");
}
