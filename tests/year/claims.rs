//! Owns who uses which credential, as the consumers see it: a record of its own, that knows nothing of the store.
//!
//! A claim says that a credential has to log in, until a time or until it is given back. The systems outside ask here whenever a
//! credential ends; one that is claimed is a fault of the store.

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;

use latchkeep::Timestamp;

/// Who claims a credential that a newer one has replaced, for as long as its secret promised.
pub(crate) const GRACE: &str = "its grace";

/// Who uses which credential, and what went wrong with that.
#[derive(Default)]
pub(crate) struct Claims(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    /// By the text of the credential, then by who claims it.
    held: HashMap<String, BTreeMap<String, Timestamp>>,
    faults: Vec<String>,
    ended: u64,
}

impl Claims {
    /// Claims a credential until a time.
    pub(crate) fn claim(&self, text: &str, who: &str, until: Timestamp) {
        let mut inner = self.0.lock().unwrap();
        inner.held.entry(text.to_owned()).or_default().insert(who.to_owned(), until);
    }

    /// Gives a claim back.
    pub(crate) fn give_back(&self, text: &str, who: &str) {
        let mut inner = self.0.lock().unwrap();
        let is_free = inner.held.get_mut(text).is_some_and(|of_text| {
            of_text.remove(who);
            of_text.is_empty()
        });
        if is_free {
            inner.held.remove(text);
        }
    }

    /// Tells whether somebody claims a credential at a time.
    pub(crate) fn has(&self, text: &str, who: &str, now: Timestamp) -> bool {
        let inner = self.0.lock().unwrap();
        inner.held.get(text).and_then(|of_text| of_text.get(who)).is_some_and(|until| *until > now)
    }

    /// Gives who claims a credential at a time.
    pub(crate) fn holders(&self, text: &str, now: Timestamp) -> Vec<String> {
        let inner = self.0.lock().unwrap();
        let all = inner.held.get(text).into_iter().flatten();
        all.filter(|(_, until)| **until > now).map(|(who, _)| who.clone()).collect()
    }

    /// Notes that a credential has ended outside.
    pub(crate) fn ended(&self, text: &str, how: &str, now: Timestamp) {
        let holders = self.holders(text, now);
        let mut inner = self.0.lock().unwrap();
        inner.ended += 1;
        if !holders.is_empty() {
            inner.faults.push(format!("{text} was ended ({how}) while these used it: {}", holders.join(", ")));
        }
        inner.held.remove(text);
    }

    /// Notes a fault.
    pub(crate) fn fault(&self, what: String) {
        self.0.lock().unwrap().faults.push(what);
    }

    /// Takes the faults so far.
    pub(crate) fn take_faults(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap().faults)
    }

    /// Counts the credentials that have ended.
    pub(crate) fn ends(&self) -> u64 {
        self.0.lock().unwrap().ended
    }
}
