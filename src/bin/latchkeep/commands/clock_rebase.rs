//! Owns `latchkeep clock rebase`: what moves when a store goes by its clock again, and the word of a person that it is to.
//!
//! Read next: [`super::clock`].

use latchkeep::{MovedSecret, Rebased};
use serde_json::{Map, Value, json};

use super::summary::counted;
use crate::exit::Exit;
use crate::failure::{self, Failure};
use crate::prompt;
use crate::scene::Scene;
use crate::times::shown as shown_time;

/// What moves when the clock is rebased.
pub(super) struct Moved(Vec<MovedSecret>);

impl Moved {
    pub(super) fn of(scene: &Scene) -> Self {
        Self(scene.store().moved_when_clock_is_rebased())
    }

    fn leases(&self) -> usize {
        self.0.iter().map(MovedSecret::leases).sum()
    }

    fn rotations(&self) -> usize {
        self.0.iter().filter(|moved| moved.moves_a_rotation()).count()
    }

    /// Names the secrets whose current version was made in the wrong time.
    fn names(&self) -> Vec<String> {
        let made = self.0.iter().filter(|moved| moved.moves_current());
        made.map(|moved| moved.before.metadata.name.to_string()).collect()
    }

    /// Says how much moves, a line each.
    pub(super) fn lines(&self) -> Vec<String> {
        let number = |count| u64::try_from(count).unwrap_or(u64::MAX);
        let (leases, rotations) =
            (counted(number(self.leases()), "lease"), counted(number(self.rotations()), "rotation"));
        let made =
            self.names().into_iter().map(|name| format!("its current version was made in the wrong time: {name}"));
        [format!("when the clock is rebased, the ends of {leases} and {rotations} move")]
            .into_iter()
            .chain(made)
            .collect()
    }

    pub(super) fn to_json(&self) -> Value {
        json!({ "leases": self.leases(), "rotations": self.rotations(), "current_versions_of": self.names() })
    }
}

/// Tells where the clock was rebased, for scripts.
pub(super) fn put_rebased(rebased: &[Rebased], fields: &mut Map<String, Value>) {
    fields.insert("rebased".to_owned(), json!(rebased));
}

/// Tells where the clock was rebased, for people.
pub(super) fn facts(rebased: &[Rebased]) -> impl Iterator<Item = (&'static str, String)> {
    rebased.iter().map(|it| {
        let (before, after) = (shown_time(it.before), shown_time(it.observed_at));
        ("rebased", format!("at record {}, from {before} to {after}", it.position))
    })
}

pub(super) fn rebase(scene: &mut Scene, is_sure: bool) -> Result<Exit, Failure> {
    let (clock, moved) = (scene.store().clock(), Moved::of(scene));
    if clock.can_be_rebased() && !is_sure {
        moved.lines().iter().for_each(failure::note);
        let (shown, now) = (shown_time(clock.shown), shown_time(clock.now));
        let warning = format!("the store will go by {shown}, which the clock shows, in place of {now}");
        prompt::confirm_by_person(&warning, "rebase")?;
    }
    let receipt = scene.session.rebase_clock()?;
    let now = scene.store().clock().now;
    if scene.out.is_json() {
        let position = receipt.position;
        scene.out.json(&json!({ "rebased": true, "position": position, "now": now, "moved": moved.to_json() }))?;
    } else {
        let number = |count| u64::try_from(count).unwrap_or(u64::MAX);
        let (leases, rotations) =
            (counted(number(moved.leases()), "lease"), counted(number(moved.rotations()), "rotation"));
        scene.out.line(format!("the time is {}; the ends of {leases} and {rotations} were moved", shown_time(now)))?;
        for name in moved.names() {
            scene.out.line(format!("its current version was made in the wrong time: {name}"))?;
        }
    }
    Ok(Exit::Done)
}
