//! One secret that many use at once, and what they did: each call with when it began and when it was answered.
//!
//! A call counts as begun before it begins and as answered after it is, so an order is never asked for that was not there. A
//! call that the end of the store left without an answer may have been done or not. The unit tests of the engine use this
//! too, in schedules. Read next: [`super::one_secret`].

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use latchkeep::{
    Actor, Command, Error, ErrorKind, LockName, LockNames, ManualClock, NewData, NewLock, NewSecret, Receipt, Revision,
    SecretBytes, SecretId, SecretName, Session, Store, StoreOptions, Timestamp, Unlock, VersionRef,
};
use stateright::semantics::{ConsistencyTester, LinearizabilityTester};

use super::one_secret::{Answer, Call, OneSecret};
use super::plain::{Ask, Mode, Which};

/// A call, and what came of it.
#[derive(Clone, Debug)]
pub(crate) struct Made {
    pub(crate) thread: u64,
    pub(crate) call: Call,
    pub(crate) began: u64,
    /// None when the store ended first.
    pub(crate) answered: Option<(u64, Answer)>,
}

/// What a history is made on.
#[derive(Clone)]
pub(crate) struct Stage {
    pub(crate) store: Store,
    pub(crate) id: SecretId,
    /// Counts beginnings and answers of all threads.
    pub(crate) moments: Arc<AtomicU64>,
}

pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(seed: u64, thread: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (thread + 1).wrapping_mul(0xd1b5_4a32_d192_ed03))
    }

    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

pub(crate) fn options(dir: Option<&tempfile::TempDir>) -> StoreOptions {
    let unlock = Unlock::bytes(SecretBytes::copy_from(&[7; 32]));
    let options = match dir {
        Some(dir) => StoreOptions::new(dir.path().join("store"), unlock),
        None => StoreOptions::in_memory(unlock),
    };
    options.clock(
        ManualClock::at(Timestamp::parse("2026-11-23T12:00:00Z").unwrap()).moving(std::time::Duration::from_nanos(1)),
    )
}

fn bytes(text: &str) -> SecretBytes {
    SecretBytes::copy_from(text.as_bytes())
}

impl Stage {
    pub(crate) fn new(dir: Option<&tempfile::TempDir>) -> Self {
        Self::on(options(dir).create().unwrap())
    }

    /// Makes the secret in a store.
    pub(crate) fn on(store: Store) -> Self {
        let new = NewSecret::arbitrary(SecretName::parse("shared").unwrap(), bytes("first")).unwrap();
        let id = store.acting_as(Actor::parse("maker").unwrap()).create(new).unwrap().secret.unwrap();
        Self { store, id, moments: Arc::default() }
    }

    fn moment(&self) -> u64 {
        self.moments.fetch_add(1, Ordering::SeqCst)
    }

    /// Makes a few calls, one after another, until the store ends.
    pub(crate) fn use_it(&self, thread: u64, seed: u64, calls: u64) -> Vec<Made> {
        let session = self.store.acting_as(Actor::parse("tester").unwrap());
        let mut chance = Chance::new(seed, thread);
        let mut made = Vec::new();
        let mut revision = 2;
        for number in 0..calls {
            let call = random(&mut chance, revision, || format!("data {thread}-{number}"));
            let began = self.moment();
            let answer = self.make(&session, &call);
            let answered = answer.map(|answer| (self.moment(), answer));
            if let Some((_, Answer::Done(Some(now)) | Answer::Seen(Some((now, _))))) = &answered {
                revision = *now;
            }
            let is_over = answered.is_none();
            made.push(Made { thread, call, began, answered });
            if is_over {
                break;
            }
        }
        made
    }

    /// None when the store ended first.
    fn make(&self, session: &Session, call: &Call) -> Option<Answer> {
        let Call::Ask(ask, expecting) = call else { return Some(Answer::Seen(self.look())) };
        let session = match expecting {
            Some(revision) => session.clone().expecting(Revision::new(*revision)),
            None => session.clone(),
        };
        let revision = |receipt: &Receipt| receipt.revision.map(Revision::get);
        let answer = match ask {
            Ask::Read { which, .. } => session.read(self.id, version(*which)).map(|reading| {
                Answer::Read(reading.text().unwrap().to_owned(), reading.receipt.as_ref().and_then(revision))
            }),
            Ask::Delete { .. } => session.delete(self.id).map(|_| Answer::Done(None)),
            _ => session.run(self.command(ask)).map(|receipt| Answer::Done(revision(&receipt))),
        };
        match answer {
            Ok(answer) => Some(answer),
            Err(error) if is_end(&error) => None,
            Err(error) => {
                assert!(matches!(error.kind(), ErrorKind::Refused(_)), "{call:?}: {error}");
                Some(Answer::Refused(error.code().to_owned()))
            }
        }
    }

    fn command(&self, ask: &Ask) -> Command {
        let lock_name = |name: &String| LockName::parse(name).unwrap();
        match ask {
            Ask::Rotate { data, .. } => Command::rotate(self.id, NewData::arbitrary(bytes(data)).unwrap()),
            Ask::Restore { .. } => Command::restore(self.id),
            Ask::Place { which, names, .. } => {
                Command::place_lock(self.id, version(*which), NewLock::new(lock_name(&names[0])))
            }
            Ask::Remove { which, name, .. } => {
                let names = name.as_ref().map_or(LockNames::All, |name| LockNames::These(vec![lock_name(name)]));
                Command::remove_locks(self.id, version(*which), names)
            }
            Ask::DestroyData { which, .. } => Command::destroy_data(self.id, version(*which)),
            other => unreachable!("{other:?} is not drawn"),
        }
    }

    fn look(&self) -> Option<(u64, Vec<super::one_secret::Shown>)> {
        let secret = self.store.secret(self.id).ok()?;
        let shown = secret.versions.iter().map(|version| {
            let locks = version.locks.iter().map(|lock| lock.name.to_string());
            (version.number.get(), version.is_available(), locks.collect())
        });
        Some((secret.revision.get(), shown.collect()))
    }
}

/// Tells whether nobody knows from the answer what became of the call; a full disk says that nothing did, but is no refusal.
fn is_end(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Closed | ErrorKind::Unavailable)
}

fn version(which: Which) -> VersionRef {
    match which {
        Which::Current => VersionRef::Current,
        Which::Previous => VersionRef::Previous,
        Which::Number(number) => VersionRef::Number(latchkeep::VersionNumber::new(number)),
    }
}

fn random(chance: &mut Chance, revision: u64, data: impl FnOnce() -> String) -> Call {
    let secret = 0;
    let which = [Which::Current, Which::Current, Which::Previous][usize::try_from(chance.below(3)).unwrap()];
    let name = format!("lock-{}", chance.below(2));
    let ask = match chance.below(24) {
        0..=4 => Ask::Read { secret, which },
        5..=9 => Ask::Place { secret, which, names: vec![name], until: None, mode: Mode::Keep },
        10..=12 => Ask::Remove { secret, which, name: Some(name) },
        13 => Ask::Remove { secret, which, name: None },
        14..=17 => Ask::Rotate { secret, data: data() },
        18 | 19 => Ask::Restore { secret },
        20 => Ask::DestroyData { secret, which },
        21 if chance.below(3) == 0 => Ask::Delete { secret },
        _ => return Call::Look,
    };
    Call::Ask(ask, (chance.below(4) == 0).then_some(revision))
}

/// Tells whether some order explains the history.
pub(crate) fn is_explained(history: &[Made]) -> bool {
    let mut moments: Vec<(u64, &Made, bool)> = Vec::new();
    for made in history {
        moments.push((made.began, made, true));
        moments.extend(made.answered.as_ref().map(|(at, _)| (*at, made, false)));
    }
    moments.sort_by_key(|(at, _, _)| *at);
    let mut tester = LinearizabilityTester::new(OneSecret::new("first"));
    for (_, made, begins) in moments {
        match &made.answered {
            Some((_, answer)) if !begins => tester.on_return(made.thread, answer.clone()).map(drop).unwrap(),
            _ => tester.on_invoke(made.thread, made.call.clone()).map(drop).unwrap(),
        }
    }
    tester.is_consistent()
}

/// Counts the calls that began before another thread's was answered.
pub(crate) fn overlapping(history: &[Made]) -> usize {
    let ends = |made: &Made| made.answered.as_ref().map_or(u64::MAX, |(at, _)| *at);
    let overlaps = |made: &&Made| {
        history.iter().any(|other| other.thread != made.thread && other.began < made.began && made.began < ends(other))
    };
    history.iter().filter(overlaps).count()
}
