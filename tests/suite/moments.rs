//! The store as it was, through the public interface: at positions, at times, while open for reading only, and across opens.

use latchkeep::audit::AsOf;
use latchkeep::{Change, Command, Description, GroupName, Position, SecretChanges, SecretType, Timestamp, VersionRef};

use crate::support::{Home, arbitrary, lock, lock_name, name, next, refused, session, sound};

#[test]
fn who_held_which_lock_at_three_past_twelve() {
    let home = Home::standing_still();
    let store = home.create();
    let ops = session(&store);
    let secret = arbitrary(&ops, "token", "one");
    home.advance_secs(60);
    ops.place_lock(secret, VersionRef::Current, lock("billing").until(home.in_secs(120))).unwrap();
    ops.place_lock(secret, VersionRef::Current, lock("forever")).unwrap();
    home.advance_secs(60);
    ops.rotate(secret, next("two")).unwrap();
    let at = |secs: u64| {
        AsOf::Time(Timestamp::parse("2026-11-23T12:00:00Z").unwrap().plus(std::time::Duration::from_secs(secs)))
    };
    home.advance_secs(3_600);
    ops.remove_lock(secret, VersionRef::Previous, lock_name("forever")).unwrap();
    let holds = |secs| {
        let moment = store.as_of(at(secs)).unwrap();
        let locks = moment.lock_status(secret).unwrap();
        let names =
            |locks: &[latchkeep::Lock]| locks.iter().map(|lock| lock.name.to_string()).collect::<Vec<_>>().join(" ");
        locks.versions.iter().map(|version| format!("{}:{}", version.number, names(&version.locks))).collect::<Vec<_>>()
    };
    assert_eq!(holds(0), ["1:"]);
    assert_eq!(holds(59), ["1:"]);
    assert_eq!(holds(60), ["1:billing forever"]);
    assert_eq!(holds(120), ["2:", "1:billing forever"]);
    assert_eq!(holds(179), ["2:", "1:billing forever"]);
    // The lease ended here, whenever somebody wrote that down.
    assert_eq!(holds(180), ["2:", "1:forever"]);
    assert_eq!(holds(3_719), ["2:", "1:forever"]);
    assert_eq!(holds(3_720), ["2:", "1:"]);
    assert_eq!(store.as_of(at(61)).unwrap().time(), Timestamp::parse("2026-11-23T12:01:01Z").unwrap());
    refused(store.as_of(at(3_721)), "invalid_parameter");
    refused(store.as_of(AsOf::Time(Timestamp::EPOCH)), "invalid_parameter");
    sound(&store);
}

#[test]
fn every_position_shows_what_the_store_showed_then() {
    let home = Home::new();
    let store = home.options().past_states_apart(1_024).create().unwrap();
    let ops = session(&store);
    ops.run(Command::create_group(GroupName::parse("payments").unwrap(), None)).unwrap();
    let mut shown = Vec::new();
    let mut note = |store: &latchkeep::Store| {
        let position = store.status().unwrap().log_size.get() - 1;
        shown.push((Position::new(position), store.secrets(), store.groups(), store.settings()));
    };
    for number in 0..4 {
        let secret = arbitrary(&ops, &format!("secret-{number}"), "one");
        note(&store);
        for round in 0..120 {
            ops.place_lock(secret, VersionRef::Current, lock(&format!("lock-{}", round % 7))).unwrap();
            let described = Change::Set(Description::parse(&format!("round {round}")).unwrap());
            ops.update(secret, SecretChanges { description: described, ..Default::default() }).unwrap();
            ops.remove_lock(secret, VersionRef::Current, lock_name(&format!("lock-{}", round % 7))).unwrap();
            if round % 30 == 0 {
                note(&store);
            }
        }
        ops.rotate(secret, next("two")).unwrap();
        note(&store);
        home.advance_secs(1);
    }
    let check = |store: &latchkeep::Store| {
        for (position, secrets, groups, settings) in &shown {
            let moment = store.as_of(AsOf::Position(*position)).unwrap();
            assert_eq!(
                (&moment.secrets(), &moment.groups(), &moment.settings()),
                (secrets, groups, settings),
                "{position}"
            );
            assert!(moment.replayed() < 1_100 && moment.hidden().count() == 0 && !moment.hides_groups());
            assert_eq!(moment.size(), position.next());
        }
        let last = store.as_of(AsOf::End).unwrap();
        assert_eq!((last.secrets(), last.replayed()), (store.secrets(), 0));
        assert!(last.secret_named(SecretType::Arbitrary, &name("secret-3")).is_ok());
        let end = store.status().unwrap().log_size;
        refused(store.as_of(AsOf::Position(end)), "invalid_parameter");
    };
    check(&store);
    store.close().unwrap();
    let store = home.options().open_read_only().unwrap();
    check(&store);
    store.close().unwrap();
    let store = home.open();
    check(&store);
    sound(&store);
}
