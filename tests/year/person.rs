//! Owns the person who looks after the store: parked rotations, and what is left outside after a restore.

use latchkeep::{IssuerClass, OutsideId, Reason, Rotation, SecretId};

use super::year::Year;

impl Year {
    /// Looks at what waits for a person; what need not wait is a fault.
    pub(crate) fn look_after(&mut self) {
        let restored_at = self.store.status().unwrap().restored_at;
        for secret in self.store.rotating_secrets() {
            let Some(rotation) = secret.rotation.as_deref() else { continue };
            let Some(parked) = &rotation.parked else { continue };
            let is_from_before = restored_at.is_some_and(|at| rotation.planned_at <= at);
            let is_unknown =
                rotation.class == IssuerClass::Opaque && parked.reason.as_str().starts_with("nobody knows");
            if !is_unknown && !is_from_before {
                self.world.claims.fault(format!("{} waits for a person: {}", secret.metadata.name, parked.reason));
                continue;
            }
            self.note("parked", secret.metadata.name.to_string());
            self.decide(secret.id, rotation, is_from_before);
        }
    }

    /// Does what the reason says: looks outside, then aborts or resumes.
    fn decide(&mut self, secret: SecretId, rotation: &Rotation, is_from_before: bool) {
        let issuer = self.known[&secret].issuer.unwrap();
        let made = self.made_by(issuer, rotation);
        if is_from_before {
            self.notes.extend(made.into_iter().map(|outside| (issuer, outside)));
            self.ops().abort_rotation(secret, Reason::parse("looked after").unwrap()).unwrap();
            return;
        }
        let outside = &self.world.outsides[issuer];
        made.iter().for_each(|made| outside.end_by_hand(made));
        if self.chance.of_1000(500) {
            self.ops().resume_rotation(secret).unwrap();
        } else {
            self.ops().abort_rotation(secret, Reason::parse("looked after").unwrap()).unwrap();
        }
    }

    /// Gives what a rotation made outside.
    pub(crate) fn made_by(&self, issuer: &str, rotation: &Rotation) -> Vec<OutsideId> {
        let inner = self.world.outsides[issuer].look();
        let of_rotation = inner.living.iter().filter(|(_, made)| made.rotation == rotation.id);
        of_rotation.map(|(outside, _)| outside.clone()).collect()
    }

    /// Goes on with what is to be done by hand after a restore.
    pub(crate) fn mend(&mut self) {
        let now = self.world.now();
        let (world, notes) = (&self.world, &mut self.notes);
        notes.retain(|(issuer, outside)| {
            let text = world.outsides[issuer].look().living.get(outside).map(|made| made.text.clone());
            let Some(text) = text else { return false };
            let is_used = !world.claims.holders(&text, now).is_empty();
            if !is_used {
                world.outsides[issuer].end_by_hand(outside);
            }
            is_used
        });
        if self.has_strangers {
            self.look_at_strangers();
        }
        let stale: Vec<SecretId> = self.world.stale.lock().unwrap().iter().copied().collect();
        for id in stale {
            if self.is_mended(id) {
                self.world.stale.lock().unwrap().remove(&id);
            }
        }
    }
}
