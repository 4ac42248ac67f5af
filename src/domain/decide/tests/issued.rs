//! The ends of credentials that an issuer made: what is let go, what a lock holds, and what a rotation puts off.

use super::expiry::check_held;
use super::kind::{DAY, Kind};
use super::protocol::Step;
use super::world::{World, lock, number, word};
use crate::domain::command::Command;
use crate::domain::id::SecretId;
use crate::domain::lock::{LockMode, LockNames};
use crate::domain::rotation::{AttemptFailure, IssuerClass};
use crate::domain::rotation_command::RotationCommand;
use crate::domain::secret::Lifecycle;
use crate::domain::version::VersionRef::{Current, Previous};
use crate::domain::version::{Version, VersionRef};

use IssuerClass::{CreateDiscoverable, CreateWithToken, Opaque, SetValue};

const BESIDE: [IssuerClass; 3] = [CreateWithToken, CreateDiscoverable, Opaque];

/// Days after which the credential of a version ends, if it does.
pub(super) type End = Option<u64>;

impl World {
    /// Commits a version whose credential ends in so many days.
    #[track_caller]
    pub(super) fn issued(&mut self, secret: SecretId, class: IssuerClass, end: End) {
        self.step(secret, class, Step::Plan).unwrap();
        self.step(secret, class, Step::Attempt).unwrap();
        self.issue(secret, end.map(|days| self.after(days * DAY))).unwrap();
        self.step(secret, class, Step::Commit).unwrap();
    }

    /// A secret with a version for each end.
    #[track_caller]
    pub(super) fn with_ends(class: IssuerClass, ends: &[End]) -> (Self, SecretId) {
        let mut world = Self::new();
        let secret = world.secret(Kind::Issued);
        for end in ends {
            world.issued(secret, class, *end);
            world.keeps(secret, 3);
        }
        (world, secret)
    }

    /// Tells that the issuer has retired a version.
    #[track_caller]
    pub(super) fn retired(&mut self, secret: SecretId, version: VersionRef) {
        let version = self.version(secret, version).id;
        self.tell(secret, RotationCommand::FinishRetirement { version }).unwrap();
    }

    /// The versions with data, and those on their way out in brackets.
    fn stand(&self, secret: SecretId) -> String {
        let stands = |version: &Version| {
            let is_retiring =
                version.credential.as_deref().is_some_and(crate::domain::rotation::Credential::is_retiring);
            if is_retiring { format!("({})", version.number) } else { version.number.to_string() }
        };
        let with_data = self.get(secret).versions.iter().filter(|version| version.is_available());
        with_data.map(stands).collect::<Vec<_>>().join(" ")
    }

    fn life(&self, secret: SecretId) -> Lifecycle {
        self.get(secret).lifecycle
    }
}

/// Lets days pass on versions with ends and locks, and holds the secret to what is left of it, the mark, and the last events.
#[track_caller]
fn check(ends: &[End], locked: &[u64], days: u64, stand: &str, is_held: bool, events: &[&str]) {
    for class in BESIDE {
        let (mut world, secret) = World::with_ends(class, ends);
        locked.iter().for_each(|version| world.locked(secret, number(*version), &["app"]));
        let size = world.log.len();
        world.wait(days * DAY);
        let what = format!("{class}: {ends:?}, {locked:?} locked, after {days} days");
        assert_eq!(world.stand(secret), stand, "{what}");
        assert_eq!(world.get(secret).expiry_held_since.is_some(), is_held, "{what}");
        assert_eq!(world.last_events(world.log.len() - size), events, "{what}");
        assert_eq!(world.life(secret), Lifecycle::Active, "{what}");
        world.wait(0);
        assert_eq!(world.log.len() - size, events.len(), "{what}: said once");
        world.check_replay();
    }
}

#[test]
fn what_has_ended_is_let_go_unless_a_lock_holds_it() {
    const GOES: &str = "RetirementPlanned";
    const HELD: &str = "ExpirationHeld";
    let (five, ten, none) = (Some(5), Some(10), None);
    // Nothing ends, or not yet.
    check(&[none, none], &[], 1_000, "1 2", false, &[]);
    check(&[five, ten], &[], 4, "1 2", false, &[]);
    // An earlier one goes alone.
    check(&[five, ten], &[], 5, "(1) 2", false, &[GOES]);
    check(&[five, none], &[], 1_000, "(1) 2", false, &[GOES]);
    check(&[five, five, ten], &[], 5, "(1) (2) 3", false, &[GOES, GOES]);
    // A lock on it holds it; one on another version does not.
    check(&[five, ten], &[1], 5, "1 2", true, &[HELD]);
    check(&[five, ten], &[2], 5, "(1) 2", false, &[GOES]);
    check(&[five, five, ten], &[2], 5, "(1) 2 3", true, &[GOES, HELD]);
    // With the current one all go; a lock on any holds the secret.
    check(&[none, ten], &[], 9, "1 2", false, &[]);
    check(&[none, ten], &[], 10, "(1) (2)", false, &[GOES, GOES]);
    check(&[none, ten], &[1], 10, "1 2", true, &[HELD]);
    check(&[none, ten], &[2], 10, "1 2", true, &[HELD]);
    check(&[five, ten], &[2], 10, "(1) 2", true, &[GOES, HELD]);
    check(&[ten, five], &[], 5, "(1) (2)", false, &[GOES, GOES]);
    check(&[ten, five], &[1], 5, "1 2", true, &[HELD]);
    // What lies held already is not said to be held again.
    check(&[five, ten], &[1, 2], 10, "1 2", true, &[HELD]);
}

#[test]
fn the_secret_expires_once_the_last_credential_is_retired() {
    for class in BESIDE {
        let (mut world, secret) = World::with_ends(class, &[None, Some(10)]);
        world.wait(10 * DAY);
        assert_eq!((world.stand(secret).as_str(), world.life(secret)), ("(1) (2)", Lifecycle::Active));
        assert_eq!(word(&world.place(secret, Current, vec![lock("app")], LockMode::Keep)), "version_data_unavailable");
        world.retired(secret, number(2));
        world.check_events(&["CredentialRetired", "VersionDataDestroyed"]);
        assert_eq!(world.life(secret), Lifecycle::Active, "a credential is good outside still");
        world.wait(DAY);
        world.retired(secret, number(1));
        world.check_events(&["CredentialRetired", "VersionDataDestroyed", "SecretExpired"]);
        assert_eq!((world.stand(secret).as_str(), world.life(secret)), ("", Lifecycle::Destroyed));
        assert_eq!(word(&world.step(secret, class, Step::Plan)), "secret_inactive");
        assert_eq!(word(&world.delete(secret)), "ok");
        world.check_replay();
    }
}

#[test]
fn what_was_replaced_in_place_has_no_credential_left_to_retire() {
    let (mut world, secret) = World::with_ends(SetValue, &[Some(5), Some(10)]);
    world.wait(5 * DAY);
    world.check_events(&["VersionDataDestroyed"]);
    assert_eq!(world.stand(secret), "2");
    world.wait(5 * DAY);
    world.check_events(&["RetirementPlanned"]);
    world.retired(secret, Current);
    world.check_events(&["CredentialRetired", "VersionDataDestroyed", "SecretExpired"]);
    let (mut world, secret) = World::with_ends(SetValue, &[None, Some(10)]);
    world.locked(secret, Previous, &["app"]);
    world.wait(10 * DAY);
    check_held(&world, secret, "1:app 2:");
    world.unlock(secret, Previous, LockNames::All).unwrap();
    world.check_events(&["LockRemoved", "VersionDataDestroyed", "RetirementPlanned"]);
}

#[test]
fn the_last_lock_lets_go_at_once_however_it_goes() {
    let ends = &[Some(5), Some(10)];
    let (mut world, secret) = World::with_ends(CreateWithToken, ends);
    world.locked(secret, Previous, &["app", "web"]);
    world.wait(5 * DAY);
    check_held(&world, secret, "1:app,web 2:");
    world.unlock(secret, Previous, super::world::named(&["app"])).unwrap();
    check_held(&world, secret, "1:web 2:");
    world.unlock(secret, Previous, LockNames::All).unwrap();
    world.check_events(&["LockRemoved", "RetirementPlanned"]);
    assert_eq!(world.get(secret).expiry_held_since, None);
    // Moved to the current version.
    for mode in [LockMode::RemovePrevious, LockMode::RemovePreviousAndDelete] {
        let (mut world, secret) = World::with_ends(CreateWithToken, ends);
        world.locked(secret, Previous, &["app"]);
        world.wait(5 * DAY);
        world.place(secret, Current, vec![lock("app")], mode).unwrap();
        world.check_events(&["LockPlaced", "LockRemoved", "RetirementPlanned"]);
        assert_eq!((world.stand(secret).as_str(), world.get(secret).expiry_held_since), ("(1) 2", None));
    }
    // A lease that ends.
    let (mut world, secret) = World::with_ends(CreateWithToken, ends);
    let lease = lock("app").until(world.after(11 * DAY));
    world.place(secret, Current, vec![lease], LockMode::Keep).unwrap();
    world.wait(10 * DAY);
    world.wait(DAY);
    world.check_events(&["LockExpired", "RetirementPlanned"]);
    assert_eq!(world.stand(secret), "(1) (2)");
}

/// Where a rotation stands when the credential of the current version ends.
#[test]
fn an_open_rotation_puts_the_end_of_the_current_version_off() {
    use AttemptFailure::Unknown;
    use Step::{Abort, Attempt, Commit, Fail, FinishAbort, Issue, Plan, Resume};
    for class in BESIDE {
        for steps in [
            &[Plan][..],
            &[Plan, Attempt],
            &[Plan, Attempt, Issue],
            &[Plan, Attempt, Issue, Abort],
            &[Plan, Attempt, Fail(Unknown), Attempt, Fail(Unknown), Attempt, Fail(Unknown)],
        ] {
            let (mut world, secret) = World::with_ends(class, &[None, Some(10)]);
            steps.iter().for_each(|step| drop(world.step(secret, class, *step)));
            world.wait(10 * DAY);
            assert_eq!(world.stand(secret), "1 2", "{class} {steps:?}");
            assert_eq!(world.get(secret).expiry_held_since, None, "{class} {steps:?}");
            // Given up, it ends as if there had been none.
            let _ = world.step(secret, class, Abort);
            let _ = world.step(secret, class, FinishAbort);
            assert_eq!(world.get(secret).rotation, None, "{class} {steps:?}");
            world.wait(0);
            assert_eq!(world.stand(secret), "(1) (2)", "{class} {steps:?}");
            world.check_replay();
        }
        // Committed, the end is that of the new version, and the old one goes alone.
        let (mut world, secret) = World::with_ends(class, &[None, Some(10)]);
        world.step(secret, class, Plan).unwrap();
        world.wait(9 * DAY);
        for step in [Resume, Attempt] {
            let _ = world.step(secret, class, step);
        }
        if world.get(secret).rotation.as_ref().unwrap().parked.is_some() {
            world.step(secret, class, Resume).unwrap();
            world.step(secret, class, Attempt).unwrap();
        }
        world.issue(secret, Some(world.after(20 * DAY))).unwrap();
        world.wait(2 * DAY);
        world.step(secret, class, Commit).unwrap();
        world.wait(0);
        assert_eq!((world.stand(secret).as_str(), world.life(secret)), ("1 (2) 3", Lifecycle::Active));
        assert_eq!(world.get(secret).expires_at(), Some(world.after(18 * DAY)));
        world.check_replay();
    }
}

#[test]
fn a_lock_that_goes_while_a_rotation_is_open_leaves_the_end_to_the_rotation() {
    let (mut world, secret) = World::with_ends(CreateWithToken, &[None, Some(10)]);
    world.locked(secret, Current, &["app"]);
    world.wait(10 * DAY);
    check_held(&world, secret, "1: 2:app");
    world.step(secret, CreateWithToken, Step::Plan).unwrap();
    world.unlock(secret, Current, LockNames::All).unwrap();
    world.check_events(&["LockRemoved"]);
    assert_eq!((world.stand(secret).as_str(), world.get(secret).expiry_held_since), ("1 2", None));
    world.step(secret, CreateWithToken, Step::Abort).unwrap();
    world.wait(0);
    assert_eq!(world.stand(secret), "(1) (2)");
}

#[test]
fn an_earlier_version_goes_also_while_a_rotation_is_open() {
    let (mut world, secret) = World::with_ends(CreateWithToken, &[Some(5), Some(10)]);
    world.step(secret, CreateWithToken, Step::Plan).unwrap();
    world.wait(5 * DAY);
    assert_eq!(world.stand(secret), "(1) 2");
}

#[test]
fn a_rotation_saves_a_secret_whose_credential_is_being_retired() {
    let (mut world, secret) = World::with_ends(CreateWithToken, &[None, Some(10)]);
    world.wait(10 * DAY);
    world.step(secret, CreateWithToken, Step::Plan).unwrap();
    world.retired(secret, number(1));
    world.retired(secret, number(2));
    assert_eq!((world.stand(secret).as_str(), world.life(secret)), ("", Lifecycle::Active));
    world.step(secret, CreateWithToken, Step::Attempt).unwrap();
    world.issue(secret, None).unwrap();
    world.step(secret, CreateWithToken, Step::Commit).unwrap();
    world.wait(DAY);
    assert_eq!((world.stand(secret).as_str(), world.life(secret)), ("3", Lifecycle::Active));
    world.check_replay();
    // Given up when nothing is left, the secret expires then.
    let (mut world, secret) = World::with_ends(CreateWithToken, &[Some(10)]);
    world.wait(10 * DAY);
    world.step(secret, CreateWithToken, Step::Plan).unwrap();
    world.retired(secret, number(1));
    world.step(secret, CreateWithToken, Step::Abort).unwrap();
    world.wait(0);
    world.check_events(&["SecretExpired"]);
    assert_eq!(world.life(secret), Lifecycle::Destroyed);
    world.check_replay();
}

#[test]
fn a_credential_that_ended_before_its_commit_is_given_up() {
    for (class, locked) in [(CreateWithToken, None), (CreateDiscoverable, Some(Previous)), (SetValue, None)] {
        let (mut world, secret) = World::with_ends(class, &[None, None]);
        world.keeps(secret, 2);
        world.step(secret, class, Step::Plan).unwrap();
        world.step(secret, class, Step::Attempt).unwrap();
        world.issue(secret, Some(world.after(DAY))).unwrap();
        if let Some(version) = locked {
            world.locked(secret, version, &["app"]);
        }
        world.wait(DAY);
        world.step(secret, class, Step::Commit).unwrap();
        world.check_events(&["AbortPlanned"]);
        world.step(secret, class, Step::FinishAbort).unwrap();
        assert_eq!((world.stand(secret).as_str(), world.life(secret)), ("1 2", Lifecycle::Active), "{class}");
        world.check_replay();
    }
}

#[test]
fn nothing_ends_in_quarantine_and_all_that_is_overdue_ends_after_it() {
    for from in crate::domain::quarantine::RestoredFrom::ALL {
        let (mut world, secret) = World::with_ends(CreateWithToken, &[Some(5), Some(10)]);
        world.restored(*from);
        world.wait(10 * DAY);
        assert!(world.get(secret).versions.iter().all(|version| version.credential.as_ref().unwrap().is_in_use()));
        assert!(!world.get(secret).credentials().any(crate::domain::rotation::Credential::is_retiring));
        world.ask(&Command::EndQuarantine).unwrap();
        world.wait(0);
        // Also where the data did not come along.
        assert!(world.get(secret).credentials().all(crate::domain::rotation::Credential::is_retiring), "{from:?}");
        world.retired(secret, number(1));
        world.retired(secret, number(2));
        assert_eq!(world.life(secret), Lifecycle::Destroyed, "{from:?}");
        world.check_replay();
    }
}

/// Once a store was made of an export, a deletion left the credentials in use where they are, since their data was not here.
#[test]
fn a_deletion_retires_credentials_whose_data_is_not_here() {
    let (mut world, secret) = World::with_ends(CreateWithToken, &[None, None]);
    world.restored(crate::domain::quarantine::RestoredFrom::Export);
    world.ask(&Command::EndQuarantine).unwrap();
    world.delete(secret).unwrap();
    world.check_events(&["DeletionPlanned", "RetirementPlanned", "RetirementPlanned"]);
    world.check_replay();
}
