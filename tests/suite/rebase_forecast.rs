//! What is told before a clock is rebased: what moves, which dates stay, and what speaks against the time that the clock shows.

use latchkeep::{ApiKeyUse, NewSecret, Position, RebaseDoubt};

use crate::rebase::{CURRENT, DAY, HOUR, MINUTE, YEARS, set_back};
use crate::support::{Home, api_key, arbitrary, lock, lock_name, name, next, noon, session, text};

/// The ends of dynamic credentials moved, and were not foretold; an expiry that was given as a length stays, and nothing said so.
#[test]
fn it_is_foretold_what_moves_at_a_rebase_and_which_dates_stay() {
    let home = Home::standing_still();
    let store = home.create();
    let ops = session(&store);
    let token = arbitrary(&ops, "token", "one");
    let key = api_key(&ops, "key", ApiKeyUse::UntilLeaseEnds, 3_600);
    home.clock.advance(YEARS);
    let new = NewSecret::arbitrary(name("short"), text("x")).unwrap();
    let short = ops.create(new.expiring_at(2 * HOUR)).unwrap().secret.unwrap();
    ops.read(key, CURRENT).unwrap();
    ops.place_lock(token, CURRENT, lock("billing").until(MINUTE)).unwrap();
    home.clock.advance(MINUTE / 2);
    arbitrary(&ops, "last", "one");

    set_back(&home.clock, DAY);
    let moved = store.moved_when_clock_is_rebased();
    let ends = |id| moved.iter().find(|moved| moved.before.id == id).unwrap().ends();
    let wrong = noon().plus(YEARS);
    let [lease, credential] = [token, key].map(|id| ends(id).pop().unwrap());
    assert_eq!((&lease.lock, lease.before), (&Some(lock_name("billing")), wrong.plus(MINUTE)));
    assert_eq!((&credential.lock, credential.before), (&None, wrong.plus(HOUR)));
    let kept: Vec<_> = moved.iter().filter_map(|moved| Some((moved.before.id, moved.kept_expiry()?))).collect();
    assert_eq!(kept, [(short, wrong.plus(2 * HOUR))]);
    ops.rebase_clock().unwrap();
    assert_eq!(store.secret(key).unwrap().current().unwrap().expires_at, Some(credential.after));
    assert_eq!(credential.after, noon().plus(DAY + HOUR - MINUTE / 2));
    assert_eq!(store.secret(token).unwrap().locks().next().unwrap().1.expires_at, Some(lease.after));
    assert_eq!(lease.after, noon().plus(DAY + MINUTE / 2));
    assert_eq!(store.secret(short).unwrap().expires_at(), Some(wrong.plus(2 * HOUR)));
}

/// A clock that was wrong itself, and behind, once ended leases early, and nothing spoke against it.
#[test]
fn a_time_that_the_log_knows_better_is_doubted_before_the_clock_is_rebased_to_it() {
    let home = Home::standing_still();
    let store = home.create();
    let ops = session(&store);
    let id = arbitrary(&ops, "token", "one");
    home.clock.advance(DAY);
    ops.rotate(id, next("two")).unwrap();
    let last = Position::new(store.status().unwrap().log_size.get() - 1);
    set_back(&home.clock, YEARS);
    ops.rotate(id, next("held")).unwrap();
    ops.confirm_clock().unwrap();
    ops.rotate(id, next("wrong")).unwrap();
    let doubts = |since| {
        set_back(&home.clock, since);
        store.doubts_of_rebase().unwrap()
    };
    let expected = noon().plus(DAY);
    assert_eq!(doubts(DAY + MINUTE), []);
    assert_eq!(doubts(DAY + HOUR), [RebaseDoubt::BootTime { expected }]);
    let found = doubts(HOUR);
    let RebaseDoubt::BeforeRecords { position, recorded_at, steps_to } = found[0] else { panic!("{found:?}") };
    // The record that says that the clock is not believed has the right time.
    assert!(position > last && recorded_at == expected && steps_to == noon().plus(YEARS), "{found:?}");
    assert_eq!(found[1..], [RebaseDoubt::BootTime { expected }]);
    set_back(&home.clock, DAY);
    ops.rebase_clock().unwrap();
    assert_eq!(store.doubts_of_rebase().unwrap(), []);
    home.clock.advance(DAY);
    ops.rotate(id, next("right")).unwrap();
    assert_eq!(doubts(DAY - HOUR)[0], RebaseDoubt::BeforeStretch { begins_at: noon().plus(DAY) });
}
