//! Random commands against a plain model, with reopening and passing time as ordinary steps: after every step answer and
//! visible state are the same.
//!
//! A failing run prints its seed; `LATCHKEEP_SEED` runs that one alone, `LATCHKEEP_RUNS` so many more than usual.
#![allow(
    clippy::pedantic,
    clippy::disallowed_methods,
    clippy::collapsible_match,
    clippy::drop_non_drop,
    missing_docs,
    unreachable_pub,
    reason = "tests and benches ask the clock and start threads as they need"
)]

mod plain;

use std::time::Duration;

use latchkeep::{
    Actor, Clock, Command, Error, Lifecycle, LockMode, LockName, LockNames, ManualClock, NewData, NewLock, NewSecret,
    SecretBytes, SecretChanges, SecretId, SecretName, Session, Store, StoreOptions, Timestamp, Unlock, VersionNumber,
    VersionRef,
};

use plain::{Answer, Ask, Mode, Model, Which};

struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }

    fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[usize::try_from(self.below(choices.len() as u64)).unwrap()]
    }
}

/// A store under test beside its model.
struct Run {
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
    refusals: std::collections::BTreeMap<String, u32>,
}

const START: &str = "2026-11-23T12:00:00Z";

impl Run {
    fn new(seed: u64, on_disk: bool) -> Self {
        let clock = ManualClock::at(Timestamp::parse(START).unwrap());
        let dir = on_disk.then(|| tempfile::tempdir().unwrap());
        let mut run = Self {
            seed,
            chance: Chance(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15)),
            model: Model::default(),
            clock,
            dir,
            store: None,
            ids: Vec::new(),
            data: 0,
            refusals: std::collections::BTreeMap::new(),
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
        options.clock(self.clock.clone())
    }

    fn store(&self) -> &Store {
        self.store.as_ref().unwrap()
    }

    fn at(&self, secs: u64) -> Timestamp {
        Timestamp::parse(START).unwrap().plus(Duration::from_secs(secs))
    }

    fn step(&mut self, number: u32) {
        let what = match self.chance.below(20) {
            0 if self.dir.is_some() => self.reopen(),
            0..=2 => self.advance(),
            _ => self.ask(),
        };
        let what = format!("seed {}, step {number}: {what}", self.seed);
        self.compare(&what);
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
        let expected = self.model.ask(&ask);
        let found = self.run(&ask).map_err(|error| error.code());
        assert_eq!(found, expected, "seed {}: {ask:?}", self.seed);
        if let Err(code) = found {
            *self.refusals.entry(code.to_owned()).or_default() += 1;
        }
        format!("{ask:?}")
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
                let until = (chance.below(3) == 0).then(|| self.model.now + 1 + chance.below(200));
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
                    expires_at: until.map(|at| self.at(at)),
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

    fn finish(self) -> std::collections::BTreeMap<String, u32> {
        assert_eq!(self.store().scrub(|_| {}).unwrap().findings, Vec::<String>::new(), "seed {}", self.seed);
        self.store().verify_log(|_| {}).unwrap();
        assert_eq!(self.clock.now(), self.at(self.model.now));
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

fn number_of(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().unwrap())
}

/// Makes so many runs; every refusal that the model knows must have been met.
fn check(on_disk: bool, runs: u64, steps: u32) {
    let more = number_of("LATCHKEEP_RUNS").unwrap_or(1);
    let seeds: Vec<u64> = number_of("LATCHKEEP_SEED").map_or_else(|| (1..=runs * more).collect(), |seed| vec![seed]);
    let mut refusals = std::collections::BTreeMap::<String, u32>::new();
    for seed in &seeds {
        let mut run = Run::new(*seed, on_disk);
        (0..steps).for_each(|number| run.step(number));
        for (code, count) in run.finish() {
            *refusals.entry(code).or_default() += count;
        }
    }
    let met: Vec<&str> = refusals.keys().map(String::as_str).collect();
    let known: [Answer; 8] = [
        Err("invalid_parameter"),
        Err("not_found"),
        Err("nothing_to_restore"),
        Err("secret_inactive"),
        Err("secret_name_taken"),
        Err("secret_version_locked"),
        Err("version_data_destroyed"),
        Err("version_data_unavailable"),
    ];
    if seeds.len() > 1 {
        assert_eq!(met, known.map(|answer| answer.unwrap_err()), "these refusals were met: {refusals:?}");
    }
}

#[test]
fn a_store_in_memory_does_as_the_plain_model_does() {
    check(false, 20, 300);
}

#[test]
fn a_store_on_disk_does_as_the_plain_model_does_through_reopenings() {
    check(true, 4, 200);
}
