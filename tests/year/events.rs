//! Owns what happens in a year: outages, clocks that are wrong, machines that sleep, consumers that die, and what people do.
//!
//! Read next: [`super::disaster`].

use std::time::Duration;

use latchkeep::{Command, NewData, RotationWorker, SecretId, SecretType, Timestamp};

use super::claims::GRACE;
use super::world::{DAY, HOUR};
use super::year::Year;

impl Year {
    /// Lets one thing happen, or nothing, as is mostly so.
    pub(crate) fn happen(&mut self) {
        self.may_be_lost();
        match self.chance.below(1_000) {
            0..12 => self.outage(),
            12..18 => self.stuck(),
            18..26 => self.death(),
            26..36 => self.clock_fault(),
            36..40 => self.sleep(),
            40..44 => self.shut(),
            44..64 => self.rotate_by_hand(),
            64..68 => self.delete(),
            68..72 => self.make_secret(),
            72..76 => self.two_workers(),
            76..77 => self.running_worker(),
            77..82 => self.change_policy(),
            _ => {}
        }
    }

    fn outage(&mut self) {
        let at = usize::try_from(self.chance.below(self.world.outsides.len() as u64)).unwrap();
        let secs = self.chance.one_of(&[20 * 60, 2 * HOUR, DAY]);
        let outside = self.world.outsides.values().nth(at).unwrap();
        outside.go_away(self.world.in_secs(secs));
        let name = outside.name;
        self.trouble(secs);
        self.note("outage", format!("of {name} for {secs} s"));
    }

    fn stuck(&mut self) {
        let at = usize::try_from(self.chance.below(self.world.outsides.len() as u64)).unwrap();
        // Longer, and what was made by a call whose reply was lost waits for a person, which is right.
        let secs = self.chance.between(HOUR, 2 * DAY);
        let outside = self.world.outsides.values().nth(at).unwrap();
        outside.get_stuck(self.world.in_secs(secs));
        let name = outside.name;
        self.note("stuck", format!("{name} ends nothing for {secs} s"));
    }

    fn death(&mut self) {
        let at = usize::try_from(self.chance.below(4)).unwrap();
        let secs = self.chance.between(HOUR, 12 * DAY);
        self.consumers[at].dead_until = Some(self.world.in_secs(secs));
        let name = self.consumers[at].name;
        self.note("death", format!("of {name} for {secs} s"));
    }

    fn sleep(&mut self) {
        let secs = self.chance.between(HOUR, 4 * DAY);
        self.note("sleep", format!("{secs} s"));
        self.pass(secs);
        self.trouble(0);
        self.consume();
    }

    /// The host is shut, and the consumers go on with what they have.
    fn shut(&mut self) {
        if self.dir.is_none() {
            return;
        }
        let secs = self.chance.between(HOUR, 5 * DAY);
        self.note("shut", format!("{secs} s"));
        self.store.close().unwrap();
        for _ in 0..4 {
            self.pass(secs / 4);
            for consumer in &mut self.consumers {
                consumer.live_without_store(&self.world);
            }
        }
        let is_wrong = self.chance.of_1000(250);
        if is_wrong {
            self.note("opened years ahead", String::new());
            self.world.clock.set(self.world.in_secs(3 * 365 * DAY));
        }
        self.store = self.options().open().unwrap();
        self.trouble(0);
        if is_wrong {
            self.wrong_for(2 * 60);
        }
        self.consume();
    }

    /// A clock is wrong for a while, and all go on.
    fn wrong_for(&mut self, secs: u64) {
        for _ in 0..2 {
            self.pass(secs / 2);
            self.consume();
            self.run_once();
            self.check();
        }
        self.world.set_right();
        // A store looks at its clock every second. This one would first look at its next command, after a jump of the same length.
        self.store.settle().unwrap();
    }

    fn clock_fault(&mut self) {
        let now = self.world.now();
        let back = |secs: u64| Timestamp::from_nanos(now.as_nanos() - secs * 1_000_000_000);
        let kind = self.chance.below(6);
        self.note("clock", format!("fault {kind}"));
        self.trouble(0);
        match kind {
            0 => {
                let secs = self.chance.between(1, 290);
                self.world.clock.set(if self.chance.of_1000(500) { self.world.in_secs(secs) } else { back(secs) });
                self.wrong_for(HOUR);
            }
            1 => {
                self.world.clock.set(self.world.in_secs(10 * 60));
                self.wrong_for(3 * 60);
            }
            2 => {
                self.world.clock.set(self.world.in_secs(10 * 60));
                self.wrong_for(40 * 60);
            }
            3 => {
                self.world.clock.set(self.world.in_secs(10 * 60));
                self.ops().confirm_clock().unwrap();
                self.wrong_for(HOUR);
            }
            4 => {
                let years = self.chance.between(1, 6);
                self.world.clock.set(self.world.in_secs(years * 365 * DAY));
                self.wrong_for(8 * 60);
            }
            _ => {
                let secs = self.chance.between(HOUR, 20 * DAY);
                self.world.clock.set(back(secs));
                self.wrong_for(4 * HOUR);
            }
        }
        self.consume();
    }

    fn some_secret(&mut self) -> Option<SecretId> {
        let alive: Vec<_> = self.known.iter().filter(|(_, known)| !known.is_gone).map(|(id, _)| *id).collect();
        alive.get(usize::try_from(self.chance.below(alive.len().max(1) as u64)).unwrap()).copied()
    }

    fn rotate_by_hand(&mut self) {
        let Some(id) = self.some_secret() else { return };
        let secret = self.store.secret(id).unwrap();
        let text = |text: &str| latchkeep::SecretBytes::copy_from(text.as_bytes());
        let number = secret.next_number();
        let rotated = match secret.secret_type() {
            SecretType::Arbitrary => {
                self.ops().rotate(id, NewData::arbitrary(text(&format!("payload {number}"))).unwrap())
            }
            SecretType::Kv => {
                self.ops().rotate(id, NewData::kv(&text(&format!(r#"{{"number":"{number}"}}"#))).unwrap())
            }
            SecretType::UsernamePassword => self.ops().rotate(id, NewData::generated()),
            SecretType::IamCredentials | SecretType::ImportedCert => return,
            _ => {
                let worker = self.worker();
                let planned = worker.rotate(&self.ops(), id);
                worker.run_due().unwrap();
                planned
            }
        };
        match rotated {
            Ok(_) => self.note("by hand", secret.metadata.name.to_string()),
            Err(error) => {
                assert!(error.refusal().is_some(), "{error}");
                self.note("refused by hand", format!("{}: {}", secret.metadata.name, error.code()));
            }
        }
    }

    /// Deletes a secret that nobody uses. A person who does may end what is in its grace.
    fn delete(&mut self) {
        let Some(id) = self.some_secret() else { return };
        let is_used = self.consumers.iter().any(|consumer| consumer.holds.iter().any(|hold| hold.secret == id));
        if is_used {
            return;
        }
        let secret = self.store.secret(id).unwrap();
        self.ops().delete(id).unwrap();
        if let (Some(_), Some(current)) = (self.known[&id].issuer, secret.current()) {
            let ending = self.living_up_to(&secret, current.number);
            ending.iter().for_each(|text| self.world.claims.give_back(text, GRACE));
        }
        self.known.get_mut(&id).unwrap().is_gone = true;
        self.note("delete", String::new());
    }

    fn change_policy(&mut self) {
        let Some(id) = self.some_secret() else { return };
        let Some(interval) = self.known[&id].interval else { return };
        let policy = latchkeep::RotationPolicy::every(interval);
        let changed = self.ops().run(Command::set_policy(id, policy));
        if let Err(error) = changed {
            assert!(error.refusal().is_some(), "{error}");
        }
    }

    /// Two workers run at the same time; one of them may be refused.
    fn two_workers(&mut self) {
        let workers = [self.worker(), self.worker()];
        std::thread::scope(|scope| {
            let runs = workers.each_ref().map(|worker| scope.spawn(|| worker.run_due()));
            for run in runs {
                if let Err(error) = run.join().unwrap() {
                    assert_eq!(error.code(), "worker_runs", "{error}");
                }
            }
        });
        self.note("two workers", String::new());
    }

    /// A worker runs for half a day by itself.
    fn running_worker(&mut self) {
        self.note("running worker", String::new());
        let worker = RotationWorker::start(&self.store, self.world.options(4)).unwrap();
        let other = RotationWorker::new(&self.store, self.world.options(1));
        assert_eq!(other.run_due().unwrap_err().code(), "worker_runs");
        for _ in 0..4 {
            self.pass(3 * HOUR);
            let is_idle = |year: &Self| {
                let rotations = year.store.status().unwrap().rotations;
                rotations.due.secrets + rotations.open.secrets + rotations.retiring.secrets == 0
            };
            for _ in 0..30 {
                std::thread::sleep(Duration::from_millis(5));
                if is_idle(self) {
                    break;
                }
            }
            self.consume();
        }
        worker.stop();
    }
}
