//! Owns commands that are drawn at random, of every kind that a host can ask for.

use std::sync::Arc;

use latchkeep::{
    AccessAudit, Actor, ApiKeyTarget, ApiKeyUse, Change, Command, Group, GroupId, GroupName, Interval, IntervalUnit,
    Issuance, IssuerClass, IssuerName, JsonObject, Label, LockMode, LockName, LockNames, LockTarget, NewData, NewLock,
    NewSecret, PasswordPolicy, Reason, RotationPolicy, Secret, SecretBytes, SecretChanges, SecretName, SecretSpec,
    SecretType, Settings, Timestamp, Username, VersionRef,
};

/// The issuers of a run, one for each class.
pub(crate) const ISSUERS: [(&str, IssuerClass); 4] = [
    ("sets", IssuerClass::SetValue),
    ("token", IssuerClass::CreateWithToken),
    ("finds", IssuerClass::CreateDiscoverable),
    ("opaque", IssuerClass::Opaque),
];

/// Where choices come from.
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0xd1b5_4a32_d192_ed03)
    }

    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }

    pub(crate) fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[usize::try_from(self.below(choices.len() as u64)).unwrap()]
    }
}

/// What there is to choose from.
pub(crate) struct Pick<'a> {
    pub(crate) secrets: &'a [Arc<Secret>],
    pub(crate) groups: &'a [(GroupId, Group)],
    pub(crate) now: Timestamp,
}

fn text(text: &str) -> SecretBytes {
    SecretBytes::copy_from(text.as_bytes())
}

fn lock_name(chance: &mut Chance) -> LockName {
    LockName::parse(&format!("lock-{}", chance.below(4))).unwrap()
}

fn lock(chance: &mut Chance, now: Timestamp) -> NewLock {
    let new = NewLock::new(lock_name(chance));
    let new = match chance.below(3) {
        0 => new.owned_by(Actor::parse(chance.one_of(&["billing", "checkout"])).unwrap()),
        _ => new,
    };
    match chance.below(3) {
        0 => new.until(now.plus(std::time::Duration::from_secs(2 + chance.below(400_000)))),
        _ => new,
    }
}

fn issuance(chance: &mut Chance) -> Issuance {
    let (issuer, _) = chance.one_of(&ISSUERS);
    let consumers: Box<[Actor]> = match chance.below(3) {
        0 => ["billing", "checkout"].map(|name| Actor::parse(name).unwrap()).into(),
        _ => Box::default(),
    };
    let grace_secs = chance.one_of(&[0, 0, 3_600]);
    Issuance { grace_secs, consumers, ..Issuance::by(IssuerName::parse(issuer).unwrap()) }
}

fn policy(chance: &mut Chance) -> RotationPolicy {
    let days = 1 + u16::try_from(chance.below(40)).unwrap();
    RotationPolicy::every(Interval::new(days, IntervalUnit::Day).unwrap())
}

/// A new secret of one of the types.
fn creation(chance: &mut Chance, pick: &Pick<'_>) -> Command {
    let name = SecretName::parse(&format!("secret-{}", chance.below(16))).unwrap();
    let new = match chance.below(10) {
        0 | 1 => NewSecret::arbitrary(name, text("data")).unwrap(),
        2 => NewSecret::kv(name, &text(r#"{"a":"b"}"#)).unwrap(),
        3 => NewSecret::generated_password(name, Username::parse("user").unwrap(), PasswordPolicy::default()),
        4 => {
            let target = ApiKeyTarget::ServiceId(Actor::parse("service").unwrap());
            let use_of = chance.one_of(&[ApiKeyUse::FreshPerRead, ApiKeyUse::UntilLeaseEnds]);
            NewSecret::iam_credentials(name, 60 + u32::try_from(chance.below(9_000)).unwrap(), use_of, target)
        }
        5 => NewSecret::custom_credentials(name, issuance(chance)),
        6 => NewSecret::private_cert(name, issuance(chance)),
        _ => NewSecret::service_credentials(name, issuance(chance)),
    };
    let new = if chance.below(3) == 0 { new.rotating(policy(chance)) } else { new };
    let new = new.retaining(chance.one_of(&[2, 2, 3, 50]));
    let new = if chance.below(4) == 0 { new.refusing_rotation_while_locked(true) } else { new };
    let new = match pick.groups.get(usize::try_from(chance.below(4)).unwrap()) {
        Some((group, _)) => new.in_group(*group),
        None => new,
    };
    let new = match chance.below(6) {
        0 => new.expiring_at(pick.now.plus(std::time::Duration::from_secs(100 + chance.below(2_000_000)))),
        _ => new,
    };
    Command::create(new)
}

/// A rotation by hand, as its type asks for it.
pub(crate) fn rotation(secret: &Secret) -> Command {
    let data = match secret.secret_type() {
        SecretType::Kv => NewData::kv(&text(r#"{"c":"d"}"#)).unwrap(),
        SecretType::Arbitrary => NewData::arbitrary(text("more")).unwrap(),
        _ => NewData::generated(),
    };
    Command::rotate(secret.id, data)
}

/// Draws a command; none where it is about a secret and there is none.
pub(crate) fn random(chance: &mut Chance, pick: &Pick<'_>) -> Option<Command> {
    if pick.secrets.len() < 3 || (chance.below(12) == 0 && pick.secrets.len() < 14) {
        return Some(creation(chance, pick));
    }
    if chance.below(14) == 0 {
        return of_store(chance, pick);
    }
    let secret = &pick.secrets[usize::try_from(chance.below(pick.secrets.len() as u64)).unwrap()];
    Some(match chance.below(20) {
        0..=6 => of_locks(chance, pick, secret),
        7 => update(chance, pick, secret),
        8..=10 => rotation(secret),
        _ => of_secret(chance, secret),
    })
}

fn of_locks(chance: &mut Chance, pick: &Pick<'_>, secret: &Secret) -> Command {
    let version = which(chance);
    match chance.below(7) {
        0..=2 => {
            let locks = (0..=chance.below(2)).map(|_| lock(chance, pick.now)).collect();
            Command::place_locks(secret.id, version, locks, chance.one_of(LockMode::ALL))
        }
        3 => {
            let other = chance.one_of(&pick.secrets.iter().map(|secret| secret.id).collect::<Vec<_>>());
            let target = |secret, lock| LockTarget { secret, version, locks: vec![lock], mode: LockMode::Keep };
            let locks = [lock(chance, pick.now), lock(chance, pick.now)];
            let [one, two] = locks;
            Command::place_lock_set(vec![target(secret.id, one), target(other, two)])
        }
        4 | 5 => {
            let names = [LockNames::All, LockNames::These(vec![lock_name(chance)])];
            let [all, one] = names;
            Command::remove_locks(secret.id, version, if chance.below(2) == 0 { all } else { one })
        }
        _ => {
            let end = pick.now.plus(std::time::Duration::from_secs(2 + chance.below(90_000)));
            Command::renew_lock(secret.id, version, lock_name(chance), end, None)
        }
    }
}

fn of_secret(chance: &mut Chance, secret: &Secret) -> Command {
    let (id, version) = (secret.id, which(chance));
    match chance.below(16) {
        0 => Command::restore(id),
        1..=3 => Command::read(id, version),
        4 => Command::destroy_data(id, version),
        5 if chance.below(2) == 0 => Command::delete(id),
        6 => Command::update_version(id, version, JsonObject::parse(r#"{"note":"x"}"#).ok()),
        7 | 8 => Command::set_policy(id, policy(chance)),
        9 => Command::clear_policy(id),
        10 => Command::abort_rotation(id, reason()),
        11 => Command::resume_rotation(id),
        12 => Command::retire(id, VersionRef::Previous),
        _ => Command::acknowledge(id, version),
    }
}

/// A change of a few fields; also to another issuer.
fn update(chance: &mut Chance, pick: &Pick<'_>, secret: &Secret) -> Command {
    let mut changes = SecretChanges::default();
    match chance.below(7) {
        0 => changes.name = SecretName::parse(&format!("secret-{}", chance.below(16))).ok(),
        1 => changes.labels = Some(vec![Label::parse("label").unwrap()]),
        2 => changes.retention = Some(chance.one_of(&[2, 3, 5, 50])),
        3 => changes.refuse_rotation_while_locked = Change::Set(chance.below(2) == 0),
        4 => {
            let end = pick.now.plus(std::time::Duration::from_secs(100 + chance.below(3_000_000)));
            changes.expires = if chance.below(3) == 0 { Change::Clear } else { Change::Set(end.into()) };
        }
        _ => {
            let new = issuance(chance);
            changes.spec = match &secret.spec {
                SecretSpec::ServiceCredentials { .. } => Some(SecretSpec::ServiceCredentials { issuance: new }),
                SecretSpec::CustomCredentials { .. } => Some(SecretSpec::CustomCredentials { issuance: new }),
                SecretSpec::PrivateCert { .. } => Some(SecretSpec::PrivateCert { issuance: new }),
                _ => None,
            };
        }
    }
    Command::update(secret.id, changes)
}

fn of_store(chance: &mut Chance, pick: &Pick<'_>) -> Option<Command> {
    let group = pick.groups.get(usize::try_from(chance.below(pick.groups.len().max(1) as u64)).unwrap());
    let name = GroupName::parse(&format!("group-{}", chance.below(4))).unwrap();
    match (chance.below(4), group) {
        (0, _) => {
            let access_audit = chance.one_of(&[AccessAudit::Off, AccessAudit::Relaxed, AccessAudit::Strict]);
            let refuse_rotation_while_locked = chance.below(4) == 0;
            Some(Command::change_settings(Settings { access_audit, refuse_rotation_while_locked }))
        }
        (1, _) => Some(Command::create_group(name, None)),
        (2, Some((group, _))) => Some(Command::update_group(*group, Some(name), Change::Keep)),
        (_, Some((group, _))) => Some(Command::delete_group(*group)),
        (_, None) => None,
    }
}

/// The version that is meant, as commands take it.
pub(crate) fn which(chance: &mut Chance) -> VersionRef {
    chance.one_of(&[VersionRef::Current, VersionRef::Current, VersionRef::Previous])
}

/// Words for people.
pub(crate) fn reason() -> Reason {
    Reason::parse("by chance").unwrap()
}
