//! Owns who works on which secret: each is taken up by one at a time, and given back whatever comes of it.
//!
//! Read next: [`super::worker`].

use std::collections::HashSet;
use std::sync::Arc;

use crate::domain::id::SecretId;
use crate::engine::sync::Mutex;

/// The secrets that are taken up.
#[derive(Clone, Default)]
pub(super) struct Busy(Arc<Mutex<HashSet<SecretId>>>);

/// A secret that somebody has taken up, until this is dropped.
pub(super) struct Taken {
    pub(super) secret: SecretId,
    busy: Busy,
}

impl Busy {
    /// Takes up to `most` secrets up that nobody works on, in the order in which they come.
    pub(super) fn take_up(&self, secrets: impl Iterator<Item = SecretId>, most: usize) -> Vec<Taken> {
        let mut busy = self.0.lock();
        let free = secrets.filter_map(|secret| self.one(&mut busy, secret));
        free.take(most).collect()
    }

    fn one(&self, busy: &mut HashSet<SecretId>, secret: SecretId) -> Option<Taken> {
        busy.insert(secret).then(|| Taken { secret, busy: self.clone() })
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.busy.0.lock().remove(&self.secret);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_taken_up_by_one_at_a_time_and_given_back_once() {
        let [one, two, three] = [1, 2, 3].map(|number| SecretId::from_bytes([number; 16]));
        let busy = Busy::default();
        let taken = |most| busy.take_up([one, two, three].into_iter(), most);
        let ids = |taken: &[Taken]| taken.iter().map(|taken| taken.secret).collect::<Vec<_>>();
        let first = taken(2);
        assert_eq!(ids(&first), [one, two]);
        let second = taken(2);
        assert_eq!(ids(&second), [three], "nobody takes what another has");
        drop(first);
        assert_eq!(ids(&taken(3)), [one, two]);
        drop(second);
        assert_eq!(ids(&taken(3)), [one, two, three]);
    }
}
