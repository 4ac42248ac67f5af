//! What stops work on a secret: each kind of work, under each state of the store and of the secret.

use super::kind::Kind;
use super::world::World;
use crate::domain::quarantine::RestoredFrom;
use crate::domain::secret::Lifecycle;
use crate::domain::stop::{Stop, Work, may};
use crate::domain::touch::Touch;

/// Each kind of work, with whether it is done in quarantine, and on a secret that has no version yet, is over, or is to be
/// deleted.
const ALL: [(Work, [bool; 4]); 12] = [
    (Work::Describe, [true, true, false, false]),
    (Work::Use, [true, false, false, false]),
    (Work::Issue, [true, true, false, false]),
    (Work::Lock, [true, true, true, false]),
    (Work::Touch(Touch::Describe), [true, true, true, true]),
    (Work::Touch(Touch::Delete), [false, true, true, true]),
    (Work::EndLock, [false, true, true, true]),
    (Work::Expire, [false, false, false, false]),
    (Work::ReportMade, [true, true, true, true]),
    (Work::ReportEnded, [false, true, true, true]),
    (Work::Step, [false, true, true, true]),
    (Work::Sweep, [false, true, true, true]),
];

#[test]
fn each_work_is_stopped_by_the_states_that_stop_it() {
    let mut world = World::new();
    let secret = world.secret(Kind::Arbitrary);
    let plain = world.get(secret).clone();
    let whole = world.state.whole.clone();
    world.restored(RestoredFrom::Backup);
    let in_quarantine = &world.state.whole;
    let as_of = |lifecycle, is_deleting| {
        let mut secret = plain.clone();
        (secret.lifecycle, secret.is_deleting) = (lifecycle, is_deleting);
        secret
    };
    for (work, [quarantined, unmade, over, deleting]) in ALL {
        assert_eq!(may(&plain, work, &whole), Ok(()), "{work:?}");
        let stopped = Stop::Quarantine { since: in_quarantine.quarantine().unwrap().at };
        assert_eq!(may(&plain, work, in_quarantine), if quarantined { Ok(()) } else { Err(stopped) }, "{work:?}");
        let rows = [
            (Lifecycle::PreActivation, false, unmade),
            (Lifecycle::Suspended, false, over),
            (Lifecycle::Deactivated, false, over),
            (Lifecycle::Destroyed, false, over),
            (Lifecycle::Deactivated, true, deleting),
        ];
        for (lifecycle, is_deleting, is_done) in rows {
            let expected = if is_done { Ok(()) } else { Err(Stop::Inactive { lifecycle }) };
            assert_eq!(may(&as_of(lifecycle, is_deleting), work, &whole), expected, "{work:?} {lifecycle:?}");
        }
    }
}

#[test]
fn a_store_that_is_stopped_lets_no_time_pass() {
    let mut world = World::new();
    assert!(world.state.whole.lets_time_pass());
    world.restored(RestoredFrom::Backup);
    assert!(!world.state.whole.lets_time_pass());
}
