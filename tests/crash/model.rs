//! Owns the plain model: what a store must hold after the steps of one thread, and how each step must be answered.
//!
//! It is written apart from the rules of the crate, on purpose. Read next: [`super::plan`].

use std::collections::{BTreeMap, BTreeSet};

use super::dice::Dice;
use super::plan::Step;

/// What one thread has done to its own secrets; that of thread 0 holds what concerns the whole store too.
#[derive(Clone, Debug)]
pub struct Model {
    pub seed: u64,
    pub thread: u64,
    /// Steps taken.
    pub step: u64,
    pub secrets: BTreeMap<String, Secret>,
    /// Creations under an idempotency key: the step, and what was asked.
    pub keyed: BTreeMap<String, (u64, Step)>,
    pub groups: BTreeSet<String>,
    /// Key slots, each with the byte that its key is made of.
    pub slots: BTreeMap<u8, u8>,
    pub removed_slots: BTreeSet<u8>,
    pub epoch: u32,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Secret {
    pub kind: Kind,
    pub description: Option<String>,
    pub versions: Vec<Version>,
    /// As the last receipt about it said.
    pub revision: Option<u64>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Version {
    pub number: u64,
    pub value: Value,
    pub available: bool,
    pub downloaded: bool,
    pub locks: BTreeSet<String>,
    /// Whether the locks of [`crowd`] stand on it too.
    pub is_crowded: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Text,
    Kv,
    Password,
    /// An API key that lives on a long lease.
    Key,
    /// An API key that each read makes anew.
    Fresh,
}

impl Kind {
    pub fn takes_versions(self) -> bool {
        matches!(self, Self::Text | Self::Kv | Self::Password)
    }
}

/// What a version holds: never the value itself, but what it follows from.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Seeded {
        seed: u64,
        characters: usize,
    },
    /// Made by the store: id and digest of a key, once a read has shown them.
    Made {
        id: Option<String>,
        digest: Option<String>,
    },
}

impl Value {
    /// Gives the value of a secret of a kind, if it follows from a seed.
    pub fn text(&self, kind: Kind) -> Option<String> {
        let Self::Seeded { seed, characters } = self else { return None };
        let text = Dice::new(*seed, [0, 0]).text(*characters);
        Some(if kind == Kind::Kv { format!("{{\"v\":\"{text}\"}}") } else { text })
    }
}

/// How a step must be answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Done,
    Refused(String),
}

impl Secret {
    pub fn version(&self, number: u64) -> Option<&Version> {
        self.versions.iter().find(|version| version.number == number)
    }

    fn version_mut(&mut self, number: u64) -> &mut Version {
        self.versions.iter_mut().find(|version| version.number == number).unwrap()
    }

    /// Adds a version; nothing happens if that pushes a locked one out of the window of two.
    fn push(&mut self, value: Value) -> Answer {
        let mut pushed_out = self.versions.iter().rev().skip(1).filter(|version| version.available);
        if pushed_out.any(Version::is_locked) {
            return locked();
        }
        let number = self.versions.last().unwrap().number + 1;
        self.versions.iter_mut().rev().skip(1).for_each(|version| version.available = false);
        self.versions.push(Version::new(number, value));
        Answer::Done
    }
}

impl Version {
    fn new(number: u64, value: Value) -> Self {
        Self { number, value, available: true, downloaded: false, locks: BTreeSet::new(), is_crowded: false }
    }

    fn is_locked(&self) -> bool {
        self.is_crowded || !self.locks.is_empty()
    }

    /// The names of all its locks, in order.
    pub fn lock_names(&self) -> BTreeSet<String> {
        let crowd = if self.is_crowded { crowd() } else { Vec::new() };
        self.locks.iter().cloned().chain(crowd).collect()
    }
}

impl Model {
    pub fn new(seed: u64, thread: u64) -> Self {
        Self {
            seed,
            thread,
            step: 0,
            secrets: BTreeMap::new(),
            keyed: BTreeMap::new(),
            groups: BTreeSet::new(),
            slots: BTreeMap::from([(0, super::support::FIRST_KEY)]),
            removed_slots: BTreeSet::new(),
            epoch: 1,
        }
    }

    /// Finds versions, by secret and number.
    pub fn versions(&self, which: fn(&Secret, &Version) -> bool) -> Vec<(String, u64)> {
        let of = |(name, secret): (&String, &Secret)| {
            let fitting = secret.versions.iter().filter(|version| which(secret, version));
            fitting.map(|version| (name.clone(), version.number)).collect::<Vec<_>>()
        };
        self.secrets.iter().flat_map(of).collect()
    }

    /// Takes a step, and says how it must be answered.
    pub fn take(&mut self, step: &Step) -> Answer {
        let number = self.step;
        self.step += 1;
        match step {
            Step::Create { name, kind, value, keyed } => {
                let versions = vec![Version::new(1, value.clone())];
                let secret = Secret { kind: *kind, description: None, versions, revision: None };
                self.secrets.insert(name.clone(), secret);
                if *keyed {
                    self.keyed.insert(name.clone(), (number, step.clone()));
                }
            }
            Step::Rotate { name, value } => return self.secret(name).push(value.clone()),
            Step::Restore { name } => return self.restore(name),
            Step::Lock { name, number, lock, moving } => self.lock(name, *number, lock, *moving),
            Step::Unlock { name, number, lock } => drop(self.secret(name).version_mut(*number).locks.remove(lock)),
            Step::Crowd { name, number } => self.secret(name).version_mut(*number).is_crowded = true,
            Step::Disperse { name, number } => self.secret(name).version_mut(*number).is_crowded = false,
            Step::Destroy { name, number } => {
                let version = self.secret(name).version_mut(*number);
                if version.is_locked() {
                    return locked();
                }
                version.available = false;
            }
            Step::Delete { name } => {
                if self.secrets[name].versions.iter().any(Version::is_locked) {
                    return locked();
                }
                self.secrets.remove(name);
            }
            Step::Describe { name, text } => self.secret(name).description = Some(text.clone()),
            Step::Read { name, number } => return self.read(name, *number),
            Step::Repeat { .. } => {}
            Step::Group { name } => drop(self.groups.insert(name.clone())),
            Step::AddSlot { byte } => {
                let slot = (0..).find(|slot| !self.slots.contains_key(slot)).unwrap();
                self.slots.insert(slot, *byte);
            }
            Step::RemoveSlot { slot } => drop(self.slots.remove(slot).map(|byte| self.removed_slots.insert(byte))),
            Step::RollEpoch => self.epoch += 1,
        }
        Answer::Done
    }

    fn secret(&mut self, name: &str) -> &mut Secret {
        self.secrets.get_mut(name).unwrap()
    }

    fn restore(&mut self, name: &str) -> Answer {
        let secret = self.secret(name);
        let previous = secret.versions.iter().rev().nth(1).filter(|version| version.available);
        match previous.map(|version| version.value.clone()) {
            None => Answer::Refused("nothing_to_restore".to_owned()),
            Some(value) => secret.push(value),
        }
    }

    fn lock(&mut self, name: &str, number: u64, lock: &str, moving: bool) {
        let secret = self.secret(name);
        secret.version_mut(number).locks.insert(lock.to_owned());
        if let Some(previous) = secret.versions.iter_mut().rev().nth(1).filter(|_| moving) {
            previous.locks.remove(lock);
            previous.available &= previous.is_locked();
        }
    }

    fn read(&mut self, name: &str, number: u64) -> Answer {
        let secret = self.secret(name);
        let kind = secret.kind;
        let version = secret.version_mut(number);
        if kind == Kind::Fresh && version.is_locked() {
            return locked();
        }
        version.downloaded = true;
        if kind == Kind::Fresh {
            version.value = Value::Made { id: None, digest: None };
        }
        Answer::Done
    }
}

/// The names of many locks.
pub fn crowd() -> Vec<String> {
    (0..500).map(|number| format!("crowd-{number:03}")).collect()
}

fn locked() -> Answer {
    Answer::Refused("secret_version_locked".to_owned())
}
