//! Owns the plan: which command a thread asks at which step. It follows from the seed, the thread, the step and the
//! model, so that the checker can work it out again.
//!
//! Read next: [`super::model`].

use super::dice::Dice;
use super::model::{Kind, Model, Value};

/// A command of the plan. Secrets go by name, versions by number.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    Create {
        name: String,
        kind: Kind,
        value: Value,
        keyed: bool,
    },
    Rotate {
        name: String,
        value: Value,
    },
    Restore {
        name: String,
    },
    /// With `moving`, the lock of that name leaves the previous version, whose data goes if no other lock is left.
    Lock {
        name: String,
        number: u64,
        lock: String,
        moving: bool,
    },
    Unlock {
        name: String,
        number: u64,
        lock: String,
    },
    /// So many locks in one command that a close finds it worth while to save state.
    Crowd {
        name: String,
        number: u64,
    },
    /// All locks of a crowd, in one command.
    Disperse {
        name: String,
        number: u64,
    },
    Destroy {
        name: String,
        number: u64,
    },
    Delete {
        name: String,
    },
    Describe {
        name: String,
        text: String,
    },
    Read {
        name: String,
        number: u64,
    },
    /// The creation under an idempotency key, asked again.
    Repeat {
        name: String,
    },
    Group {
        name: String,
    },
    AddSlot {
        byte: u8,
    },
    RemoveSlot {
        slot: u8,
    },
    RollEpoch,
}

impl Model {
    /// Gives the next step.
    pub fn plan(&self) -> Step {
        let mut dice = Dice::new(self.seed, [self.thread, self.step]);
        if self.thread == 0 {
            // What concerns the whole store comes at fixed steps, so that every campaign meets it.
            match self.step % 16 {
                5 => return Step::Group { name: format!("group-{}", self.step) },
                7 => return Step::RollEpoch,
                10 => return self.plan_slot(&mut dice),
                12 | 13 => return self.plan_crowd(&mut dice),
                _ => {}
            }
        }
        if self.secrets.len() < 2 {
            return self.plan_create(&mut dice);
        }
        match dice.below(100) {
            0..20 if self.secrets.len() < 10 => self.plan_create(&mut dice),
            20..46 => self.plan_on(&mut dice, Kind::takes_versions, |model, dice, name| Step::Rotate {
                value: model.value(dice, model.secrets[&name].kind),
                name,
            }),
            46..52 => self.plan_on(&mut dice, Kind::takes_versions, |_, _, name| Step::Restore { name }),
            52..66 => self.plan_lock(&mut dice),
            66..72 => self.plan_unlock(&mut dice),
            72..82 => self.plan_destroy(&mut dice),
            82..86 | 0..20 => self.plan_on(&mut dice, |_| true, |_, _, name| Step::Delete { name }),
            86..92 => self.plan_read(&mut dice),
            92..96 => match dice.pick(&self.keyed.keys().cloned().collect::<Vec<_>>()) {
                Some(name) => Step::Repeat { name },
                None => self.plan_describe(&mut dice),
            },
            _ => self.plan_describe(&mut dice),
        }
    }

    fn plan_create(&self, dice: &mut Dice) -> Step {
        let kind = dice.pick(&[Kind::Text, Kind::Text, Kind::Text, Kind::Kv, Kind::Password, Kind::Key, Kind::Fresh]);
        let kind = kind.unwrap();
        let name = format!("t{}-{}", self.thread, self.step);
        let keyed = kind.takes_versions() && dice.one_in(3);
        Step::Create { name, kind, value: self.value(dice, kind), keyed }
    }

    fn value(&self, dice: &mut Dice, kind: Kind) -> Value {
        let characters = match kind {
            Kind::Password => 24,
            Kind::Key | Kind::Fresh => return Value::Made { id: None, digest: None },
            _ => match dice.below(16) {
                0 | 1 => 1,
                2..6 => 5_000,
                6 => 200_000,
                _ => 40,
            },
        };
        Value::Seeded { seed: dice.roll(), characters }
    }

    fn plan_on(&self, dice: &mut Dice, on: fn(Kind) -> bool, then: fn(&Self, &mut Dice, String) -> Step) -> Step {
        let fitting: Vec<_> = self.secrets.iter().filter(|(_, secret)| on(secret.kind)).map(|(name, _)| name).collect();
        match dice.pick(&fitting) {
            Some(name) => then(self, dice, name.clone()),
            None => self.plan_create(dice),
        }
    }

    fn plan_lock(&self, dice: &mut Dice) -> Step {
        let found = self.versions(|_, version| version.available);
        let Some((name, number)) = dice.pick(&found) else { return self.plan_describe(dice) };
        let lock = format!("lock-{}", dice.below(3));
        let is_current = self.secrets[&name].versions.last().is_some_and(|version| version.number == number);
        Step::Lock { name, number, lock, moving: is_current && dice.one_in(3) }
    }

    fn plan_crowd(&self, dice: &mut Dice) -> Step {
        if let Some((name, number)) = dice.pick(&self.versions(|_, version| version.is_crowded)) {
            return Step::Disperse { name, number };
        }
        match dice.pick(&self.versions(|_, version| version.available)) {
            Some((name, number)) => Step::Crowd { name, number },
            None => self.plan_describe(dice),
        }
    }

    fn plan_unlock(&self, dice: &mut Dice) -> Step {
        let found = self.versions(|_, version| !version.locks.is_empty());
        let Some((name, number)) = dice.pick(&found) else { return self.plan_lock(dice) };
        let version = self.secrets[&name].version(number).unwrap();
        let lock = dice.pick(&version.locks.iter().cloned().collect::<Vec<_>>()).unwrap();
        Step::Unlock { name, number, lock }
    }

    fn plan_destroy(&self, dice: &mut Dice) -> Step {
        let found = self.versions(|secret, version| {
            secret.kind.takes_versions()
                && version.available
                && secret.versions.last().is_some_and(|last| last.number != version.number)
        });
        match dice.pick(&found) {
            Some((name, number)) => Step::Destroy { name, number },
            None => self.plan_describe(dice),
        }
    }

    fn plan_read(&self, dice: &mut Dice) -> Step {
        let found = self.versions(|_, version| version.available);
        match dice.pick(&found) {
            Some((name, number)) => Step::Read { name, number },
            None => self.plan_describe(dice),
        }
    }

    fn plan_describe(&self, dice: &mut Dice) -> Step {
        self.plan_on(
            dice,
            |_| true,
            |model, dice, name| Step::Describe { name, text: format!("{}-{}", model.step, dice.text(8)) },
        )
    }

    fn plan_slot(&self, dice: &mut Dice) -> Step {
        match dice.pick(&self.slots.keys().copied().filter(|slot| *slot > 0).collect::<Vec<_>>()) {
            Some(slot) if dice.one_in(2) || self.slots.len() > 4 => Step::RemoveSlot { slot },
            _ => Step::AddSlot { byte: u8::try_from(20 + self.step % 200).unwrap() },
        }
    }
}
