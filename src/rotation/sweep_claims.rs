//! Owns who is being swept: an issuer that has not answered the last sweep is not asked by another.
//!
//! Read next: [`super::sweep`].

use std::collections::HashSet;
use std::sync::Arc;

use crate::domain::name::IssuerName;
use crate::engine::sync::Mutex;

/// The issuers that a sweep is at, or has calls out to that were given up.
#[derive(Clone, Default)]
pub(super) struct SweepClaims(Arc<Mutex<HashSet<IssuerName>>>);

/// A sweep of one issuer: each of its calls holds it, so that it lasts until the last of them has ended.
#[derive(Clone)]
pub(super) struct SweepClaim(Arc<Turn>);

struct Turn {
    issuer: IssuerName,
    swept: SweepClaims,
}

impl SweepClaims {
    /// Begins a sweep of an issuer, unless one lasts.
    pub(super) fn begin(&self, issuer: &IssuerName) -> Option<SweepClaim> {
        let is_first = self.0.lock().insert(issuer.clone());
        is_first.then(|| SweepClaim(Arc::new(Turn { issuer: issuer.clone(), swept: self.clone() })))
    }
}

impl SweepClaim {
    /// Tells whether a call of it was given up and has not ended.
    pub(super) fn has_calls_out(&self) -> bool {
        Arc::strong_count(&self.0) > 1
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.swept.0.lock().remove(&self.issuer);
    }
}
