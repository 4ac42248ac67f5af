//! The modes of placing locks: what becomes of the locks of the same names on previous, and of its data.

use super::kind::Kind;
use super::world::{World, lock, number, word};
use crate::domain::lock::LockMode::{self, Keep, RemovePrevious, RemovePreviousAndDelete};
use crate::domain::version::VersionRef::{Current, Previous};

/// Places names on current while others stand on previous and current, and says what is left.
#[track_caller]
fn check(previous: &[&str], current: &[&str], names: &[&str], mode: LockMode, left: &str) {
    for kind in Kind::ROTATING {
        let mut world = World::new();
        let secret = world.secret_of(kind, 2);
        world.locked(secret, Previous, previous);
        world.locked(secret, Current, current);
        world.place(secret, Current, names.iter().map(|name| lock(name)).collect(), mode).unwrap();
        assert_eq!(world.shows(secret), left, "{kind:?}: {names:?} with {mode}");
        world.check_replay();
    }
}

#[test]
fn keep_leaves_previous_alone() {
    check(&["aa", "bb"], &[], &["aa"], Keep, "1:aa,bb 2:aa");
}

#[test]
fn remove_previous_moves_the_locks_of_the_same_names() {
    check(&["aa", "bb"], &[], &["aa"], RemovePrevious, "1:bb 2:aa");
    check(&["aa", "bb"], &[], &["aa", "bb"], RemovePrevious, "1: 2:aa,bb");
    check(&["bb"], &[], &["aa"], RemovePrevious, "1:bb 2:aa");
    check(&["aa"], &["aa"], &["aa"], RemovePrevious, "1: 2:aa");
    check(&["aa"], &[], &[], RemovePrevious, "1:aa 2:");
}

#[test]
fn remove_previous_and_delete_destroys_data_that_no_lock_holds_any_more() {
    check(&["aa"], &[], &["aa"], RemovePreviousAndDelete, "2:aa");
    check(&["aa", "bb"], &[], &["aa", "bb"], RemovePreviousAndDelete, "2:aa,bb");
    check(&[], &[], &["aa"], RemovePreviousAndDelete, "2:aa");
}

#[test]
fn data_that_another_lock_holds_stays() {
    check(&["aa", "bb"], &[], &["aa"], RemovePreviousAndDelete, "1:bb 2:aa");
    check(&["bb"], &["bb"], &["aa"], RemovePreviousAndDelete, "1:bb 2:aa,bb");
}

#[test]
fn a_mode_is_accepted_when_there_is_no_previous_version() {
    for mode in [RemovePrevious, RemovePreviousAndDelete] {
        for kind in Kind::ALL {
            let mut world = World::new();
            let secret = world.secret(kind);
            world.place(secret, Current, vec![lock("aa")], mode).unwrap();
            assert_eq!(world.shows(secret), "1:aa", "{kind:?}, {mode}");
        }
    }
}

#[test]
fn a_mode_is_accepted_when_the_data_of_previous_is_gone() {
    for mode in [RemovePrevious, RemovePreviousAndDelete] {
        let mut world = World::new();
        let secret = world.secret_of(Kind::Kv, 2);
        world.destroy(secret, Previous).unwrap();
        world.place(secret, Current, vec![lock("aa")], mode).unwrap();
        world.check_events(&["LockPlaced"]);
    }
}

#[test]
fn a_mode_is_for_current_alone() {
    for (version, answer) in
        [(Current, "ok"), (number(3), "ok"), (Previous, "invalid_parameter"), (number(1), "invalid_parameter")]
    {
        for mode in [RemovePrevious, RemovePreviousAndDelete] {
            let mut world = World::new();
            let secret = world.secret(Kind::Kv);
            world.keeps(secret, 3);
            (1..3).for_each(|_| world.rotate(secret).map(drop).unwrap());
            assert_eq!(word(&world.place(secret, version, vec![lock("aa")], mode)), answer, "{version}, {mode}");
        }
    }
}

#[test]
fn only_previous_is_freed_when_more_versions_are_kept() {
    let mut world = World::new();
    let secret = world.secret(Kind::Kv);
    world.keeps(secret, 3);
    world.locked(secret, Current, &["aa"]);
    world.rotate(secret).unwrap();
    world.locked(secret, Current, &["aa"]);
    world.rotate(secret).unwrap();
    world.place(secret, Current, vec![lock("aa")], RemovePreviousAndDelete).unwrap();
    assert_eq!(world.shows(secret), "1:aa 3:aa");
}

#[test]
fn consumers_move_one_by_one_and_then_the_next_rotation_runs() {
    let mut world = World::new();
    let secret = world.secret(Kind::Password);
    world.locked(secret, Current, &["billing", "web"]);
    world.rotate(secret).unwrap();
    assert_eq!(world.shows(secret), "1:billing,web 2:");
    world.place(secret, Current, vec![lock("web")], RemovePrevious).unwrap();
    assert_eq!(word(&world.rotate(secret)), "secret_version_locked");
    world.place(secret, Current, vec![lock("billing")], RemovePrevious).unwrap();
    assert_eq!(world.shows(secret), "1: 2:billing,web");
    world.rotate(secret).unwrap();
    assert_eq!(world.shows(secret), "2:billing,web 3:");
}
