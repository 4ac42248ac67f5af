//! Erasing bodies: what is refused, what is restated, and that a replay which cannot read them ends in the same state.

use std::collections::BTreeSet;

use super::kind::Kind;
use super::world::{Answer, World, keyed, lock, named, word};
use crate::domain::batch::remember;
use crate::domain::command::{Change, Command, SecretChanges};
use crate::domain::erasable::{About, Erasable};
use crate::domain::event::Event;
use crate::domain::id::{GroupId, SecretId};
use crate::domain::json::JsonObject;
use crate::domain::lock::LockMode;
use crate::domain::name::{Description, GroupName};
use crate::domain::position::{Position, Revision};
use crate::domain::record::Record;
use crate::domain::state::State;
use crate::domain::step::{ErasedRecord, Step, evolve_step};
use crate::domain::version::VersionRef::{Current, Previous};

/// Gives what a body is about that can be erased.
pub(super) fn erasable(record: &Record) -> Option<Erasable> {
    let about = match (&record.event, record.subject) {
        (event, _) if !event.is_erasable() => return None,
        (_, Some(subject)) => About::Secret(subject.secret),
        (Event::GroupCreated(event), None) => About::Group(event.group),
        (Event::GroupUpdated(event), None) => About::Group(event.group),
        (Event::GroupRestated(event), None) => About::Group(event.group),
        _ => return None,
    };
    Some(Erasable { position: record.position, about })
}

fn erased(world: &World) -> BTreeSet<Position> {
    let events = world.log.iter().filter_map(|record| match &record.event {
        Event::BodiesErased(event) => Some(event.positions.iter().copied()),
        _ => None,
    });
    events.flatten().collect()
}

/// What a state is, but for what any event changes.
fn unmoved(state: &State) -> State {
    let mut state = state.clone();
    for id in state.secrets.keys().copied().collect::<Vec<_>>() {
        let secret = std::sync::Arc::make_mut(state.secrets.get_mut(&id).unwrap());
        (secret.revision, secret.as_of) = (Revision::FIRST, Position::FIRST);
    }
    state.whole.log_size = Position::FIRST;
    state.whole.last_at = crate::domain::time::Timestamp::EPOCH;
    state.remembered = Default::default();
    state
}

impl World {
    /// Erases the bodies of the log that can be and are chosen.
    #[track_caller]
    pub(super) fn erase(&mut self, choose: impl Fn(&Record) -> bool) -> Option<Answer> {
        let gone = erased(self);
        let chosen = self.log.iter().filter(|record| choose(record) && !gone.contains(&record.position));
        let bodies: Vec<_> = chosen.filter_map(erasable).take(1_000).collect();
        if bodies.is_empty() {
            return None;
        }
        let before = unmoved(&self.state);
        let answer = self.ask(&Command::EraseBodies { bodies });
        assert!(unmoved(&self.state) == before, "an erasure changed the state");
        Some(answer)
    }

    /// Holds a replay that cannot read what is erased to the state.
    #[track_caller]
    pub(super) fn check_erased_replay(&self) {
        let gone = erased(self);
        let mut state = State::default();
        for batch in self.log.chunk_by(|record, _| !record.ends_batch()) {
            let steps: Vec<Step> = batch.iter().map(|record| step(record, &gone)).collect();
            steps.iter().for_each(|step| evolve_step(&mut state, step));
            remember(&mut state, &steps);
        }
        assert_eq!(state.secrets, self.state.secrets);
        assert_eq!(state.whole, self.state.whole);
        assert!(state == self.state, "a replay without the erased bodies ends elsewhere");
    }
}

fn step(record: &Record, gone: &BTreeSet<Position>) -> Step {
    if !gone.contains(&record.position) {
        return Step::Told(record.clone());
    }
    let ends_batch = record.ends_batch();
    let Record { position, subject, recorded_at, context, .. } = record.clone();
    let number = record.event.number();
    Step::Erased(ErasedRecord { position, subject, recorded_at, context, ends_batch, number, schema: 1 })
}

#[test]
fn what_an_erased_body_said_is_restated_as_it_stands_now() {
    let mut world = World::new();
    let secret = world.secret(Kind::Arbitrary);
    world.locked(secret, Current, &["app", "web"]);
    world.rotate(secret).unwrap();
    let other = world.secret(Kind::Arbitrary);
    world.erase(|record| record.secret() == Some(secret)).unwrap().unwrap();
    world.check_events(&[
        "BodiesErased",
        "SecretRestated",
        "VersionRestated",
        "LockRestated",
        "LockRestated",
        "VersionRestated",
    ]);
    assert_eq!(world.shows(secret), "1:app,web 2:");
    world.check_erased_replay();
    // What is restated can be erased as well, and is restated again.
    world.erase(|record| record.secret() == Some(secret)).unwrap().unwrap();
    world.unlock(secret, Previous, named(&["app"])).unwrap();
    world.delete(other).unwrap();
    // What is said of the dead is not said again.
    world.erase(|record| record.secret() == Some(other)).unwrap().unwrap();
    world.check_events(&["BodiesErased"]);
    world.check_erased_replay();
    world.check_replay();
}

#[test]
fn a_secret_that_expiry_and_locks_left_strange_comes_back_as_it_was() {
    let mut world = World::new();
    let secret = world.expiring(Kind::Arbitrary, 60);
    world.locked(secret, Current, &["app"]);
    world.rotate(secret).unwrap();
    world.wait(100);
    assert!(world.get(secret).expiry_held_since.is_some());
    world.destroy(secret, Current).unwrap();
    let credential = world.secret(Kind::FreshKey);
    world.read(credential).unwrap();
    world.erase(|_| true).unwrap().unwrap();
    world.check_erased_replay();
}

#[test]
fn groups_keep_their_names_and_their_counts() {
    let mut world = World::new();
    let id = GroupId::from_bytes([9; 16]);
    let (name, description) = (GroupName::parse("anna's").unwrap(), Description::parse("of anna").ok());
    world.ask(&Command::CreateGroup { id, name, description }).unwrap();
    let create = match world.creation(Kind::Arbitrary, "inside") {
        Command::CreateSecret { id: secret, metadata, expires: None, spec, policy, first, .. } => {
            Command::CreateSecret { id: secret, group: id, metadata, expires: None, spec, policy, first }
        }
        other => other,
    };
    world.ask(&create).unwrap();
    world.pass(9);
    let name = Some(GroupName::parse("payments").unwrap());
    world.ask(&Command::UpdateGroup { group: id, name, description: Change::Clear }).unwrap();
    world.pass(9);
    world.erase(|record| record.subject.is_none()).unwrap().unwrap();
    world.check_events(&["BodiesErased", "GroupRestated"]);
    world.check_erased_replay();
    world.erase(|_| true).unwrap().unwrap();
    world.check_erased_replay();
}

/// The version in the receipt of a keyed command stood in a body alone; after an erasure no replay knows it.
#[test]
fn a_remembered_receipt_loses_its_version_and_nothing_else() {
    let mut world = World::new();
    let secret = world.secret(Kind::Arbitrary);
    world.terms.idempotency = Some(keyed("once", 1));
    let first = world.place(secret, Current, vec![lock("app"), lock("web")], LockMode::Keep).unwrap();
    assert!(first.version.is_some());
    world.terms.idempotency = None;
    world.erase(|record| record.position == first.position).unwrap().unwrap();
    world.terms.idempotency = Some(keyed("once", 1));
    let again = world.place(secret, Current, vec![lock("app"), lock("web")], LockMode::Keep).unwrap();
    assert_eq!(again, crate::domain::receipt::Receipt { version: None, remembered: true, ..first });
    world.check_erased_replay();
}

#[test]
fn an_erasure_takes_one_to_a_thousand_positions_of_the_log() {
    let mut world = World::new();
    let secret = world.secret(Kind::Arbitrary);
    let end = world.state.log_size().get();
    let body = |position| Erasable { position: Position::new(position), about: About::Secret(secret) };
    for (bodies, answer) in [
        (vec![], "invalid_parameter"),
        (vec![body(1), body(end)], "invalid_parameter"),
        ((0..1_001).map(body).collect(), "invalid_parameter"),
        (vec![body(1), body(1)], "ok"),
    ] {
        assert_eq!(word(&world.ask(&Command::EraseBodies { bodies })), answer);
    }
}

#[test]
fn what_would_be_restated_has_a_bound() {
    let mut world = World::new();
    let metadata = JsonObject::parse(&format!("{{\"text\":\"{}\"}}", "x".repeat(4_000))).unwrap();
    let heavy: Vec<SecretId> = (0..3)
        .map(|_| {
            let secret = world.secret(Kind::Arbitrary);
            let locks = (0..1_000).map(|number| lock(&format!("lock-{number}")).with_attributes(metadata.clone()));
            world.place(secret, Current, locks.collect(), LockMode::Keep).unwrap();
            secret
        })
        .collect();
    let all = world.erase(|record| matches!(record.event, Event::SecretCreated(_))).unwrap();
    assert_eq!(word(&all), "invalid_parameter");
    for secret in heavy {
        let one =
            world.erase(|record| matches!(record.event, Event::SecretCreated(_)) && record.secret() == Some(secret));
        assert_eq!(one.unwrap().unwrap().events, 1_003);
        world.update(secret, SecretChanges { retention: Some(3), ..Default::default() }).unwrap();
    }
    world.check_erased_replay();
}
