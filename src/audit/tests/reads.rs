//! Reads that are recorded and cannot have been, with right hashes.

use super::illegal::{Case, NOTHING, check};
use super::scenario::{Scenario, actor, verify};
use crate::audit::Rule;
use crate::domain::command::Command;
use crate::domain::event::AccessRecorded;
use crate::domain::secret::SecretSpec;

#[test]
fn reads_that_cannot_have_been() {
    let read = |case: &Case, version, reads| {
        let (reader, at) = (actor("anna"), case.log.after(0));
        AccessRecorded { secret: case.secret, version, reader, reads, first_at: at, last_at: at }
    };
    check(Rule::ReadOfNothing, |case| {
        let event = read(case, case.current(), 0);
        case.whole(event);
    });
    check(Rule::ReadOfNothing, |case| {
        let event = read(case, NOTHING, 1);
        case.whole(event);
    });
    // One that was let go was there, and reads of a secret that is deleted are recorded later.
    let mut log = Scenario::new();
    let secret = log.secret(SecretSpec::Arbitrary, "database");
    let mut case = Case { log, secret };
    let first = case.current();
    for _ in 0..60 {
        case.log.rotate(secret).unwrap();
    }
    assert!(case.log.get(secret).version_by_id(first).is_none());
    let event = read(&case, first, 1);
    case.whole(event.clone());
    case.log.ask(&Command::DeleteSecret { secret }).unwrap();
    case.whole(event);
    let report = verify(&case.log.export());
    assert!(report.is_sound(), "{report}");
}
