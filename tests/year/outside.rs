//! Owns a system outside the store, of each class: what was made there, what logs in, what has ended, and what goes wrong.
//!
//! It is the oracle of the year: it knows nothing of the store but what it is asked. What goes wrong is drawn for each secret and
//! call, so that the order in which a worker asks changes nothing. Read next: [`super::claims`].

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use latchkeep::{
    Clock, IssueOrder, Issued, Issuer, IssuerClass, IssuerError, LogId, ManualClock, OutsideId, RotationId,
    SecretBytes, Timestamp,
};

use super::chance::{hashed, number_of};
use super::claims::Claims;

/// How many calls for a secret go wrong before all go well for a while: nothing goes wrong for ever.
const FAILURES_MAX: u64 = 2;
/// How many calls for a secret go well in a row before another may go wrong again: more than a rotation takes.
const WELL_IN_A_ROW: u64 = 10;

/// A system outside, of one class.
pub(crate) struct Outside {
    pub(crate) name: &'static str,
    class: IssuerClass,
    /// How long a credential lives.
    pub(crate) life: Option<Duration>,
    seed: u64,
    clock: ManualClock,
    pub(crate) claims: Arc<Claims>,
    inner: Mutex<Inner>,
}

/// What there is outside.
#[derive(Default)]
pub(crate) struct Inner {
    /// What was made beside others, and has not been ended.
    pub(crate) living: BTreeMap<OutsideId, Made>,
    /// The same by text.
    texts: HashMap<String, OutsideId>,
    /// What was ended.
    pub(crate) ended: BTreeSet<OutsideId>,
    /// The one value of each account (class `SetValue`).
    pub(crate) accounts: BTreeMap<String, String>,
    /// The same values.
    values: HashSet<String>,
    /// What each token made (class `CreateWithToken`).
    answered: BTreeMap<RotationId, (OutsideId, Made)>,
    made: u64,
    picked: u64,
    luck: BTreeMap<String, Luck>,
    away_until: Option<Timestamp>,
    stuck_until: Option<Timestamp>,
    is_reliable: bool,
}

/// A credential that was made.
#[derive(Clone)]
pub(crate) struct Made {
    pub(crate) store: LogId,
    pub(crate) rotation: RotationId,
    pub(crate) secret: String,
    pub(crate) text: String,
    pub(crate) ends_at: Option<Timestamp>,
}

/// What went wrong for a secret lately.
#[derive(Clone, Copy, Default)]
struct Luck {
    calls: u64,
    /// Calls that did not go well, since as many as [`WELL_IN_A_ROW`] did.
    failed: u64,
    well_in_a_row: u64,
}

/// How a call goes.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Turn {
    Well,
    Refused,
    Away,
    /// Nothing is done, and nobody hears of it.
    Lost,
    /// It is done, and nobody hears of it.
    Unheard,
}

/// The time that has truly passed, whatever a clock shows.
pub(crate) fn truth(clock: &ManualClock) -> Timestamp {
    Timestamp::from_nanos(clock.since_boot().unwrap().nanos)
}

impl Outside {
    pub(crate) fn new(
        name: &'static str,
        class: IssuerClass,
        life: Option<Duration>,
        (seed, clock, claims): (u64, &ManualClock, &Arc<Claims>),
    ) -> Self {
        let (clock, claims) = (clock.clone(), Arc::clone(claims));
        Self { name, class, life, seed, clock, claims, inner: Mutex::default() }
    }

    pub(crate) fn look(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap()
    }

    fn now(&self) -> Timestamp {
        truth(&self.clock)
    }

    /// Takes it away until a time.
    pub(crate) fn go_away(&self, until: Timestamp) {
        self.look().away_until = Some(until);
    }

    /// Lets nothing be ended until a time.
    pub(crate) fn get_stuck(&self, until: Timestamp) {
        self.look().stuck_until = Some(until);
    }

    /// Ends whatever outage there is.
    pub(crate) fn come_back(&self) {
        let mut inner = self.look();
        (inner.away_until, inner.stuck_until) = (None, None);
    }

    /// Lets nothing go wrong any more.
    pub(crate) fn be_reliable(&self) {
        let mut inner = self.look();
        (inner.is_reliable, inner.away_until, inner.stuck_until) = (true, None, None);
    }

    pub(crate) fn is_away(&self) -> bool {
        let inner = self.look();
        inner.away_until.into_iter().chain(inner.stuck_until).any(|until| until > self.now())
    }

    /// Tells whether a credential logs in now.
    pub(crate) fn logs_in(&self, text: &str) -> bool {
        self.look().logs_in(text, self.now())
    }

    /// Ends a credential, as a person does in the system itself.
    pub(crate) fn end_by_hand(&self, outside: &OutsideId) {
        self.end(&mut self.look(), outside, "by hand");
    }

    /// Says how the next call for a secret goes.
    pub(crate) fn turn(&self, inner: &mut Inner, secret: &str, is_ending: bool) -> Turn {
        let now = self.now();
        if inner.away_until.is_some_and(|until| until > now) {
            return Turn::Away;
        }
        if is_ending && inner.stuck_until.is_some_and(|until| until > now) {
            return Turn::Away;
        }
        let luck = inner.luck.entry(secret.to_owned()).or_default();
        luck.calls += 1;
        let turn = match hashed(self.seed, &[number_of(self.name), number_of(secret), luck.calls]) % 1_000 {
            _ if inner.is_reliable || luck.failed == FAILURES_MAX => Turn::Well,
            0..20 => Turn::Refused,
            20..40 => Turn::Away,
            40..60 => Turn::Lost,
            60..90 => Turn::Unheard,
            _ => Turn::Well,
        };
        if turn == Turn::Well {
            luck.well_in_a_row += 1;
        } else {
            (luck.failed, luck.well_in_a_row) = (luck.failed + 1, 0);
        }
        if luck.well_in_a_row == WELL_IN_A_ROW {
            (luck.failed, luck.well_in_a_row) = (0, 0);
        }
        turn
    }

    /// Carries a call out as it is to go.
    fn call<T>(
        &self,
        secret: &str,
        is_ending: bool,
        effect: impl FnOnce(&mut Inner) -> Result<T, IssuerError>,
    ) -> Result<T, IssuerError> {
        let mut inner = self.look();
        match self.turn(&mut inner, secret, is_ending) {
            Turn::Well => effect(&mut inner),
            Turn::Refused => Err(IssuerError::refused("not this time")),
            Turn::Away => Err(IssuerError::unavailable("the system is away")),
            Turn::Lost => Err(IssuerError::unknown("the connection broke")),
            Turn::Unheard => {
                let _unheard = effect(&mut inner);
                Err(IssuerError::unknown("the reply was lost"))
            }
        }
    }

    pub(crate) fn end(&self, inner: &mut Inner, outside: &OutsideId, how: &str) {
        let Some(made) = inner.living.remove(outside) else { return };
        inner.texts.remove(&made.text);
        inner.ended.insert(outside.clone());
        if made.ends_at.is_none_or(|end| end > self.now()) {
            self.claims.ended(&made.text, &format!("{how} at {}, of {}", self.name, made.secret), self.now());
        }
    }

    /// Sets the value of an account; the one before is dead.
    fn set(&self, inner: &mut Inner, secret: &str, value: &SecretBytes) -> Issued {
        let text = value.expose_text().unwrap().to_owned();
        let before = inner.accounts.insert(secret.to_owned(), text.clone());
        inner.values.insert(text.clone());
        if let Some(before) = before.filter(|before| *before != text) {
            inner.values.remove(&before);
            self.claims.ended(&before, &format!("replaced in place at {}, of {secret}", self.name), self.now());
        }
        Issued::new(bytes(&text))
    }

    /// Makes a credential beside others; the same again for the same token.
    pub(crate) fn make(&self, inner: &mut Inner, order: &IssueOrder<'_>) -> Issued {
        if let Some((outside, made)) = inner.answered.get(&order.rotation) {
            return issued(outside, made);
        }
        inner.made += 1;
        let outside = OutsideId::parse(&format!("{}-{}", self.name, inner.made)).unwrap();
        let made = Made {
            store: order.store,
            rotation: order.rotation,
            secret: order.name.to_string(),
            text: credential(outside.as_str()),
            ends_at: self.life.map(|life| self.now().plus(life)),
        };
        if self.class == IssuerClass::CreateWithToken {
            inner.answered.insert(order.rotation, (outside.clone(), made.clone()));
        }
        let answer = issued(&outside, &made);
        inner.texts.insert(made.text.clone(), outside.clone());
        inner.living.insert(outside, made);
        answer
    }

    pub(crate) fn end_named(&self, inner: &mut Inner, rotation: RotationId, named: Option<&OutsideId>) {
        let of_rotation = |(_, made): &(&OutsideId, &Made)| made.rotation == rotation;
        let found: Vec<OutsideId> = match named {
            Some(named) => vec![named.clone()],
            None => inner.living.iter().filter(of_rotation).map(|(outside, _)| outside.clone()).collect(),
        };
        found.iter().for_each(|outside| self.end(inner, outside, "by the store"));
    }
}

impl Inner {
    fn logs_in(&self, text: &str, now: Timestamp) -> bool {
        let made = self.texts.get(text).and_then(|outside| self.living.get(outside));
        made.is_some_and(|made| made.ends_at.is_none_or(|end| end > now)) || self.values.contains(text)
    }

    /// Tells whether a token has made something.
    pub(crate) fn has_answered(&self, rotation: RotationId) -> bool {
        self.answered.contains_key(&rotation)
    }
}

impl Issuer for Outside {
    fn class(&self) -> IssuerClass {
        self.class
    }

    fn pick(&self, _: &IssueOrder<'_>) -> Result<SecretBytes, IssuerError> {
        let mut inner = self.look();
        inner.picked += 1;
        Ok(bytes(&credential(&format!("{}-{}", self.name, inner.picked))))
    }

    fn take(&self, _: &IssueOrder<'_>, brought: &SecretBytes) -> Result<SecretBytes, IssuerError> {
        Ok(SecretBytes::copy_from(brought.expose()))
    }

    fn create(&self, order: &IssueOrder<'_>, value: Option<&SecretBytes>) -> Result<Issued, IssuerError> {
        let secret = order.name.as_str();
        self.call(secret, false, |inner| {
            Ok(match value {
                Some(value) => self.set(inner, secret, value),
                None => self.make(inner, order),
            })
        })
    }

    fn find(&self, order: &IssueOrder<'_>) -> Result<Vec<OutsideId>, IssuerError> {
        self.call(order.name.as_str(), false, |inner| {
            let of_rotation = |(_, made): &(&OutsideId, &Made)| made.rotation == order.rotation;
            Ok(inner.living.iter().filter(of_rotation).map(|(outside, _)| outside.clone()).collect())
        })
    }

    fn verify(&self, order: &IssueOrder<'_>, credential: &SecretBytes) -> Result<(), IssuerError> {
        let text = credential.expose_text().unwrap();
        self.call(order.name.as_str(), false, |inner| {
            let logs_in = inner.logs_in(text, self.now());
            logs_in.then_some(()).ok_or_else(|| IssuerError::refused("nobody gets in with that"))
        })
    }

    fn retire(&self, order: &IssueOrder<'_>, named: Option<&OutsideId>) -> Result<(), IssuerError> {
        self.call(order.name.as_str(), true, |inner| {
            self.end_named(inner, order.rotation, named);
            Ok(())
        })
    }

    fn list(&self, store: LogId) -> Result<Vec<(RotationId, OutsideId)>, IssuerError> {
        self.call("", false, |inner| {
            let own = inner.living.iter().filter(|(_, made)| made.store == store);
            Ok(own.map(|(outside, made)| (made.rotation, outside.clone())).collect())
        })
    }
}

fn bytes(text: &str) -> SecretBytes {
    SecretBytes::copy_from(text.as_bytes())
}

fn credential(user: &str) -> String {
    format!(r#"{{"username":"{user}","password":"pass-of-{user}"}}"#)
}

fn issued(outside: &OutsideId, made: &Made) -> Issued {
    let issued = Issued::new(bytes(&made.text)).known_as(outside.clone());
    made.ends_at.into_iter().fold(issued, Issued::expiring_at)
}
