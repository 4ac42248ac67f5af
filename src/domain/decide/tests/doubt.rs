//! A rotation that was under way at a backup, in the store that was restored: the original went on with it. As a table: what is
//! given up, tried again and parked, for each class.

use super::protocol::{ROTATION, Step};
use super::world::{World, lock, word};
use crate::domain::command::Command;
use crate::domain::id::SecretId;
use crate::domain::lock::LockMode;
use crate::domain::name::Reason;
use crate::domain::patience::Effort;
use crate::domain::quarantine::RestoredFrom;
use crate::domain::rotation::{AttemptFailure, IssuerClass};
use crate::domain::rotation_command::RotationCommand;
use crate::domain::version::VersionRef::Current;

use AttemptFailure::{Refused, Unknown};
use IssuerClass::{CreateDiscoverable, CreateWithToken, Opaque, SetValue};
use Step::{Abort, Attempt, Commit, Fail, FinishAbort, Issue, Plan, Resume};

/// A rotation that took some steps before a backup, in the store that was restored from it and has left its quarantine.
fn restored(class: IssuerClass, before: &[Step]) -> (World, SecretId) {
    let (mut world, secret) = World::rotating(class, before);
    world.pass(60);
    world.restored(RestoredFrom::Backup);
    world.ask(&Command::EndQuarantine).unwrap();
    world.pass(60);
    (world, secret)
}

/// Takes steps before a backup and after its restore, the last of which leads to these events.
#[track_caller]
fn check(class: IssuerClass, before: &[Step], after: &[Step], events: &[&str]) {
    let (mut world, secret) = restored(class, before);
    for step in after {
        let answer = world.step(secret, class, *step);
        assert_eq!(word(&answer), "ok", "{class}, {before:?}, restored, {after:?}: {step:?}");
        world.pass(1);
    }
    world.check_events(events);
    world.check_replay();
}

/// An abort once destroyed the planned value, which the original had set since: it was the account's only one.
#[test]
fn a_value_that_was_planned_at_the_backup_is_kept_until_the_one_before_is_set_again() {
    for before in [&[Plan][..], &[Plan, Attempt], &[Plan, Attempt, Fail(Unknown)]] {
        check(SetValue, before, &[Abort], &["AbortPlanned"]);
        check(SetValue, before, &[Abort, FinishAbort], &["RotationAborted"]);
        check(SetValue, before, &[Attempt, Fail(Refused), Abort], &["AbortPlanned"]);
        check(
            SetValue,
            before,
            &[Attempt, Issue, Commit],
            &["RotationCommitted", "VersionAdded", "VersionDataDestroyed"],
        );
        let (mut world, secret) = restored(SetValue, before);
        world.ask(&Command::DeleteSecret { secret }).unwrap();
        world.check_events(&["DeletionPlanned", "RetirementPlanned", "AbortPlanned"]);
        assert!(world.get(secret).rotation.as_ref().unwrap().value.is_some());
        world.check_replay();
    }
}

#[test]
fn a_value_that_may_be_set_is_not_replaced_when_a_call_is_refused() {
    let (mut world, secret) = restored(SetValue, &[Plan]);
    world.step(secret, SetValue, Attempt).unwrap();
    let open = world.get(secret).rotation.clone().unwrap();
    let value = Some(world.issued_data(open.to));
    let (reason, retry_at, effort) = (Reason::parse("no").unwrap(), world.now, Effort::default());
    let failed = RotationCommand::Fail { rotation: ROTATION, failure: Refused, reason, retry_at, value, effort };
    world.tell(secret, failed).unwrap();
    assert_eq!(world.get(secret).rotation.as_ref().unwrap().value, open.value);
    world.check_replay();
}

#[test]
fn a_lock_is_looked_at_before_the_first_call_here() {
    let (mut world, secret) = World::rotating(SetValue, &[Plan]);
    world.place(secret, Current, vec![lock("app")], LockMode::Keep).unwrap();
    world.restored(RestoredFrom::Backup);
    world.ask(&Command::EndQuarantine).unwrap();
    assert_eq!(word(&world.step(secret, SetValue, Attempt)), "secret_version_locked");
}

#[test]
fn what_creates_by_a_token_goes_on_and_ends_nothing_when_it_is_given_up() {
    for before in [&[Plan][..], &[Plan, Attempt], &[Plan, Attempt, Fail(Unknown)]] {
        check(CreateWithToken, before, &[Attempt], &["RotationAttempted"]);
        check(CreateWithToken, before, &[Abort], &["RotationAborted"]);
        check(CreateWithToken, before, &[Attempt, Fail(Unknown), Abort], &["RotationAborted"]);
    }
    // What was made by the token is what the original put into use, whether that was heard before or after the backup.
    check(CreateWithToken, &[Plan, Attempt, Issue], &[Abort], &["RotationAborted"]);
    check(CreateWithToken, &[Plan, Attempt], &[Attempt, Issue, Fail(Refused), Abort], &["RotationAborted"]);
}

#[test]
fn what_would_be_looked_for_and_ended_or_made_twice_waits_for_a_person() {
    for class in [CreateDiscoverable, Opaque] {
        for before in [&[Plan][..], &[Plan, Attempt]] {
            check(class, before, &[Attempt], &["RotationParked"]);
            check(class, before, &[Abort], &["RotationAborted"]);
            check(class, before, &[Attempt, Abort], &["RotationAborted"]);
            check(class, before, &[Attempt, Resume, Attempt], &["RotationAttempted"]);
        }
    }
    // A person has said that what is found may be ended.
    check(CreateDiscoverable, &[Plan], &[Attempt, Resume, Abort], &["AbortPlanned"]);
    // What was made then is not told apart from what was made before; a sweep tells a person of it.
    check(CreateDiscoverable, &[Plan], &[Attempt, Resume, Attempt, Issue, Abort], &["RotationAborted"]);
}

/// An abort once ended it, though the original had put it into use right after the backup.
#[test]
fn what_was_made_at_the_backup_is_left_by_whoever_gives_the_rotation_up() {
    for class in [CreateWithToken, CreateDiscoverable, Opaque] {
        let before = [Plan, Attempt, Issue];
        check(class, &before, &[Abort], &["RotationAborted"]);
        check(class, &before, &[Fail(Refused), Abort], &["RotationAborted"]);
    }
    check(SetValue, &[Plan, Attempt, Issue], &[Abort], &["AbortPlanned"]);
}

#[test]
fn a_rotation_that_is_planned_after_the_restore_is_as_any_other() {
    for class in [SetValue, CreateWithToken, CreateDiscoverable, Opaque] {
        check(class, &[], &[Plan, Abort], &["RotationAborted"]);
        check(class, &[], &[Plan, Attempt, Issue, Abort], &["AbortPlanned"]);
    }
}
