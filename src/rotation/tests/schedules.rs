//! Random schedules of lock, unlock, rotate, read, time that passes, calls that go wrong and workers that die: whatever the
//! order, the credential in use logs in, nothing that is locked is lost, and the log tells a legal story.
//!
//! A failing run prints its seed; `LATCHKEEP_SEED` runs that one alone, `LATCHKEEP_RUNS` so many times more than usual.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::job_runner::FAULTS;
use super::world::{DAY, HOUR, World, issuer};
use crate::RotationWorker;
use crate::domain::id::VersionId;
use crate::domain::issuance::Issuance;
use crate::domain::lock::NewLock;
use crate::domain::name::{LockName, Reason};
use crate::domain::policy::{Interval, IntervalUnit, RotationPolicy};
use crate::domain::rotation::IssuerClass;
use crate::domain::version::VersionRef;
use crate::engine::tests::chance::Chance;
use crate::issuer::kit::{ModelFault, ModelIssuer, ModelMethod};
use crate::seal::secret_bytes::SecretBytes;

struct Schedule {
    seed: u64,
    chance: Chance,
    world: World,
}

impl Schedule {
    fn new(seed: u64) -> Self {
        let mut chance = Chance(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let class =
            chance.one_of(&[IssuerClass::SetValue, IssuerClass::CreateWithToken, IssuerClass::CreateDiscoverable]);
        let policy =
            (chance.below(2) == 0).then(|| RotationPolicy::every(Interval::new(2, IntervalUnit::Day).unwrap()));
        let world = World::with(ModelIssuer::new(class), Issuance::by(issuer()), policy);
        let takes_jobs = class == IssuerClass::CreateWithToken && chance.below(2) == 0;
        let world = if takes_jobs { world.by_jobs() } else { world };
        for _ in 0..2 {
            world.worker().run_due().unwrap();
            world.end_jobs();
        }
        Self { seed, chance, world }
    }

    fn step(&mut self) {
        let Self { chance, world, .. } = self;
        let ops = world.ops();
        let which = chance.one_of(&[VersionRef::Current, VersionRef::Previous]);
        let name = LockName::parse(chance.one_of(&["aa", "bb", "cc"])).unwrap();
        match chance.below(18) {
            0..=2 => drop(ops.place_lock(world.secret, which, NewLock::new(name))),
            3..=5 => drop(ops.remove_lock(world.secret, which, name)),
            6 | 7 => drop(world.worker().rotate(&ops, world.secret)),
            8 => drop(ops.read(world.secret, which)),
            9 => world.clock.advance(chance.one_of(&[Duration::from_secs(5), HOUR, DAY])),
            10 => {
                use ModelFault::{BeUnavailable, CrashAfterEffect, CrashBeforeEffect, LoseReply, Refuse};
                let method =
                    chance.one_of(&[ModelMethod::Create, ModelMethod::Verify, ModelMethod::Retire, ModelMethod::Find]);
                let fault = chance.one_of(&[Refuse, BeUnavailable, LoseReply, CrashBeforeEffect, CrashAfterEffect]);
                world.model.fault_soon(method, chance.below(3), fault);
            }
            11 => {
                let (at, met) = (chance.below(8), AtomicU64::new(0));
                let mut options = world.options();
                options.interrupt = Some(Arc::new(move |_| met.fetch_add(1, Ordering::Relaxed) == at));
                drop(RotationWorker::new(&world.store, options).run_due());
            }
            12 => drop(ops.abort_rotation(world.secret, Reason::of("chance"))),
            13 => drop(ops.resume_rotation(world.secret)),
            14 => world.end_jobs(),
            15 => {
                let (later, fault) = (chance.below(2), chance.one_of(&FAULTS));
                world.jobs.iter().for_each(|jobs| jobs.fault_soon(later, fault));
            }
            _ => drop(world.worker().run_due().unwrap()),
        }
    }

    /// The credentials of all locked versions, which must go on working.
    fn locked(&self) -> BTreeMap<VersionId, SecretBytes> {
        let secret = self.world.get();
        let locked = secret.versions.iter().filter(|version| !version.locks.is_empty());
        locked.map(|version| (version.id, self.world.credential(VersionRef::Id(version.id)))).collect()
    }

    fn run(mut self, steps: u32) {
        for number in 0..steps {
            let what = format!("seed {}, step {number}", self.seed);
            let locked = self.locked();
            // A credential that was replaced in place, or retired, was over before its lock came.
            let good: Vec<_> = locked.iter().filter(|(_, credential)| self.world.model.logs_in(credential)).collect();
            self.step();
            let secret = self.world.get();
            for (id, credential) in good {
                let version = secret.version_by_id(*id).unwrap_or_else(|| panic!("{what}: a locked version went"));
                let still_locked = !version.locks.is_empty();
                assert!(!still_locked || self.world.model.logs_in(credential), "{what}: a locked credential was ended");
                assert!(!still_locked || version.is_available(), "{what}: locked data went");
            }
        }
        let what = format!("seed {}", self.seed);
        let secret = self.world.get();
        for version in &secret.versions {
            let names: Vec<_> = version.locks.iter().map(|lock| lock.name.clone()).collect();
            for name in names {
                self.world.ops().remove_lock(self.world.secret, VersionRef::Id(version.id), name).unwrap();
            }
        }
        self.world.recover();
        self.world.check(&what);
    }
}

fn number_of(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().unwrap())
}

#[test]
fn thousands_of_random_schedules_keep_the_promises() {
    let more = number_of("LATCHKEEP_RUNS").unwrap_or(1);
    let seeds = number_of("LATCHKEEP_SEED").map_or(1..2_000 * more + 1, |seed| seed..seed + 1);
    seeds.for_each(|seed| Schedule::new(seed).run(40));
}
