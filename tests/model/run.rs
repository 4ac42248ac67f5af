//! A store and the plain model side by side: one random step after another, and whether both are the same behind it.
//!
//! The tests beside it draw from a seed; the fuzzer of commands brings bytes. Read next: [`super::plain`].

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use latchkeep::audit::AsOf;
use latchkeep::{
    Actor, Clock, Command, Error, Lifecycle, LockMode, LockName, LockNames, ManualClock, NewData, NewLock, NewSecret,
    Position, Secret, SecretBytes, SecretChanges, SecretId, SecretName, Session, Store, StoreOptions, Timestamp,
    Unlock, VersionNumber, VersionRef,
};

use super::chance::Chance;
use super::plain::{Ask, Mode, Model, Which};

/// A store under test beside its model.
pub(crate) struct Run {
    seed: u64,
    chance: Chance,
    model: Model,
    clock: ManualClock,
    /// None for a store in memory, which cannot be reopened.
    dir: Option<tempfile::TempDir>,
    store: Option<Store>,
    /// The ids of the model's secrets, in its order.
    ids: Vec<SecretId>,
    data: u64,
    /// What the store showed at some sizes of its log.
    moments: Vec<(Position, Vec<Arc<Secret>>)>,
    refusals: std::collections::BTreeMap<String, u32>,
    /// How often a secret came to keep as many versions as one can.
    pub(crate) filled: u32,
}

/// Versions whose data a secret keeps at most.
const VERSIONS_MAX: usize = 50;

const START: &str = "2026-11-23T12:00:00Z";

impl Run {
    pub(crate) fn new(seed: u64, on_disk: bool) -> Self {
        Self::begin(seed, Chance::Seed(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15)), on_disk)
    }

    /// Runs in memory as bytes say, for as long as there are some.
    pub(crate) fn follow(script: &[u8]) {
        let mut run = Self::begin(0, Chance::Script(script.iter().rev().copied().collect()), false);
        for number in 0.. {
            if run.chance.is_over() {
                break;
            }
            run.step(number);
        }
        run.finish();
    }

    fn begin(seed: u64, chance: Chance, on_disk: bool) -> Self {
        let clock = ManualClock::at(Timestamp::parse(START).unwrap()).moving(Duration::from_nanos(1));
        let dir = on_disk.then(|| tempfile::tempdir().unwrap());
        let mut run = Self {
            seed,
            chance,
            model: Model::default(),
            clock,
            dir,
            store: None,
            ids: Vec::new(),
            data: 0,
            moments: Vec::new(),
            refusals: std::collections::BTreeMap::new(),
            filled: 0,
        };
        run.store = Some(run.options().create().unwrap());
        run
    }

    fn options(&self) -> StoreOptions {
        let unlock = Unlock::bytes(SecretBytes::copy_from(&[7; 32]));
        let options = match &self.dir {
            Some(dir) => StoreOptions::new(dir.path().join("store"), unlock),
            None => StoreOptions::in_memory(unlock),
        };
        options.clock(self.clock.clone()).past_states_apart(1_024)
    }

    fn store(&self) -> &Store {
        self.store.as_ref().unwrap()
    }

    fn at(&self, secs: u64) -> Timestamp {
        Timestamp::parse(START).unwrap().plus(Duration::from_secs(secs))
    }

    pub(crate) fn step(&mut self, number: u32) {
        let what = match self.chance.below(20) {
            0 if self.dir.is_some() => self.reopen(),
            0..=2 => self.advance(),
            3 if number.is_multiple_of(3) => self.erase(),
            4 if number.is_multiple_of(4) => self.fill(),
            _ => self.ask(),
        };
        let what = format!("seed {}, step {number}: {what}", self.seed);
        self.compare(&what);
        self.remember();
        self.look_back(&what);
    }

    /// Erases a few bodies; nothing that is there changes.
    fn erase(&mut self) -> String {
        let end = self.store().status().unwrap().log_size.get();
        let session = self.store().acting_as(Actor::parse("tester").unwrap());
        let chosen: Vec<_> = (0..self.chance.below(6)).map(|_| Position::new(self.chance.below(end))).collect();
        // Each alone: most of them cannot be erased, or are already.
        let erased: Vec<_> = chosen.iter().filter_map(|position| session.erase_bodies([*position]).ok()).collect();
        for receipt in &erased {
            // What is restated counts.
            if let Some(at) = self.ids.iter().position(|id| Some(*id) == receipt.secret) {
                self.model.secrets[at].as_mut().unwrap().revision += u64::from(receipt.events) - 1;
            }
        }
        format!("erase {} of {chosen:?}", erased.len())
    }

    /// Notes what the store shows now.
    fn remember(&mut self) {
        let size = self.store().status().unwrap().log_size;
        if self.moments.last().is_none_or(|(last, _)| *last < size) {
            let secrets = self.store().secrets();
            self.moments.push((size, secrets));
        }
    }

    /// Holds the store as it was at one of the moments before to what it showed then.
    fn look_back(&mut self, what: &str) {
        if self.chance.below(8) > 0 {
            return;
        }
        let at = usize::try_from(self.chance.below(self.moments.len() as u64)).unwrap();
        let (size, secrets) = &self.moments[at];
        let moment = self.store().as_of(AsOf::Position(Position::new(size.get() - 1))).unwrap();
        let hidden: BTreeSet<SecretId> = moment.hidden().collect();
        let known: Vec<_> = secrets.iter().filter(|secret| !hidden.contains(&secret.id)).cloned().collect();
        assert_eq!(moment.secrets(), known, "{what}, looking back to {size} records");
        assert!(hidden.iter().all(|id| secrets.iter().any(|secret| secret.id == *id)), "{what}: a stranger is hidden");
    }

    /// Closes, or drops without a close, and opens again.
    fn reopen(&mut self) -> String {
        let store = self.store.take().unwrap();
        let closes = self.chance.below(2) == 0;
        if closes {
            store.close().unwrap();
        }
        drop(store);
        self.store = Some(self.options().open().unwrap());
        format!("reopen, closed: {closes}")
    }

    fn advance(&mut self) -> String {
        let secs = self.chance.one_of(&[1, 10, 60, 300]);
        self.clock.advance(Duration::from_secs(secs));
        self.model.now += secs;
        self.store().settle().unwrap();
        self.model.pass_time();
        format!("{secs} seconds pass")
    }

    fn ask(&mut self) -> String {
        let ask = self.random();
        self.answer(&ask);
        format!("{ask:?}")
    }

    fn answer(&mut self, ask: &Ask) {
        let expected = self.model.ask(ask);
        let found = self.run(ask).map_err(|error| error.code());
        assert_eq!(found, expected, "seed {}: {ask:?}", self.seed);
        if let Err(code) = found {
            *self.refusals.entry(code.to_owned()).or_default() += 1;
        }
    }

    /// Has a secret keep as many versions as one can, and rotates it until it does, and once more.
    fn fill(&mut self) -> String {
        if self.ids.is_empty() {
            return "nothing to fill".to_owned();
        }
        let secret = usize::try_from(self.chance.below(self.ids.len() as u64)).unwrap();
        self.answer(&Ask::Retain { secret, retention: VERSIONS_MAX });
        for number in 0..=VERSIONS_MAX {
            self.answer(&Ask::Rotate { secret, data: format!("filling {number}") });
        }
        let filled = self.model.secrets[secret].as_ref();
        let with_data = filled.map_or(0, |filled| filled.versions.iter().filter(|it| it.data.is_some()).count());
        self.filled += u32::from(with_data == VERSIONS_MAX);
        format!("fill {secret}, which has {with_data} versions with data")
    }

    fn random(&mut self) -> Ask {
        let chance = &mut self.chance;
        self.data += 1;
        let data = format!("data {}", self.data);
        let name = format!("secret-{}", chance.below(12));
        let kind = chance.below(24);
        if self.ids.is_empty() || kind == 0 {
            let expires = chance.below(2) == 0;
            let expires_at = expires.then(|| self.model.now + 30 + chance.below(900));
            let (retention, strict) = (chance.one_of(&[2, 2, 2, 3, 5]), chance.below(5) == 0);
            return Ask::Create { name, retention, strict, expires_at, data };
        }
        let secret = usize::try_from(chance.below(self.ids.len() as u64)).unwrap();
        let number = Which::Number(1 + chance.below(9));
        let which = chance.one_of(&[Which::Current, Which::Current, Which::Previous, Which::Previous, number]);
        let lock_name = |number: u64| format!("lock-{number}");
        match kind {
            1..=4 => Ask::Rotate { secret, data },
            5 => Ask::Restore { secret },
            6..=8 => Ask::Read { secret, which },
            9..=15 => {
                let first = chance.below(4);
                let names = (first..=first + chance.below(2)).map(lock_name).collect();
                // One second by the model's count is less than one by the clock, which moves at each look.
                let until = (chance.below(3) == 0).then(|| self.model.now + 2 + chance.below(200));
                let modes = [Mode::Keep, Mode::Keep, Mode::Keep, Mode::RemovePrevious, Mode::RemovePreviousAndDelete];
                Ask::Place { secret, which, names, until, mode: chance.one_of(&modes) }
            }
            16..=20 => {
                let name = (chance.below(3) > 0).then(|| lock_name(chance.below(5)));
                Ask::Remove { secret, which, name }
            }
            21 => Ask::DestroyData { secret, which },
            22 => Ask::Delete { secret },
            _ => Ask::Rename { secret, name },
        }
    }

    fn run(&mut self, ask: &Ask) -> Result<Option<String>, Error> {
        let session: Session = self.store().acting_as(Actor::parse("tester").unwrap());
        let bytes = |text: &str| SecretBytes::copy_from(text.as_bytes());
        let lock_name = |name: &str| LockName::parse(name).unwrap();
        let id = |secret: &usize| self.ids[*secret];
        match ask {
            Ask::Create { name, retention, strict, expires_at, data } => {
                let new = NewSecret::arbitrary(SecretName::parse(name)?, bytes(data))?;
                let new = new.retaining(u8::try_from(*retention).unwrap()).refusing_rotation_while_locked(*strict);
                let new = match expires_at {
                    Some(at) => new.expiring_at(self.at(*at)),
                    None => new,
                };
                let made = session.create(new)?;
                self.ids.push(made.secret.unwrap());
            }
            Ask::Rotate { secret, data } => drop(session.rotate(id(secret), NewData::arbitrary(bytes(data))?)?),
            Ask::Restore { secret } => drop(session.restore(id(secret))?),
            Ask::Read { secret, which } => {
                return Ok(Some(session.read(id(secret), version(*which))?.text()?.to_owned()));
            }
            Ask::Place { secret, which, names, until, mode } => {
                let lock = |name: &String| NewLock {
                    expires: until.map(|at| self.at(at).into()),
                    ..NewLock::new(lock_name(name))
                };
                let mode = match mode {
                    Mode::Keep => LockMode::Keep,
                    Mode::RemovePrevious => LockMode::RemovePrevious,
                    Mode::RemovePreviousAndDelete => LockMode::RemovePreviousAndDelete,
                };
                let locks = names.iter().map(lock).collect();
                session.run(Command::place_locks(id(secret), version(*which), locks, mode))?;
            }
            Ask::Remove { secret, which, name } => {
                let names = name.as_ref().map_or(LockNames::All, |name| LockNames::These(vec![lock_name(name)]));
                session.run(Command::remove_locks(id(secret), version(*which), names))?;
            }
            Ask::DestroyData { secret, which } => drop(session.destroy_data(id(secret), version(*which))?),
            Ask::Delete { secret } => drop(session.delete(id(secret))?),
            Ask::Rename { secret, name } => {
                let name = Some(SecretName::parse(name)?);
                session.update(id(secret), SecretChanges { name, ..Default::default() })?;
            }
            Ask::Retain { secret, retention } => {
                let retention = u8::try_from(*retention).ok();
                session.update(id(secret), SecretChanges { retention, ..Default::default() })?;
            }
        }
        Ok(None)
    }

    /// Holds everything that can be seen of every secret to the model.
    fn compare(&self, what: &str) {
        let store = self.store();
        for (id, expected) in self.ids.iter().zip(&self.model.secrets) {
            let found = store.secret(*id);
            let Some(expected) = expected else {
                assert_eq!(found.unwrap_err().code(), "not_found", "{what}");
                continue;
            };
            let found = found.unwrap_or_else(|error| panic!("{what}: {error}"));
            assert_eq!(found.metadata.name.as_str(), expected.name, "{what}");
            assert_eq!(found.revision.get(), expected.revision, "{what}: revision of {}", expected.name);
            assert_eq!(found.lifecycle == Lifecycle::Destroyed, expected.is_destroyed, "{what}");
            assert_eq!(found.expiry_held_since.is_some(), expected.is_held, "{what}");
            let versions = found.versions.iter().map(|version| {
                let until = |at: Timestamp| at.since(self.at(0)).as_secs();
                let lock = |lock: &latchkeep::Lock| (lock.name.to_string(), lock.expires_at.map(until));
                let locks: Vec<_> = version.locks.iter().map(lock).collect();
                (version.number.get(), version.is_available(), locks, version.downloaded)
            });
            let expected_versions = expected
                .versions
                .iter()
                .map(|version| (version.number, version.data.is_some(), version.locks.clone(), version.downloaded));
            assert_eq!(
                versions.collect::<Vec<_>>(),
                expected_versions.collect::<Vec<_>>(),
                "{what}: {}",
                expected.name
            );
        }
        let (tally, secrets) = (store.status().unwrap().tally, self.model.secrets.iter().flatten());
        let locks: usize = secrets.clone().flat_map(|secret| &secret.versions).map(|version| version.locks.len()).sum();
        assert_eq!((tally.secrets, tally.locks), (secrets.count() as u64, locks as u64), "{what}");
    }

    pub(crate) fn finish(self) -> std::collections::BTreeMap<String, u32> {
        assert_eq!(self.store().scrub(|_| {}).unwrap().findings, Vec::<String>::new(), "seed {}", self.seed);
        self.store().verify_log(|_| {}).unwrap();
        // Each look at the clock moves it by a nanosecond; the model counts whole seconds.
        assert_eq!(self.clock.now().since(self.at(0)).as_secs(), self.model.now);
        self.refusals
    }
}

fn version(which: Which) -> VersionRef {
    match which {
        Which::Current => VersionRef::Current,
        Which::Previous => VersionRef::Previous,
        Which::Number(number) => VersionRef::Number(VersionNumber::new(number)),
    }
}
