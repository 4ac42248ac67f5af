//! What belongs to no secret: settings, key slots, epochs.

use super::kind::Kind;
use super::world::{World, word};
use crate::domain::command::Command;
use crate::domain::name::IssuerName;
use crate::domain::refusal::Refusal;
use crate::domain::rotation_event::StrangersFound;
use crate::domain::settings::{AccessAudit, KeySlotKind, Settings};
use crate::domain::version::VersionOrigin;

/// Asks one thing after another of a store that has slot 0 and epoch 1.
#[track_caller]
fn check(steps: &[(Command, &str)]) {
    let mut world = World::new();
    for (command, answer) in steps {
        assert_eq!(word(&world.ask(command)), *answer, "{command:?}");
    }
    world.check_replay();
}

#[test]
fn key_slots_go_from_0_to_7_and_the_last_one_stays() {
    const NO: &str = "key_slot_unavailable";
    let add = |slot| Command::AddKeySlot { slot, kind: KeySlotKind::Passphrase };
    let remove = |slot| Command::RemoveKeySlot { slot };
    check(&[(add(0), NO), (add(7), "ok"), (add(7), NO), (add(8), NO), (add(255), NO)]);
    check(&[(remove(0), NO), (remove(1), NO), (add(1), "ok"), (remove(0), "ok"), (remove(1), NO), (add(0), "ok")]);
    let all: Vec<_> = (1..8).map(|slot| (add(slot), "ok")).chain((0..7).map(|slot| (remove(slot), "ok"))).collect();
    check(&all);
}

#[test]
fn epochs_follow_each_other_and_the_newest_is_not_retired() {
    let roll = |epoch| Command::RollEpoch { epoch };
    let retire = |epoch| Command::RetireEpoch { epoch };
    check(&[(roll(1), "version_changed"), (roll(3), "version_changed"), (roll(2), "ok"), (roll(2), "version_changed")]);
    check(&[(retire(1), "invalid_parameter"), (roll(2), "ok"), (retire(2), "invalid_parameter"), (retire(1), "ok")]);
    check(&[(roll(2), "ok"), (retire(1), "ok"), (retire(1), "invalid_parameter"), (roll(3), "ok")]);
}

#[test]
fn settings_change_by_an_event() {
    let mut world = World::new();
    let settings = Settings { access_audit: AccessAudit::Strict, refuse_rotation_while_locked: true };
    world.ask(&Command::ChangeSettings { settings }).unwrap();
    world.check_events(&["SettingsChanged"]);
    assert_eq!(world.state.whole.settings, settings);
    assert_eq!(world.ask(&Command::ChangeSettings { settings }).unwrap().events, 0);
}

#[test]
fn data_sealed_before_a_new_epoch_is_asked_for_again() {
    let mut world = World::new();
    let secret = world.secret(Kind::Arbitrary);
    let stale = world.creation(Kind::Arbitrary, "late");
    let next = world.prepared(Kind::Arbitrary.spec().secret_type());
    world.ask(&Command::RollEpoch { epoch: 2 }).unwrap();
    for command in [stale, Command::Rotate { secret, origin: VersionOrigin::RotatedByHand, next }] {
        assert_eq!(world.ask(&command).unwrap_err(), Refusal::VersionChanged);
    }
    world.rotate(secret).unwrap();
}

pub(super) fn noted(issuer: usize, credentials: u64) -> Command {
    Command::NoteStrangers(StrangersFound {
        issuer: IssuerName::parse(&format!("issuer-{issuer}")).unwrap(),
        credentials,
    })
}

#[test]
fn what_issuers_list_that_the_log_does_not_know_is_recorded_when_it_changes() {
    let mut world = World::new();
    let mut events = |issuer, credentials| {
        world.pass(60);
        let events = world.ask(&noted(issuer, credentials)).unwrap().events;
        let found = world.state.whole.strangers.values().map(|found| found.credentials).collect::<Vec<_>>();
        (events, found)
    };
    assert_eq!(events(1, 0), (0, vec![]));
    assert_eq!(events(1, 2), (1, vec![2]));
    assert_eq!(events(1, 2), (0, vec![2]));
    assert_eq!(events(2, 1), (1, vec![2, 1]));
    assert_eq!(events(1, 3), (1, vec![3, 1]));
    assert_eq!(events(2, 0), (1, vec![3]));
    let since = world.state.whole.strangers.values().next().unwrap().since;
    assert_eq!(world.now.since(since).as_secs(), 4 * 60, "since the first of them");
    world.check_replay();
}

#[test]
fn of_200_issuers_it_is_noted_that_they_list_strangers() {
    let mut world = World::new();
    for issuer in 0..200 {
        assert_eq!(world.ask(&noted(issuer, 1)).unwrap().events, 1);
    }
    assert_eq!(world.ask(&noted(200, 1)).unwrap().events, 0);
    assert_eq!(world.ask(&noted(7, 2)).unwrap().events, 1);
    assert_eq!(world.ask(&noted(7, 0)).unwrap().events, 1);
    assert_eq!(world.ask(&noted(200, 1)).unwrap().events, 1);
    world.check_replay();
}
