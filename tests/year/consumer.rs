//! Owns the consumers: programs that hold credentials, log in with them, lock and acknowledge what they use, die and come back.
//!
//! What a consumer may rely on it claims, by what it did itself: a lock that was placed, a word that it has not given yet. Read
//! next: [`super::protection`].

use std::sync::Arc;
use std::time::Duration;

use latchkeep::{
    Actor, Command, Lifecycle, LockMode, LockName, Secret, SecretId, Session, Store, Timestamp, VersionId, VersionRef,
};

use super::chance::Chance;
use super::outside::Outside;
use super::world::{DAY, HOUR, World};

/// How a consumer protects what it uses.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Style {
    /// Reads what is current whenever it needs it.
    Reader,
    /// Is waited for: it says when it has moved.
    Acker,
    /// Has a lock on a lease, which it renews; of so many hours.
    Lease(u64),
    /// Has a lock for good, which it moves along.
    Permanent,
    /// Has a lock for some hours, now and then.
    Session,
}

/// A program that holds credentials.
pub(crate) struct Consumer {
    pub(crate) name: &'static str,
    pub(crate) dead_until: Option<Timestamp>,
    /// Whether it begins no new time of use.
    pub(crate) is_leaving: bool,
    pub(crate) holds: Vec<Hold>,
}

/// A secret that a consumer uses.
pub(crate) struct Hold {
    pub(crate) secret: SecretId,
    /// The system that the credential is for, if there is one.
    pub(crate) outside: Option<Arc<Outside>>,
    pub(crate) style: Style,
    pub(crate) used: Option<Used>,
    care_at: Timestamp,
}

/// The version that a consumer uses.
pub(crate) struct Used {
    pub(crate) version: VersionId,
    pub(crate) text: String,
    /// What it is claimed as: the text of a credential, or the version where no system outside knows the text.
    pub(crate) claimed_as: String,
}

impl Hold {
    pub(crate) fn new(secret: SecretId, outside: Option<Arc<Outside>>, style: Style) -> Self {
        Self { secret, outside, style, used: None, care_at: Timestamp::from_nanos(0) }
    }
}

impl Hold {
    pub(crate) fn is_at(&self, system: &str) -> bool {
        self.outside.as_ref().is_some_and(|outside| outside.name == system)
    }
}

/// A consumer at one of its moments.
pub(crate) struct Moment<'a> {
    pub(crate) name: &'static str,
    pub(crate) session: Session,
    pub(crate) store: &'a Store,
    pub(crate) world: &'a World,
    now: Timestamp,
    is_leaving: bool,
}

impl Consumer {
    pub(crate) fn at<'a>(&self, store: &'a Store, world: &'a World) -> Moment<'a> {
        let session = store.acting_as(Actor::parse(self.name).unwrap());
        Moment { name: self.name, session, store, world, now: world.now(), is_leaving: self.is_leaving }
    }

    /// Logs in with all that it uses, and takes care of what is to be renewed or moved.
    pub(crate) fn live(&mut self, store: &Store, world: &World, chance: &mut Chance) {
        if self.dead_until.is_some_and(|until| until > world.now()) {
            return;
        }
        self.dead_until = None;
        let moment = self.at(store, world);
        for hold in &mut self.holds {
            log_in(self.name, hold, world);
            if hold.care_at <= moment.now {
                hold.care_at = world.in_secs(moment.care(hold, chance));
            }
        }
    }

    /// Logs in with all that it uses, while the store is shut.
    pub(crate) fn live_without_store(&self, world: &World) {
        if self.dead_until.is_none_or(|until| until <= world.now()) {
            self.holds.iter().for_each(|hold| log_in(self.name, hold, world));
        }
    }

    /// Takes care of everything at the next moment.
    pub(crate) fn hurry(&mut self) {
        self.holds.iter_mut().for_each(|hold| hold.care_at = Timestamp::from_nanos(0));
    }
}

impl Moment<'_> {
    pub(crate) fn fault(&self, hold: &Hold, what: &str) {
        let secret = self.store.secret(hold.secret);
        let name = secret.map_or_else(|_| "a secret that is gone".to_owned(), |found| found.metadata.name.to_string());
        self.world.claims.fault(format!("{} ({:?}) on {name}: {what}", self.name, hold.style));
    }

    /// Does what is to be done for a secret; gives in how many seconds the next time is.
    fn care(&self, hold: &mut Hold, chance: &mut Chance) -> u64 {
        let Ok(secret) = self.store.secret(hold.secret) else { return 10 * DAY };
        let is_usable = secret.lifecycle == Lifecycle::Active && !secret.is_deleting && secret.current().is_some();
        if !is_usable {
            return DAY;
        }
        match hold.style {
            Style::Reader => {
                drop(self.read_current(hold, &secret));
                chance.between(40, 160) * HOUR
            }
            Style::Session => self.take_turn(hold, &secret, chance),
            Style::Acker | Style::Permanent => {
                if chance.of_1000(300) {
                    self.check_static(hold);
                }
                self.follow(hold, &secret, chance);
                chance.between(8, 40) * HOUR
            }
            Style::Lease(hours) => {
                self.renew(hold, hours);
                self.follow(hold, &secret, chance);
                hours * HOUR / 5 * 3
            }
        }
    }

    /// Reads what is current, and logs in with it.
    fn read_current(&self, hold: &Hold, secret: &Secret) -> Option<Used> {
        let read = match self.session.read(hold.secret, VersionRef::Current) {
            Ok(read) => read,
            // A dynamic secret is not read while others lock it.
            Err(error) if error.code() == "secret_version_locked" => return None,
            Err(error) => {
                self.fault(hold, &format!("its current version cannot be read: {error}"));
                return None;
            }
        };
        let text = read.text().unwrap().to_owned();
        let claimed_as = if hold.outside.is_some() { text.clone() } else { read.version.to_string() };
        let used = Used { version: read.version, text, claimed_as };
        let Some(outside) = &hold.outside else { return Some(used) };
        let end = secret.version_by_id(used.version).and_then(|version| version.expires_at);
        let need_not = end.is_some_and(|end| end <= self.now)
            || (secret.rotation.is_some() && outside.name == "accounts")
            || self.world.stale.lock().unwrap().contains(&secret.id);
        if outside.logs_in(&used.text) {
            return Some(used);
        }
        let is_same = self.store.secret(secret.id).is_ok_and(|now| now.revision == secret.revision);
        if !need_not && is_same {
            self.fault(hold, &format!("its current version does not log in: {}", used.text));
        }
        None
    }

    /// Moves to what is current, if that is another version than the one in use.
    fn follow(&self, hold: &mut Hold, secret: &Secret, chance: &mut Chance) {
        let current = secret.current().unwrap().id;
        if hold.used.as_ref().is_some_and(|used| used.version == current) {
            return;
        }
        let Some(new) = self.read_current(hold, secret) else { return };
        let before = hold.used.take();
        // What was adopted after a restore is the same credential in another version.
        let before = before.filter(|before| before.claimed_as != new.claimed_as);
        match self.protect(hold, &new, chance.one_of(&[LockMode::Keep, LockMode::RemovePrevious])) {
            Ok(()) => {
                self.claim(hold, &new);
                hold.used = Some(new);
                if let Some(before) = before {
                    self.let_go(hold, &before);
                }
            }
            Err(error) => {
                assert!(error.refusal().is_some(), "{error}");
                hold.used = before;
            }
        }
    }

    /// Lets go of a version that is not used any more.
    pub(crate) fn let_go(&self, hold: &Hold, before: &Used) {
        self.world.claims.give_back(&before.claimed_as, self.name);
        if !matches!(hold.style, Style::Acker | Style::Reader) {
            let name = LockName::parse(self.name).unwrap();
            let removed = self.session.remove_lock(hold.secret, VersionRef::Id(before.version), name);
            if let Err(error) = removed {
                assert_eq!(error.code(), "not_found", "{error}");
            }
        }
    }

    /// Tells whether the store knows a version. One that was restored does not know every one: locks there are lost, and a person looks
    /// after what is used.
    fn is_known(&self, hold: &Hold, used: &Used) -> bool {
        self.store.secret(hold.secret).is_ok_and(|secret| secret.version_by_id(used.version).is_some())
    }

    /// Renews a lease, unless it has ended.
    fn renew(&self, hold: &mut Hold, hours: u64) {
        let Some(used) = &hold.used else { return };
        if !self.is_known(hold, used) {
            return;
        }
        let (version, name) = (VersionRef::Id(used.version), LockName::parse(self.name).unwrap());
        let length = Duration::from_secs(hours * HOUR);
        match self.session.run(Command::renew_lock(hold.secret, version, name, length, None)) {
            Ok(_) => self.claim(hold, used),
            Err(error) => {
                assert!(error.refusal().is_some(), "{error}");
                if has_claim(self.name, used, self.world) {
                    self.fault(hold, &format!("its lease was gone before its time: {error}"));
                }
                let gone = hold.used.take().unwrap();
                self.world.claims.give_back(&gone.claimed_as, self.name);
            }
        }
    }

    /// Reads again what is locked, in a secret that no system outside knows.
    fn check_static(&self, hold: &Hold) {
        if let (Some(used), None) = (&hold.used, &hold.outside)
            && self.is_known(hold, used)
        {
            match self.session.read(hold.secret, VersionRef::Id(used.version)) {
                Ok(read) if read.text().unwrap() == used.text => {}
                Ok(_) => self.fault(hold, "what it locked was changed"),
                Err(error) => self.fault(hold, &format!("what it locked cannot be read: {error}")),
            }
        }
    }

    /// Begins or ends a time of use.
    fn take_turn(&self, hold: &mut Hold, secret: &Secret, chance: &mut Chance) -> u64 {
        if let Some(before) = hold.used.take() {
            self.let_go(hold, &before);
            return chance.between(100, 300) * HOUR;
        }
        if self.is_leaving || chance.of_1000(400) {
            return chance.between(20, 60) * HOUR;
        }
        self.follow(hold, secret, chance);
        chance.between(2, 10) * HOUR
    }
}

pub(crate) fn has_claim(name: &str, used: &Used, world: &World) -> bool {
    world.claims.has(&used.claimed_as, name, world.now())
}

/// Logs in with what is used, where that is claimed.
fn log_in(name: &str, hold: &Hold, world: &World) {
    if let (Some(used), Some(outside)) = (&hold.used, &hold.outside)
        && has_claim(name, used, world)
        && !outside.logs_in(&used.text)
    {
        world.claims.fault(format!("{name} ({:?}): {} does not log in", hold.style, used.text));
    }
}
