//! Rotations by issuers that cannot have happened, with right hashes: a case for each rule, for calls and for jobs.

use super::illegal::check_log;
use super::scenario::{actor, verify};
use super::story::Story;
use crate::audit::Rule;
use crate::domain::event::Event;
use crate::domain::id::VersionId;
use crate::domain::name::{IssuerName, Reason};
use crate::domain::rotation::{AttemptFailure, IssuerClass};
use crate::domain::rotation_event::*;
use crate::domain::time::Timestamp;
use crate::domain::version::VersionRef::{Current, Previous};

use AttemptFailure::{Refused, Unavailable, Unknown};
use IssuerClass::{CreateDiscoverable, CreateWithToken, Opaque, SetValue};

/// The last step is the first illegal one.
#[track_caller]
fn check(rule: Rule, class: IssuerClass, make: impl FnOnce(&mut Story) -> &mut Story) {
    let mut story = Story::new(class);
    make(&mut story);
    check_log(rule, &story.log);
}

#[track_caller]
fn legal(class: IssuerClass, make: impl FnOnce(&mut Story) -> &mut Story) {
    let mut story = Story::new(class);
    make(&mut story);
    let report = verify(&story.log.export());
    assert!(report.is_sound(), "{class}: {report}");
}

const CLASSES: [IssuerClass; 4] = [SetValue, CreateWithToken, CreateDiscoverable, Opaque];

#[test]
fn what_the_protocol_does_is_legal() {
    for class in CLASSES {
        legal(class, |story| {
            story.plan().attempt().fail(Unavailable).attempt().issue().fail_for_good(Unavailable).resume()
        });
        legal(class, |story| story.plan().attempt().issue().abort_planned().abort().plan().abort());
        legal(class, |story| story.plan().attempt().fail_for_good(Unknown).resume().attempt().issue());
    }
    for class in [CreateWithToken, Opaque] {
        legal(class, |story| story.plan().job().issue().commit());
        legal(class, |story| story.plan().job().fail(Refused).job().fail_for_good(Unknown).issue());
        legal(class, |story| story.plan().job().fail_for_good(Unknown).resume().job());
        legal(class, |story| story.plan().job().issue().abort_planned().begin().fail(Unknown).begin().abort());
    }
    legal(CreateWithToken, |story| story.plan().job().abort_planned().issue().begin().abort());
    legal(Opaque, |story| story.plan().job().abort());
}

/// Data of a rotation has a data key of its own.
#[test]
fn data_under_the_data_key_of_a_version_is_refused() {
    check(Rule::DataKeyTaken, CreateWithToken, |story| {
        story.plan().attempt();
        let (rotation, sealed) = (story.rotation(), *story.log.get(story.secret).sealed().next().unwrap().1);
        story.on(CredentialIssued { rotation, outside: None, sealed, expires_at: None })
    });
    check(Rule::DataKeyTaken, SetValue, |story| {
        let sealed = *story.log.get(story.secret).sealed().next().unwrap().1;
        let event = RotationPlanned { value: Some(sealed), ..story.planned() };
        story.on(event)
    });
}

#[test]
fn a_step_that_cannot_be_taken_from_where_a_rotation_stands() {
    const RULE: Rule = Rule::RotationOutOfTurn;
    for class in CLASSES {
        check(RULE, class, |story| story.plan().plan());
        check(RULE, class, |story| story.plan().issue());
        if class != Opaque {
            check(RULE, class, |story| story.plan().attempt().attempt().attempt().attempt());
        }
        check(RULE, class, |story| story.plan().attempt().issue().issue());
        check(RULE, class, |story| story.plan().attempt().issue().attempt());
        check(RULE, class, |story| story.plan().resume());
        check(RULE, class, |story| story.plan().attempt().fail_for_good(Unavailable).park());
        check(RULE, class, |story| story.plan().attempt().fail_for_good(Unavailable).attempt());
        check(RULE, class, |story| story.plan().abort_planned());
        check(RULE, class, |story| story.plan().attempt().issue().abort());
    }
    check(RULE, Opaque, |story| story.plan().attempt().attempt());
    // What may have been made is retired before a rotation is over.
    for class in [SetValue, CreateWithToken, CreateDiscoverable] {
        check(RULE, class, |story| story.plan().attempt().abort());
    }
    for class in [CreateWithToken, Opaque] {
        check(RULE, class, |story| story.plan().begin());
        check(RULE, class, |story| story.plan().job().begin());
        // Its job is at work, and its report is not late.
        check(RULE, class, |story| story.plan().job().attempt());
        check(RULE, class, |story| story.plan().job().issue().begin());
        check(RULE, class, |story| story.plan().job().issue().abort_planned().begin().issue());
        check(RULE, class, |story| story.plan().job().issue().abort_planned().begin().abort_planned());
    }
    check(RULE, CreateWithToken, |story| story.plan().job().abort());
}

#[test]
fn a_rotation_of_another_kind_or_name() {
    const RULE: Rule = Rule::RotationMismatch;
    for class in [SetValue, CreateDiscoverable] {
        check(RULE, class, |story| story.plan().attempt().begin());
    }
    for class in CLASSES {
        check(RULE, class, |story| {
            story.plan();
            story.rotations += 1;
            let rotation = story.rotation();
            story.on(RotationAttempted { rotation, attempt: 1 })
        });
        check(RULE, class, |story| {
            let mut planned = story.planned();
            planned.issuer = IssuerName::parse("other").unwrap();
            story.on(planned)
        });
        check(RULE, class, |story| {
            let mut planned = story.planned();
            planned.value = if class == SetValue { None } else { Some(story.log.sealed()) };
            story.on(planned)
        });
    }
}

#[test]
fn a_credential_that_is_ended_out_of_turn() {
    const RULE: Rule = Rule::RetirementOutOfTurn;
    let ended: [fn(VersionId, Timestamp) -> Event; 3] = [
        |version, _| CredentialRetired { version }.into(),
        |version, report_by| RetirementJobBegun { version, report_by }.into(),
        |version, retry_at| RetirementFailed { version, reason: Reason::of("no"), retry_at }.into(),
    ];
    for end in ended {
        check(RULE, CreateWithToken, |story| {
            let (version, at) = (story.previous(), story.report_by());
            story.on(end(version, at))
        });
        check(RULE, CreateWithToken, |story| {
            let (version, at) = (story.previous(), story.report_by());
            story.retire().retired(version);
            story.on(end(version, at))
        });
        legal(CreateWithToken, |story| {
            let (version, at) = (story.previous(), story.report_by());
            match end(version, at) {
                Event::CredentialRetired(_) => story.retire().retired(version),
                other => story.retire().on(other),
            }
        });
    }
    check(RULE, CreateWithToken, |story| story.retire().retire());
}

#[test]
fn locks_that_were_passed_over() {
    const RULE: Rule = Rule::LockedVersionTouched;
    for class in CLASSES {
        check(RULE, class, |story| story.lock(Previous).plan());
        check(RULE, class, |story| {
            story.plan();
            story.lock(Previous).attempt()
        });
    }
    check(RULE, SetValue, |story| story.lock(Current).plan());
    check(RULE, CreateWithToken, |story| story.lock(Previous).retire());
    check(RULE, CreateWithToken, |story| {
        story.plan().attempt().issue();
        let (rotation, secret) = (story.rotation(), story.secret);
        story.lock(Previous);
        story.log.append(vec![(Some(secret), RotationCommitted { rotation }.into())]);
        story
    });
}

#[test]
fn a_consumer_that_says_a_thing_twice() {
    check(Rule::AcknowledgedBefore, CreateWithToken, |story| {
        let (version, consumer) = (story.previous(), actor("billing"));
        story.log.terms.actor = consumer.clone();
        story.on(VersionAcknowledged { version, consumer: consumer.clone() });
        story.on(VersionAcknowledged { version, consumer })
    });
}
