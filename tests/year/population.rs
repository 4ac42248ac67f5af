//! Owns the secrets of a year: of which type, by which issuer, how often rotated, used by whom and how.

use std::sync::OnceLock;

use latchkeep::{
    Actor, ApiKeyTarget, ApiKeyUse, Interval, IntervalUnit, Issuance, IssuerName, NewSecret, PasswordPolicy,
    RotationPolicy, SecretBytes, SecretName, Username,
};

use super::chance::Chance;
use super::consumer::Style;

pub(crate) const CONSUMERS: [&str; 4] = ["billing", "checkout", "reports", "mobile"];

/// A secret that is to be made.
pub(crate) struct Planned {
    pub(crate) new: NewSecret,
    pub(crate) issuer: Option<&'static str>,
    pub(crate) interval: Option<Interval>,
    /// Who uses it, by number, and how.
    pub(crate) users: Vec<(usize, Style)>,
}

/// What kind of secret it is.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Arbitrary,
    Kv,
    Imported,
    Password,
    Dynamic,
    Issued(&'static str),
}

impl Kind {
    fn of(number: u64) -> Self {
        // Few secrets, too, are of all kinds.
        match number * 37 % 100 {
            0..14 => Self::Arbitrary,
            14..22 => Self::Kv,
            22..24 => Self::Imported,
            24..56 => Self::Password,
            56..62 => Self::Dynamic,
            62..70 => Self::Issued("accounts"),
            70..78 => Self::Issued("tokens"),
            78..86 => Self::Issued("roles"),
            86..90 => Self::Issued("short"),
            90..94 => Self::Issued("authority"),
            94..97 => Self::Issued("jobs"),
            _ => Self::Issued("opaque"),
        }
    }
}

fn days(count: u16) -> Interval {
    Interval::new(count, IntervalUnit::Day).unwrap()
}

fn months(count: u16) -> Interval {
    Interval::new(count, IntervalUnit::Month).unwrap()
}

/// Draws the secret of a number.
pub(crate) fn planned(number: u64, chance: &mut Chance) -> Planned {
    let kind = Kind::of(number);
    let users = users(kind, chance);
    let is_strict = kind == Kind::Password && chance.of_1000(150);
    let users: Vec<_> =
        users.into_iter().map(|(at, style)| (at, if is_strict { Style::Session } else { style })).collect();
    let interval = interval(kind, chance);
    let grace_secs = match kind {
        // It may rotate twice a day.
        Kind::Issued("jobs") => 0,
        _ => chance.one_of(&[0, 0, 3_600, 2 * 86_400]),
    };
    let issuer = match kind {
        Kind::Issued(issuer) => Some(issuer),
        _ => None,
    };
    let new = new(kind, number, grace_secs, &users);
    let new = interval.map(RotationPolicy::every).into_iter().fold(new, NewSecret::rotating);
    let new = new.retaining(chance.one_of(&[2, 2, 2, 3]));
    let new = if is_strict { new.refusing_rotation_while_locked(true) } else { new };
    Planned { new, issuer, interval, users }
}

/// Draws how often it rotates.
fn interval(kind: Kind, chance: &mut Chance) -> Option<Interval> {
    let any = [days(14), days(28), months(1), months(2), months(3), days(60), days(90)];
    match kind {
        Kind::Password if chance.of_1000(20) => Some(days(1)),
        Kind::Password if chance.of_1000(250) => None,
        Kind::Password | Kind::Issued("accounts" | "tokens" | "roles" | "opaque") => Some(chance.one_of(&any)),
        Kind::Issued("short") => Some(chance.one_of(&[days(10), days(18)])),
        Kind::Issued("authority") => Some(chance.one_of(&[days(20), months(1)])),
        Kind::Issued(_) if chance.of_1000(60) => Some(Interval::new(12, IntervalUnit::Hour).unwrap()),
        Kind::Issued(_) => Some(chance.one_of(&[days(7), days(28)])),
        _ => None,
    }
}

/// Draws who uses it, and how.
fn users(kind: Kind, chance: &mut Chance) -> Vec<(usize, Style)> {
    let count = chance.one_of(&[0, 1, 1, 2, 3]);
    let first = chance.below(4);
    let beside = [
        Style::Acker,
        Style::Acker,
        Style::Reader,
        Style::Lease(80),
        Style::Lease(300),
        Style::Permanent,
        Style::Permanent,
    ];
    let mut one = || match kind {
        Kind::Dynamic | Kind::Issued("accounts") => chance.one_of(&[Style::Reader, Style::Session]),
        Kind::Issued(_) => chance.one_of(&beside),
        _ => chance.one_of(&[Style::Reader, Style::Reader, Style::Lease(300), Style::Permanent]),
    };
    (0..count).map(|number| (usize::try_from((first + number) % 4).unwrap(), one())).collect()
}

fn new(kind: Kind, number: u64, grace_secs: u32, users: &[(usize, Style)]) -> NewSecret {
    let name = SecretName::parse(&format!("secret-{number}")).unwrap();
    let text = |text: &str| SecretBytes::copy_from(text.as_bytes());
    let Kind::Issued(issuer) = kind else {
        return match kind {
            Kind::Arbitrary => NewSecret::arbitrary(name, text(&format!("payload of {number}"))).unwrap(),
            Kind::Kv => NewSecret::kv(name, &text(&format!(r#"{{"of":"{number}"}}"#))).unwrap(),
            Kind::Imported => NewSecret::imported_cert(name, text(certificate()), None, None).unwrap(),
            Kind::Password => {
                NewSecret::generated_password(name, Username::parse("app").unwrap(), PasswordPolicy::default())
            }
            _ => {
                let target = ApiKeyTarget::ServiceId(Actor::parse("service").unwrap());
                let key_use =
                    if number.is_multiple_of(2) { ApiKeyUse::FreshPerRead } else { ApiKeyUse::UntilLeaseEnds };
                NewSecret::iam_credentials(name, 20 * 86_400, key_use, target)
            }
        };
    };
    let ackers = users.iter().filter(|(_, style)| *style == Style::Acker);
    let consumers = ackers.map(|(at, _)| Actor::parse(CONSUMERS[*at]).unwrap()).collect();
    let issuance = Issuance { grace_secs, consumers, ..Issuance::by(IssuerName::parse(issuer).unwrap()) };
    match issuer {
        "authority" => NewSecret::private_cert(name, issuance),
        "jobs" => NewSecret::custom_credentials(name, issuance),
        _ => NewSecret::service_credentials(name, issuance),
    }
}

/// A certificate that outlives the year.
fn certificate() -> &'static str {
    static PEM: OnceLock<String> = OnceLock::new();
    PEM.get_or_init(|| {
        let made = rcgen::generate_simple_self_signed(["shop.example".to_owned()]).unwrap();
        made.cert.pem()
    })
}
