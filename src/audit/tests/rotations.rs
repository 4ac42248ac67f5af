//! Rotations by issuers that cannot have happened, with right hashes: a case for each rule, for calls and for jobs.

use super::illegal::check_log;
use super::scenario::{Scenario, actor, lock, verify};
use crate::audit::Rule;
use crate::domain::event::{Event, SecretCreated, VersionAdded};
use crate::domain::id::{GroupId, RotationId, SecretId, VersionId};
use crate::domain::issuance::Issuance;
use crate::domain::name::{IssuerName, Reason};
use crate::domain::rotation::{AttemptFailure, IssuerClass, RotationTrigger};
use crate::domain::rotation_event::*;
use crate::domain::secret::SecretSpec;
use crate::domain::time::Timestamp;
use crate::domain::version::VersionRef::{self, Current, Previous};
use crate::domain::version::{VersionDetails, VersionOrigin};

use AttemptFailure::{Refused, Unavailable, Unknown};
use IssuerClass::{CreateDiscoverable, CreateWithToken, Opaque, SetValue};

/// A log with one secret of an issuer, and the rotation that is under way.
struct Story {
    log: Scenario,
    secret: SecretId,
    class: IssuerClass,
    rotations: u8,
}

impl Story {
    /// A secret with two versions.
    fn new(class: IssuerClass) -> Self {
        let mut log = Scenario::new();
        let secret = SecretId::from_bytes(log.draw());
        let spec = SecretSpec::ServiceCredentials { issuance: Issuance::by(IssuerName::parse("db").unwrap()) };
        let metadata = Scenario::metadata("orders");
        let created = SecretCreated { group: GroupId::DEFAULT, metadata, spec, policy: None };
        log.append(vec![(Some(secret), created.into())]);
        let mut story = Self { log, secret, class, rotations: 0 };
        story.version().version();
        story
    }

    fn on(&mut self, event: impl Into<Event>) -> &mut Self {
        let secret = self.secret;
        self.log.append(vec![(Some(secret), event.into())]);
        self
    }

    fn rotation(&self) -> RotationId {
        RotationId::from_bytes([self.rotations; 16])
    }

    fn open(&self) -> &crate::domain::rotation::Rotation {
        self.log.get(self.secret).rotation.as_deref().unwrap()
    }

    fn report_by(&self) -> Timestamp {
        self.log.after(60)
    }

    fn planned(&mut self) -> RotationPlanned {
        self.rotations += 1;
        let trigger = if self.rotations == 1 { RotationTrigger::FirstVersion } else { RotationTrigger::ByHand };
        let value = self.class.replaces_in_place().then(|| self.log.sealed());
        RotationPlanned {
            rotation: self.rotation(),
            trigger,
            issuer: IssuerName::parse("db").unwrap(),
            class: self.class,
            to: VersionId::from_bytes(self.log.draw()),
            attempts_max: 3,
            deadline: self.log.after(86_400),
            value,
        }
    }

    fn plan(&mut self) -> &mut Self {
        let planned = self.planned();
        self.on(planned)
    }

    fn attempt(&mut self) -> &mut Self {
        let (rotation, attempt) = (self.rotation(), self.open().attempts + 1);
        self.on(RotationAttempted { rotation, attempt })
    }

    fn begin(&mut self) -> &mut Self {
        let (rotation, report_by) = (self.rotation(), self.report_by());
        self.on(JobBegun { rotation, report_by })
    }

    fn fail(&mut self, failure: AttemptFailure) -> &mut Self {
        let (rotation, reason, retry_at) = (self.rotation(), Reason::of("no"), self.report_by());
        self.on(RotationAttemptFailed { rotation, failure, reason, retry_at, value: None, destroyed: None })
    }

    fn issue(&mut self) -> &mut Self {
        let sealed = self.log.sealed();
        let sealed = self.log.get(self.secret).rotation.as_ref().and_then(|open| open.value).unwrap_or(sealed);
        let rotation = self.rotation();
        self.on(CredentialIssued { rotation, outside: None, sealed, expires_at: None })
    }

    /// The commit with the version that comes of it, as one batch.
    fn commit(&mut self) -> &mut Self {
        let secret = self.log.get(self.secret).clone();
        let open = secret.rotation.as_deref().unwrap();
        let added = VersionAdded {
            version: open.to,
            number: secret.next_number(),
            origin: if self.rotations == 1 { VersionOrigin::Created } else { VersionOrigin::RotatedByHand },
            restored_from: None,
            sealed: open.credential().unwrap().sealed,
            details: VersionDetails::Plain,
            expires_at: None,
            custom_metadata: None,
        };
        let (rotation, id) = (self.rotation(), Some(self.secret));
        self.log.append(vec![(id, RotationCommitted { rotation }.into()), (id, added.into())]);
        self
    }

    fn version(&mut self) -> &mut Self {
        self.plan().attempt().issue().commit()
    }

    fn abort_planned(&mut self) -> &mut Self {
        let rotation = self.rotation();
        self.on(AbortPlanned { rotation, reason: Reason::of("no") })
    }

    fn abort(&mut self) -> &mut Self {
        let (rotation, reason) = (self.rotation(), Reason::of("no"));
        let data_keys = self.open().sealed().map(|sealed| sealed.data_key).collect();
        self.on(RotationAborted { rotation, reason, data_keys })
    }

    fn park(&mut self) -> &mut Self {
        let rotation = self.rotation();
        self.on(RotationParked { rotation, reason: Reason::of("no") })
    }

    fn resume(&mut self) -> &mut Self {
        let (rotation, deadline) = (self.rotation(), self.log.after(86_400));
        self.on(RotationResumed { rotation, deadline })
    }

    fn previous(&self) -> VersionId {
        self.log.get(self.secret).previous().unwrap().id
    }

    fn retire(&mut self) -> &mut Self {
        let version = self.previous();
        self.on(RetirementPlanned { version })
    }

    fn lock(&mut self, which: VersionRef) -> &mut Self {
        self.log.lock(self.secret, which, vec![lock("app")]);
        self
    }
}

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
        legal(class, |story| story.plan().attempt().fail(Unavailable).attempt().issue().park().resume());
        legal(class, |story| story.plan().attempt().issue().abort_planned().abort().plan().abort());
        legal(class, |story| story.plan().attempt().fail(Unknown).park().resume().attempt().issue());
    }
    for class in [CreateWithToken, Opaque] {
        legal(class, |story| story.plan().attempt().begin().issue().commit());
        legal(class, |story| story.plan().attempt().begin().fail(Refused).attempt().begin().fail(Unknown).issue());
        legal(class, |story| story.plan().attempt().begin().fail(Unknown).park().resume().attempt().begin());
        legal(class, |story| {
            story.plan().attempt().begin().issue().abort_planned().begin().fail(Unknown).begin().abort()
        });
    }
    legal(CreateWithToken, |story| story.plan().attempt().begin().abort_planned().issue().begin().abort());
    legal(Opaque, |story| story.plan().attempt().begin().abort());
}

#[test]
fn a_step_that_cannot_be_taken_from_where_a_rotation_stands() {
    const RULE: Rule = Rule::RotationOutOfTurn;
    for class in CLASSES {
        check(RULE, class, |story| story.plan().plan());
        check(RULE, class, |story| story.plan().issue());
        check(RULE, class, |story| story.plan().attempt().attempt().attempt().attempt());
        check(RULE, class, |story| story.plan().attempt().issue().issue());
        check(RULE, class, |story| story.plan().attempt().issue().attempt());
        check(RULE, class, |story| story.plan().resume());
        check(RULE, class, |story| story.plan().park().park());
        check(RULE, class, |story| story.plan().park().attempt());
        check(RULE, class, |story| story.plan().abort_planned());
        check(RULE, class, |story| story.plan().attempt().issue().abort());
    }
    // What may have been made is retired before a rotation is over.
    for class in [SetValue, CreateWithToken, CreateDiscoverable] {
        check(RULE, class, |story| story.plan().attempt().abort());
    }
    for class in [CreateWithToken, Opaque] {
        check(RULE, class, |story| story.plan().begin());
        check(RULE, class, |story| story.plan().attempt().begin().begin());
        // Its job is at work, and its report is not late.
        check(RULE, class, |story| story.plan().attempt().begin().attempt());
        check(RULE, class, |story| story.plan().attempt().begin().issue().begin());
        check(RULE, class, |story| story.plan().attempt().begin().issue().abort_planned().begin().issue());
        check(RULE, class, |story| story.plan().attempt().begin().issue().abort_planned().begin().abort_planned());
    }
    check(RULE, CreateWithToken, |story| story.plan().attempt().begin().abort());
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
            story.retire().on(CredentialRetired { version });
            story.on(end(version, at))
        });
        legal(CreateWithToken, |story| {
            let (version, at) = (story.previous(), story.report_by());
            story.retire().on(end(version, at))
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
        story.on(VersionAcknowledged { version, consumer: consumer.clone() });
        story.on(VersionAcknowledged { version, consumer })
    });
}
