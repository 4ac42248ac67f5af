//! Owns a store for the tests of random histories: random commands, decided and committed as by the writer, with ends
//! in between.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::chance::Chance;
use super::{Rows, opening};
use crate::domain::command::{Command, LockTarget, Prepared, SecretChanges, Terms};
use crate::domain::decide::{Verdict, judge, lapses};
use crate::domain::event::{AccessRecorded, Event};
use crate::domain::id::{DataKeyId, GroupId, LogId, SecretId, VersionId};
use crate::domain::lock::{LockMode, LockNames, NewLock};
use crate::domain::name::{Actor, GroupName, IdempotencyKey, LockName, SecretName};
use crate::domain::position::{Position, WriterEpoch};
use crate::domain::record::Idempotency;
use crate::domain::secret::{ApiKeyTarget, ApiKeyUse, Secret, SecretMetadata, SecretSpec};
use crate::domain::settings::{AccessAudit, Settings};
use crate::domain::time::Timestamp;
use crate::domain::version::{SealedRef, VersionDetails, VersionOrigin, VersionRef};
use crate::engine::draw::Draw;
use crate::engine::erasure::{look, rewrite};
use crate::engine::group::{By, Group};
use crate::engine::held::HeldLog;
use crate::engine::past::{Past, past};
use crate::engine::queue::Payload;
use crate::engine::saved::Mark;
use crate::engine::snapshot::{Published, Snapshot};
use crate::engine::sync::Mutex;
use crate::storage::Storage;

/// Records after which a pass of saved state begins in these tests.
const PASS_RECORDS: u64 = 64;

/// A store driven by the test: it decides and commits like the writer, one command at a time.
pub(super) struct Shell {
    pub(super) rows: Rows,
    pub(super) log_id: LogId,
    pub(super) kept: Snapshot,
    pub(super) durable: Mark,
    pub(super) epoch: WriterEpoch,
    pub(super) now: Timestamp,
    pub(super) chance: Chance,
    pub(super) draw: Draw,
    pub(super) keyed: u64,
    pub(super) reopened_in_a_pass: u32,
    pub(super) marks: u32,
    pub(super) erased: usize,
}

impl Shell {
    pub(super) fn new(seed: u64) -> Self {
        let rows = Rows::new();
        let (log_id, kept) = (rows.log_id(), rows.recover().snapshot);
        let now = opening(crate::engine::open::Place::Memory).clock.now();
        let (durable, epoch) = (kept.saved.mark(), kept.state.whole.writer_epoch.next());
        let mut shell = Self {
            rows,
            log_id,
            kept,
            durable,
            epoch,
            now,
            chance: Chance(seed),
            draw: Draw::new(),
            keyed: 0,
            reopened_in_a_pass: 0,
            marks: 0,
            erased: 0,
        };
        shell.kept.saved.pass_every(PASS_RECORDS);
        shell
    }

    /// Decides a command and commits its events.
    pub(super) fn run(&mut self, command: &Command) {
        let mut terms = Terms::by(Actor::parse("ops").unwrap());
        if self.chance.below(3) == 0 {
            // Sometimes a key is used again.
            self.keyed += 1;
            let key = IdempotencyKey::parse(&format!("k-{}", self.chance.below(60))).unwrap();
            let mut fingerprint = [0; 32];
            fingerprint[..8].copy_from_slice(&self.keyed.to_be_bytes());
            terms.idempotency = Some(Idempotency { key, fingerprint });
        }
        self.run_on(&terms, command);
    }

    /// The same without an idempotency key, with which a command may be refused.
    pub(super) fn run_plainly(&mut self, command: &Command) {
        self.run_on(&Terms::by(Actor::parse("ops").unwrap()), command);
    }

    fn run_on(&mut self, terms: &Terms, command: &Command) {
        let mut group = Group::new(self.kept.end.size);
        for secret in command.secrets() {
            let due = self.kept.state.secret(secret).and_then(|secret| lapses(secret));
            if due.is_some_and(|at| at <= self.now) {
                self.append(&mut group, &Command::Lapse { secret }, &Terms::by(Actor::parse("latchkeep").unwrap()));
            }
        }
        self.append(&mut group, command, terms);
        self.commit(group);
    }

    pub(super) fn commit(&mut self, mut group: Group) {
        group.close(&mut self.kept, self.durable, &self.rows.0).unwrap();
        if !group.batch.is_empty() {
            self.rows.0.commit(&group.batch).unwrap();
        }
        self.marks += u32::from(self.durable != self.kept.saved.mark());
        self.durable = self.kept.saved.mark();
    }

    pub(super) fn append(&mut self, group: &mut Group, command: &Command, terms: &Terms) {
        let events: Vec<(Option<SecretId>, Event)> = match judge(&self.kept.state, command, terms, self.now) {
            Verdict::Accept(decision) => decision.events,
            Verdict::Refuse(_, event) => event.into_iter().map(|event| (None, event)).collect(),
            Verdict::Remembered(_) => Vec::new(),
        };
        if !events.is_empty() {
            let by = By { terms, now: self.now, writer_epoch: self.epoch };
            group.append(&mut self.kept, events, Payload::None, &by, &mut self.draw).unwrap();
        }
    }

    /// Rebases the clock to before the last record.
    fn rebase(&mut self) {
        self.now = self.kept.state.whole.last_at;
        let back = Duration::from_secs(301 + self.chance.below(5_000));
        self.run(&Command::RebaseClock(self.now.minus(back)));
        self.now = self.kept.state.whole.last_at;
    }

    /// Returns an independent copy of the store.
    pub(super) fn copy(&self) -> Self {
        let (kept, chance, draw) = (self.kept.clone(), Chance(self.chance.0), Draw::new());
        Self { rows: self.rows.fork(), kept, chance, draw, ..*self }
    }

    /// Erases a few bodies, like the writer.
    pub(super) fn erase(&mut self) {
        let end = self.kept.end.size.get();
        let mut chosen = BTreeSet::new();
        for _ in 0..self.chance.below(16) {
            let position = Position::new(self.chance.below(end));
            if matches!(look(&self.rows.0, &BTreeSet::from([position]), self.kept.end.size), Ok(Ok(_))) {
                chosen.insert(position);
            }
        }
        self.erase_these(&chosen);
    }

    /// Erases some bodies, like the writer.
    pub(super) fn erase_these(&mut self, chosen: &BTreeSet<Position>) {
        let bodies = look(&self.rows.0, chosen, self.kept.end.size).unwrap().unwrap();
        let terms = Terms::by(Actor::parse("ops").unwrap());
        let mut group = Group::new(self.kept.end.size);
        let rewritten = rewrite(&self.rows.0, chosen).unwrap().unwrap();
        self.append(&mut group, &Command::EraseBodies { bodies: bodies.clone() }, &terms);
        group.erase(&mut self.kept, &rewritten, &bodies, &self.rows.0).unwrap();
        self.commit(group);
        self.erased += chosen.len();
        // An erasure cannot be repeated.
        if !chosen.is_empty() {
            assert!(look(&self.rows.0, chosen, self.kept.end.size).unwrap().is_err());
        }
    }

    /// Ends without a close and opens again.
    pub(super) fn reopen(&mut self) {
        self.reopened_in_a_pass += u32::from(self.kept.saved.is_in_a_pass());
        self.kept = self.rows.recover().snapshot;
        self.kept.saved.pass_every(PASS_RECORDS);
        self.durable = self.kept.saved.mark();
        self.epoch = self.kept.state.whole.writer_epoch.next();
    }

    #[track_caller]
    pub(super) fn check_recovery(&self, what: &str) {
        let recovered = self.rows.recover();
        assert!(!recovered.rebuilt, "{what}: saved state was thrown away");
        same(&recovered.snapshot, &self.kept, what);
        assert_eq!(recovered.replayed, self.kept.saved.behind(&self.kept.end), "{what}: only what came after the mark");
    }

    #[track_caller]
    pub(super) fn check_rebuild(&self, what: &str) {
        same(&self.rows.rebuild().snapshot, &self.kept, what);
    }

    /// Returns the state after `size` records.
    pub(super) fn past(&self, size: Position) -> Past {
        self.past_in(&self.rows, size)
    }

    /// The same from other rows.
    pub(super) fn past_in(&self, rows: &Rows, size: Position) -> Past {
        self.with_log(rows, |log| past(log, size)).unwrap()
    }

    /// Calls `look` with the log as proved by its end.
    pub(super) fn with_log<T>(&self, rows: &Rows, look: impl FnOnce(&HeldLog<'_>) -> T) -> T {
        let (published, erased) = (Published::new(self.kept.clone()), Mutex::default());
        let (storage, snapshot) = (rows.0.reopen(), published.load());
        let log = HeldLog { storage: &storage, log_id: &self.log_id, snapshot, published: &published, erased: &erased };
        look(&log)
    }

    pub(super) fn random_secret(&mut self) -> Option<Arc<Secret>> {
        let count = self.kept.state.secrets.len() as u64;
        let at = usize::try_from(self.chance.below(count.max(1))).unwrap();
        self.kept.state.secrets.values().nth(at).cloned()
    }

    pub(super) fn prepared(&mut self, version: Option<VersionId>) -> Prepared {
        let sealed = SealedRef {
            data_key: DataKeyId::from_bytes(self.chance.id()),
            epoch: self.kept.state.whole.epochs.last().copied().unwrap_or(1),
            sealed_bytes: 9_000,
            digest: [3; 32],
        };
        let version = version.unwrap_or_else(|| VersionId::from_bytes(self.chance.id()));
        Prepared { version, sealed, details: VersionDetails::Plain, expires_at: None, custom_metadata: None }
    }

    pub(super) fn create(&mut self) -> Command {
        let target = ApiKeyTarget::ServiceId(Actor::parse("service").unwrap());
        let spec = match self.chance.below(4) {
            0 => SecretSpec::IamCredentials { ttl_secs: 600, api_key_use: ApiKeyUse::UntilLeaseEnds, target },
            1 => SecretSpec::IamCredentials { ttl_secs: 900, api_key_use: ApiKeyUse::FreshPerRead, target },
            _ => SecretSpec::Arbitrary,
        };
        let expires = spec == SecretSpec::Arbitrary && self.chance.below(3) == 0;
        let expires_at = expires.then(|| self.now.plus(Duration::from_secs(60 + self.chance.below(4_000))));
        let groups: Vec<GroupId> = self.kept.state.whole.groups.keys().copied().collect();
        let at = usize::try_from(self.chance.below(groups.len() as u64 + 1)).unwrap();
        Command::CreateSecret {
            id: SecretId::from_bytes(self.chance.id()),
            group: groups.get(at).copied().unwrap_or(GroupId::DEFAULT),
            metadata: SecretMetadata { expires_at, ..SecretMetadata::bare(self.name()) },
            expires: None,
            spec,
            policy: None,
            first: Some(self.prepared(None)),
        }
    }

    pub(super) fn name(&mut self) -> SecretName {
        SecretName::parse(&format!("secret-{}", self.chance.below(400))).unwrap()
    }

    pub(super) fn lock(&mut self) -> NewLock {
        let lock = NewLock::new(LockName::parse(&format!("lock-{}", self.chance.below(5))).unwrap());
        match self.chance.below(3) {
            0 => lock.until(self.now.plus(Duration::from_secs(1 + self.chance.below(900)))),
            _ => lock,
        }
    }

    pub(super) fn command(&mut self) -> Command {
        let which = [VersionRef::Current, VersionRef::Previous][usize::try_from(self.chance.below(2)).unwrap()];
        let kind = self.chance.below(21);
        let whole = &self.kept.state.whole;
        let group = whole.groups.keys().next().copied();
        match kind {
            0 => {
                let (id, number) = (GroupId::from_bytes(self.chance.id()), self.chance.below(9));
                let name = GroupName::parse(&format!("group {number}")).unwrap();
                return Command::CreateGroup { id, name, description: None };
            }
            1 => return Command::DeleteGroup { group: group.unwrap_or(GroupId::DEFAULT) },
            2 => {
                let audit = AccessAudit::ALL[usize::try_from(self.chance.below(3)).unwrap()];
                let settings = Settings { access_audit: audit, refuse_rotation_while_locked: false };
                return Command::ChangeSettings { settings };
            }
            3 => return Command::RollEpoch { epoch: whole.epochs.last().map_or(1, |last| last + 1) },
            4 => return Command::RetireEpoch { epoch: whole.epochs.first().copied().unwrap_or(0) },
            5 | 6 => return self.create(),
            _ => {}
        }
        let Some(secret) = self.random_secret() else { return self.create() };
        let (id, current) = (secret.id, secret.current().unwrap().id);
        match kind {
            7 | 8 => Command::Rotate { secret: id, origin: VersionOrigin::RotatedByHand, next: self.prepared(None) },
            9 => {
                let from = secret.previous().map_or(current, |previous| previous.id);
                Command::Restore { secret: id, from, next: self.prepared(None) }
            }
            10 => Command::DestroyData { secret: id, version: which },
            11 => Command::DeleteSecret { secret: id },
            12 => {
                let changes = SecretChanges { name: Some(self.name()), ..SecretChanges::default() };
                Command::UpdateSecret { secret: id, changes: Box::new(changes) }
            }
            13 | 14 => {
                let sealed = secret.current().and_then(|version| version.data.sealed());
                let at_hand = sealed.map(|sealed| sealed.data_key);
                Command::ReadDynamic { secret: id, fresh: self.prepared(Some(current)), at_hand }
            }
            15 => Command::RecordRead { secret: id, version: current, asked: VersionRef::Current },
            16 => {
                let reader = Actor::parse("reader").unwrap();
                let (first_at, last_at) = (self.now, self.now);
                let read = AccessRecorded { secret: id, version: current, reader, reads: 2, first_at, last_at };
                Command::RecordAccess { reads: vec![read] }
            }
            17 => Command::RemoveLocks { secret: id, version: which, names: LockNames::All },
            _ => {
                let mut target =
                    |secret| LockTarget { secret, version: which, locks: vec![self.lock()], mode: LockMode::Keep };
                let mut targets = vec![target(id)];
                if let Some(other) = self.random_secret().filter(|other| other.id != id && kind == 18) {
                    targets.push(LockTarget { secret: other.id, ..targets[0].clone() });
                }
                Command::PlaceLocks { targets }
            }
        }
    }
}

#[track_caller]
pub(super) fn same(found: &Snapshot, kept: &Snapshot, what: &str) {
    assert_eq!(found.end, kept.end, "{what}: the end of the log");
    assert_eq!(found.state.whole, kept.state.whole, "{what}: what belongs to no secret");
    assert_eq!(found.state.names, kept.state.names, "{what}: names");
    for (id, secret) in &kept.state.secrets {
        assert_eq!(found.state.secret(*id), Some(secret), "{what}");
    }
    assert!(found.state == kept.state, "{what}: the state");
    assert!(found.projections == kept.projections, "{what}: the projections");
}

pub(super) fn step(shell: &mut Shell) {
    let elapsed = Duration::from_secs(shell.chance.below(30));
    shell.now = shell.now.plus(elapsed);
    if shell.chance.below(20) == 0 {
        return shell.erase();
    }
    if shell.chance.below(40) == 0 {
        return shell.rebase();
    }
    let command = shell.command();
    shell.run(&command);
}
