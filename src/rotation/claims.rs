//! Owns who works on which secret: each is taken up by one at a time, and given back whatever comes of it. Of one issuer's, no more
//! are taken up than it gets calls at a time, so that none of them holds a thread that has to wait for room.
//!
//! Read next: [`super::worker`].

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::domain::id::SecretId;
use crate::domain::name::IssuerName;
use crate::engine::sync::{Mutex, Receiver, Sender, bounded};

/// The secrets that are taken up.
#[derive(Clone)]
pub(super) struct Claims {
    taken: Arc<Mutex<Working>>,
    freed: Arc<Sender<()>>,
}

#[derive(Default)]
struct Working {
    secrets: HashSet<SecretId>,
    /// How many of them wait for an issuer, or are about to.
    by_issuer: HashMap<IssuerName, usize>,
}

/// A secret that somebody has taken up, until this is dropped.
pub(super) struct Claim {
    pub(super) secret: SecretId,
    issuer: Option<IssuerName>,
    busy: Claims,
}

impl Claims {
    /// Makes a register, and what hears of it when a secret is given back.
    pub(super) fn new() -> (Self, Receiver<()>) {
        let (freed, hears) = bounded(1);
        (Self { taken: Arc::default(), freed: Arc::new(freed) }, hears)
    }

    /// Takes up to `most` secrets up that nobody works on, in the order in which they come.
    pub(super) fn take_up(&self, secrets: impl Iterator<Item = SecretId>, most: usize) -> Vec<Claim> {
        self.take_up_of(secrets.map(|secret| (secret, None)), most, usize::MAX)
    }

    /// The same, but of those for which an issuer may have to be asked no more than `at_once`.
    pub(super) fn take_up_of(
        &self,
        secrets: impl Iterator<Item = (SecretId, Option<IssuerName>)>,
        most: usize,
        at_once: usize,
    ) -> Vec<Claim> {
        let mut working = self.taken.lock();
        let free = secrets.filter_map(|(secret, issuer)| self.one(&mut working, secret, issuer, at_once));
        free.take(most).collect()
    }

    fn one(
        &self,
        working: &mut Working,
        secret: SecretId,
        issuer: Option<IssuerName>,
        at_once: usize,
    ) -> Option<Claim> {
        let theirs = issuer.as_ref().and_then(|issuer| working.by_issuer.get(issuer)).copied().unwrap_or_default();
        if theirs >= at_once || !working.secrets.insert(secret) {
            return None;
        }
        if let Some(issuer) = &issuer {
            working.by_issuer.insert(issuer.clone(), theirs.saturating_add(1));
        }
        Some(Claim { secret, issuer, busy: self.clone() })
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let mut working = self.busy.taken.lock();
        working.secrets.remove(&self.secret);
        if let Some(count) = self.issuer.as_ref().and_then(|issuer| working.by_issuer.get_mut(issuer)) {
            *count = count.saturating_sub(1);
        }
        drop(working);
        // Whoever looks has heard of it, or is about to look.
        let _ = self.busy.freed.try_send(());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_taken_up_by_one_at_a_time_and_given_back_once() {
        let [one, two, three] = [1, 2, 3].map(|number| SecretId::from_bytes([number; 16]));
        let (busy, freed) = Claims::new();
        let taken = |most| busy.take_up([one, two, three].into_iter(), most);
        let ids = |taken: &[Claim]| taken.iter().map(|taken| taken.secret).collect::<Vec<_>>();
        let first = taken(2);
        assert_eq!(ids(&first), [one, two]);
        let second = taken(2);
        assert_eq!(ids(&second), [three], "nobody takes what another has");
        drop(first);
        assert!(freed.try_recv().is_ok(), "whoever waits for one hears of it");
        assert_eq!(ids(&taken(3)), [one, two]);
        drop(second);
        assert_eq!(ids(&taken(3)), [one, two, three]);
    }

    #[test]
    fn no_more_of_one_issuer_are_taken_up_than_it_gets_calls() {
        let issuer = |name| IssuerName::parse(name).unwrap();
        let (busy, _freed) = Claims::new();
        let due = |number: u8| {
            let of = if number < 6 { Some(issuer("slow")) } else { Some(issuer("other")).filter(|_| number < 8) };
            (SecretId::from_bytes([number; 16]), of)
        };
        let taken = || busy.take_up_of((0..9).map(due), 8, 2);
        let numbers = |taken: &[Claim]| taken.iter().map(|taken| taken.secret.as_bytes()[0]).collect::<Vec<_>>();
        let first = taken();
        assert_eq!(numbers(&first), [0, 1, 6, 7, 8]);
        assert_eq!(numbers(&taken()), [0_u8; 0]);
        drop(first);
        assert_eq!(numbers(&taken()), [0, 1, 6, 7, 8]);
    }
}
