//! Random commands: the world holds every event and every batch to the invariants; here it is only kept busy.

use proptest::prelude::*;

use super::kind::{DAY, HOUR, Kind, TTL};
use super::protocol;
use super::world::{World, actor, keyed, lock};
use crate::domain::command::{Change, Command, LockTarget, SecretChanges, Terms};
use crate::domain::id::SecretId;
use crate::domain::lock::{LockMode, LockNames, NewLock};
use crate::domain::name::{LockName, SecretName};
use crate::domain::policy::{Interval, IntervalUnit, RotationPolicy};
use crate::domain::position::Revision;
use crate::domain::quarantine::RestoredFrom;
use crate::domain::rotation::{AttemptFailure, IssuerClass};
use crate::domain::rotation_command::RotationCommand;
use crate::domain::version::VersionRef::{self, Current, Previous};
use crate::domain::version::{VersionOrigin, VersionRef as Which};

/// A thing to do, with choices that fit whatever is there.
#[derive(Clone, Debug)]
enum Step {
    Create(Kind),
    Rotate(usize),
    RotateByPolicy(usize),
    Restore(usize),
    Read(usize),
    ReadVersion(usize, Which),
    Destroy(usize, Which),
    Delete(usize),
    Rename(usize, u8),
    Retention(usize, u8),
    Strict(usize, Option<bool>),
    Expire(usize, Option<u64>),
    Policy(usize, Option<u16>),
    Place(usize, Which, Vec<NewLockChoice>, LockMode),
    PlaceMany(usize, Which, u16),
    PlaceSet(usize, usize, NewLockChoice, LockMode),
    Remove(usize, Which, Option<u8>),
    Renew(usize, Which, u8, u64),
    Wait(u64),
    Pass(u64),
    Rebase(u64),
    Erase(u64),
    /// With its data, or without.
    RestoreStore(bool),
    EndQuarantine,
    Strangers(u8, u64),
    /// What a worker or a person tells of the credentials of a secret.
    Issue(usize, Issuing),
}

/// A step for a secret whose credentials an issuer makes.
#[derive(Clone, Debug)]
enum Issuing {
    /// All steps to a new version, whose credential ends in so many seconds; some are refused.
    Rotate(IssuerClass, Option<u64>),
    Step(IssuerClass, protocol::Step),
    Made(Option<u64>),
    PlanRetirement(Which),
    FinishRetirement(Which),
    /// A credential that the log does not know.
    Adopt(u8, Option<u64>),
}

#[derive(Clone, Debug)]
struct NewLockChoice {
    name: u8,
    owner: Option<u8>,
    lease_secs: Option<u64>,
}

/// Who asks, and on which terms.
#[derive(Clone, Debug)]
struct Manner {
    who: u8,
    force: bool,
    key: Option<u8>,
    expected: Option<bool>,
}

fn which() -> impl Strategy<Value = VersionRef> {
    prop_oneof![4 => Just(Current), 4 => Just(Previous), 1 => (1..5_u64).prop_map(super::world::number)]
}

fn new_lock() -> impl Strategy<Value = NewLockChoice> {
    let lease = prop::option::of(prop_oneof![Just(1), Just(HOUR), Just(5 * DAY), Just(2 * TTL)]);
    (0..4_u8, prop::option::weighted(0.2, 0..2_u8), lease).prop_map(|(name, owner, lease_secs)| NewLockChoice {
        name,
        owner,
        lease_secs,
    })
}

fn mode() -> impl Strategy<Value = LockMode> {
    prop::sample::select(LockMode::ALL)
}

fn time() -> impl Strategy<Value = u64> {
    prop_oneof![Just(1), Just(HOUR), Just(DAY), Just(5 * DAY), Just(TTL), 0..TTL]
}

fn step() -> impl Strategy<Value = Step> {
    let one = 0..6_usize;
    prop_oneof![
        6 => prop::sample::select(Kind::ALL.to_vec()).prop_map(Step::Create),
        3 => Just(Step::Create(Kind::Issued)),
        24 => (one.clone(), issuing()).prop_map(|(one, step)| Step::Issue(one, step)),
        8 => one.clone().prop_map(Step::Rotate),
        2 => one.clone().prop_map(Step::RotateByPolicy),
        3 => one.clone().prop_map(Step::Restore),
        6 => one.clone().prop_map(Step::Read),
        2 => (one.clone(), which()).prop_map(|(one, which)| Step::ReadVersion(one, which)),
        2 => (one.clone(), which()).prop_map(|(one, which)| Step::Destroy(one, which)),
        1 => one.clone().prop_map(Step::Delete),
        1 => (one.clone(), 0..4_u8).prop_map(|(one, name)| Step::Rename(one, name)),
        2 => (one.clone(), 1..6_u8).prop_map(|(one, kept)| Step::Retention(one, kept)),
        1 => (one.clone(), any::<Option<bool>>()).prop_map(|(one, strict)| Step::Strict(one, strict)),
        4 => (one.clone(), prop::option::weighted(0.8, time())).prop_map(|(one, secs)| Step::Expire(one, secs)),
        2 => (one.clone(), prop::option::of(1..40_u16)).prop_map(|(one, days)| Step::Policy(one, days)),
        12 => (one.clone(), which(), prop::collection::vec(new_lock(), 0..3), mode())
            .prop_map(|(one, which, locks, mode)| Step::Place(one, which, locks, mode)),
        1 => (one.clone(), which(), 300..600_u16).prop_map(|(one, which, many)| Step::PlaceMany(one, which, many)),
        2 => (one.clone(), one.clone(), new_lock(), mode())
            .prop_map(|(one, two, lock, mode)| Step::PlaceSet(one, two, lock, mode)),
        10 => (one.clone(), which(), prop::option::of(0..4_u8))
            .prop_map(|(one, which, name)| Step::Remove(one, which, name)),
        3 => (one, which(), 0..4_u8, time()).prop_map(|(one, which, name, secs)| Step::Renew(one, which, name, secs)),
        10 => time().prop_map(Step::Wait),
        2 => time().prop_map(Step::Pass),
        2 => time().prop_map(Step::Rebase),
        2 => (0..5_u64).prop_map(Step::Erase),
        1 => any::<bool>().prop_map(Step::RestoreStore),
        3 => Just(Step::EndQuarantine),
        2 => (0..3_u8, 0..3_u64).prop_map(|(issuer, credentials)| Step::Strangers(issuer, credentials)),
    ]
}

fn issuing() -> impl Strategy<Value = Issuing> {
    let class = || prop::sample::select(IssuerClass::ALL);
    let end = || prop::option::weighted(0.8, time());
    let steps = [
        protocol::Step::Plan,
        protocol::Step::Attempt,
        protocol::Step::Commit,
        protocol::Step::Abort,
        protocol::Step::ForceAbort,
        protocol::Step::FinishAbort,
        protocol::Step::Resume,
        protocol::Step::Fail(AttemptFailure::Unknown),
        protocol::Step::Fail(AttemptFailure::Refused),
    ];
    prop_oneof![
        6 => (class(), end()).prop_map(|(class, end)| Issuing::Rotate(class, end)),
        6 => (class(), prop::sample::select(steps.to_vec())).prop_map(|(class, step)| Issuing::Step(class, step)),
        1 => end().prop_map(Issuing::Made),
        1 => which().prop_map(Issuing::PlanRetirement),
        4 => which().prop_map(Issuing::FinishRetirement),
        3 => (0..4_u8, end()).prop_map(|(name, end)| Issuing::Adopt(name, end)),
    ]
}

/// Takes a step; that some are refused does no harm.
fn issue(world: &mut World, secret: SecretId, step: &Issuing) {
    let end = |world: &World, secs: Option<u64>| secs.map(|secs| world.after(secs));
    match step {
        Issuing::Rotate(class, secs) => {
            let _ = world.step(secret, *class, protocol::Step::Plan);
            let _ = world.step(secret, *class, protocol::Step::Attempt);
            let _ = world.issue(secret, end(world, *secs));
            let _ = world.step(secret, *class, protocol::Step::Commit);
        }
        Issuing::Step(class, step) => drop(world.step(secret, *class, *step)),
        Issuing::Made(secs) => drop(world.issue(secret, end(world, *secs))),
        Issuing::Adopt(name, secs) => drop(world.adopt(secret, *name, end(world, *secs))),
        Issuing::PlanRetirement(version) => {
            drop(world.tell(secret, RotationCommand::PlanRetirement { version: *version }));
        }
        Issuing::FinishRetirement(version) => {
            if let Some(version) = world.get(secret).version(*version).map(|version| version.id) {
                drop(world.tell(secret, RotationCommand::FinishRetirement { version }));
            }
        }
    }
}

fn manner() -> impl Strategy<Value = Manner> {
    let key = prop::option::weighted(0.15, 0..6_u8);
    (0..2_u8, prop::bool::weighted(0.2), key, prop::option::weighted(0.1, any::<bool>()))
        .prop_map(|(who, force, key, expected)| Manner { who, force, key, expected })
}

fn lock_name(name: u8) -> LockName {
    LockName::parse(&format!("lock-{name}")).unwrap()
}

fn chosen(world: &World, choice: &NewLockChoice) -> NewLock {
    let mut new = NewLock::new(lock_name(choice.name));
    new.owner = choice.owner.map(|who| actor(&format!("actor-{who}")));
    new.expires = choice.lease_secs.map(|secs| world.after(secs).into());
    new
}

/// Makes the command of a step; none for those that only let time pass.
fn command(world: &mut World, step: &Step) -> Option<Command> {
    let pick = |world: &World, at: usize| -> Option<SecretId> { world.state.secrets.keys().nth(at).copied() };
    let changes = |world: &World, at, changes: SecretChanges| {
        pick(world, at).map(|secret| Command::UpdateSecret { secret, changes: Box::new(changes) })
    };
    match step {
        Step::Create(kind) => {
            let name = format!("secret-{}", world.log.len() % 7);
            (world.state.secrets.len() < 6).then(|| world.creation(*kind, &name))
        }
        Step::Rotate(at) => pick(world, *at).map(|secret| world.rotation(secret, VersionOrigin::RotatedByHand)),
        Step::RotateByPolicy(at) => {
            pick(world, *at).map(|secret| world.rotation(secret, VersionOrigin::RotatedByPolicy))
        }
        Step::Restore(at) => pick(world, *at).map(|secret| world.restoring(secret)),
        Step::Read(at) => pick(world, *at).map(|secret| world.reading(secret)),
        Step::ReadVersion(at, which) => pick(world, *at).and_then(|secret| {
            let version = world.get(secret).version(*which)?.id;
            Some(Command::RecordRead { secret, version, asked: *which })
        }),
        Step::Destroy(at, version) => pick(world, *at).map(|secret| Command::DestroyData { secret, version: *version }),
        Step::Delete(at) => pick(world, *at).map(|secret| Command::DeleteSecret { secret }),
        Step::Rename(at, name) => {
            let name = SecretName::parse(&format!("secret-{name}")).ok();
            changes(world, *at, SecretChanges { name, ..Default::default() })
        }
        Step::Retention(at, kept) => {
            changes(world, *at, SecretChanges { retention: Some(*kept), ..Default::default() })
        }
        Step::Strict(at, strict) => {
            let refuse_rotation_while_locked = strict.map_or(Change::Clear, Change::Set);
            changes(world, *at, SecretChanges { refuse_rotation_while_locked, ..Default::default() })
        }
        Step::Expire(at, secs) => {
            let expires = secs.map_or(Change::Clear, |secs| Change::Set(world.after(secs).into()));
            changes(world, *at, SecretChanges { expires, ..Default::default() })
        }
        Step::Policy(at, days) => pick(world, *at).map(|secret| match days {
            Some(days) => {
                let policy = RotationPolicy::every(Interval::new(*days, IntervalUnit::Day).unwrap());
                Command::SetPolicy { secret, policy }
            }
            None => Command::ClearPolicy { secret },
        }),
        _ => lock_command(world, step, pick),
    }
}

fn lock_command(world: &mut World, step: &Step, pick: impl Fn(&World, usize) -> Option<SecretId>) -> Option<Command> {
    match step {
        Step::Place(at, version, choices, mode) => {
            let locks = choices.iter().map(|choice| chosen(world, choice)).collect();
            let target = |secret| LockTarget { secret, version: *version, locks, mode: *mode };
            pick(world, *at).map(|secret| Command::PlaceLocks { targets: vec![target(secret)] })
        }
        Step::PlaceMany(at, version, many) => {
            let locks = (0..*many).map(|index| lock(&format!("many-{version}-{index}"))).collect();
            let target = |secret| LockTarget { secret, version: *version, locks, mode: LockMode::Keep };
            pick(world, *at).map(|secret| Command::PlaceLocks { targets: vec![target(secret)] })
        }
        Step::PlaceSet(one, two, choice, mode) => {
            let locks = vec![chosen(world, choice)];
            let target = |secret| LockTarget { secret, version: Current, locks: locks.clone(), mode: *mode };
            let targets = [pick(world, *one)?, pick(world, *two)?].map(target).into();
            Some(Command::PlaceLocks { targets })
        }
        Step::Remove(at, version, name) => {
            let names = name.map_or(LockNames::All, |name| LockNames::These(vec![lock_name(name)]));
            pick(world, *at).map(|secret| Command::RemoveLocks { secret, version: *version, names })
        }
        Step::Renew(at, version, name, secs) => {
            let (name, expires_at) = (lock_name(*name), world.after(*secs));
            let secret = pick(world, *at)?;
            Some(Command::RenewLock {
                secret,
                version: *version,
                name,
                expires: expires_at.into(),
                fencing_token: None,
            })
        }
        Step::Wait(secs) => {
            world.wait(*secs);
            None
        }
        Step::Pass(secs) => {
            world.pass(*secs);
            None
        }
        Step::Rebase(secs) => world.rebase(*secs).map_or(None, |_| None),
        Step::Erase(chosen) => {
            let _ = world.erase(|record| record.position.get() % 5 == *chosen);
            None
        }
        Step::RestoreStore(with_data) => {
            world.restored(if *with_data { RestoredFrom::Backup } else { RestoredFrom::Export });
            None
        }
        Step::EndQuarantine => Some(Command::EndQuarantine),
        Step::Strangers(issuer, credentials) => Some(super::whole::noted((*issuer).into(), *credentials)),
        Step::Issue(at, step) => {
            let issued = |secret: &&SecretId| world.get(**secret).spec.issuance().is_some();
            let secrets: Vec<_> = world.state.secrets.keys().filter(issued).copied().collect();
            if let Some(secret) = at.checked_rem(secrets.len()).map(|at| secrets[at]) {
                issue(world, secret, step);
            }
            None
        }
        _ => None,
    }
}

fn terms(world: &World, command: &Command, manner: &Manner) -> Terms {
    let revision = command.secret().and_then(|secret| world.state.secret(secret)).map(|secret| secret.revision);
    let expected = |met: bool| revision.map(|revision| if met { revision } else { revision.next() });
    Terms {
        force: manner.force,
        idempotency: manner.key.map(|key| keyed(&format!("key-{key}"), key % 2)),
        expected_revision: manner.expected.and_then(expected).filter(|revision| *revision > Revision::FIRST),
        ..Terms::by(actor(&format!("actor-{}", manner.who)))
    }
}

proptest! {
    // A failure prints the fewest steps that show it; they belong in a test of their own, not in a file beside the tree.
    #![proptest_config(ProptestConfig { cases: crate::cases::cases(96), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_command_goes_around_a_lock_and_a_replay_makes_the_same(
        steps in prop::collection::vec((step(), manner()), 1..120)
    ) {
        let mut world = World::new();
        for (step, manner) in &steps {
            if let Some(command) = command(&mut world, step) {
                let terms = terms(&world, &command, manner);
                let _ = world.ask_on(&terms, &command);
            }
        }
        world.ask(&Command::EndQuarantine).unwrap();
        world.wait(0);
        world.check_replay();
        world.check_erased_replay();
    }
}
