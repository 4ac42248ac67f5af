//! Rotations by issuers that cannot have happened, with right hashes: a case for each rule, for calls and for jobs.

use super::illegal::check_log;
use super::scenario::{Scenario, actor, lock, verify};
use crate::audit::Rule;
use crate::domain::event::{Event, SecretCreated, VersionAdded, VersionDataDestroyed};
use crate::domain::id::{GroupId, RotationId, SecretId, VersionId};
use crate::domain::issuance::Issuance;
use crate::domain::name::{IssuerName, Reason};
use crate::domain::rotation::{AttemptFailure, IssuerClass, RotationTrigger};
use crate::domain::rotation_event::*;
use crate::domain::secret::SecretSpec;
use crate::domain::time::Timestamp;
use crate::domain::version::VersionRef::{self, Current, Previous};
use crate::domain::version::{DestroyCause, VersionDetails, VersionOrigin};

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

    /// A failure that parks the rotation, in one batch.
    fn fail_for_good(&mut self, failure: AttemptFailure) -> &mut Self {
        let (rotation, reason, retry_at, id) = (self.rotation(), Reason::of("no"), self.report_by(), Some(self.secret));
        let failed =
            RotationAttemptFailed { rotation, failure, reason: reason.clone(), retry_at, value: None, destroyed: None };
        self.log.append(vec![(id, failed.into()), (id, RotationParked { rotation, reason }.into())]);
        self
    }

    /// An attempt by a job, in one batch.
    fn job(&mut self) -> &mut Self {
        let (rotation, attempt, id) = (self.rotation(), self.open().attempts + 1, Some(self.secret));
        let begun = JobBegun { rotation, report_by: self.report_by() };
        self.log.append(vec![(id, RotationAttempted { rotation, attempt }.into()), (id, begun.into())]);
        self
    }

    /// The end of the credential of a version, with its data.
    fn retired(&mut self, version: VersionId) -> &mut Self {
        let sealed = self.log.get(self.secret).version_by_id(version).unwrap().data.sealed().copied();
        let destroyed = sealed.map(|sealed| {
            VersionDataDestroyed { version, data_key: sealed.data_key, cause: DestroyCause::Retired }.into()
        });
        let id = Some(self.secret);
        let events = std::iter::once(CredentialRetired { version }.into()).chain(destroyed);
        self.log.append(events.map(|event| (id, event)).collect());
        self
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
        let mut events: Vec<Event> = vec![RotationCommitted { rotation }.into(), added.into()];
        // What falls out of the window is let go with it.
        events.extend(secret.previous().map(|version| RetirementPlanned { version: version.id }.into()));
        self.log.append(events.into_iter().map(|event| (id, event)).collect());
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
