//! The log of one secret whose versions an issuer makes, told step by step.

use super::scenario::{Scenario, lock};
use crate::domain::event::{Event, SecretCreated, VersionAdded, VersionDataDestroyed};
use crate::domain::id::{GroupId, RotationId, SecretId, VersionId};
use crate::domain::issuance::Issuance;
use crate::domain::name::{IssuerName, Reason};
use crate::domain::rotation::{AttemptFailure, IssuerClass, RotationTrigger};
use crate::domain::rotation_event::*;
use crate::domain::secret::SecretSpec;
use crate::domain::time::Timestamp;
use crate::domain::version::VersionRef;
use crate::domain::version::{DestroyCause, VersionDetails, VersionOrigin};

/// A log with one secret of an issuer, and the rotation that is under way.
pub(super) struct Story {
    pub(super) log: Scenario,
    pub(super) secret: SecretId,
    pub(super) class: IssuerClass,
    pub(super) rotations: u8,
}

impl Story {
    /// A secret with two versions.
    pub(super) fn new(class: IssuerClass) -> Self {
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

    pub(super) fn on(&mut self, event: impl Into<Event>) -> &mut Self {
        let secret = self.secret;
        self.log.append(vec![(Some(secret), event.into())]);
        self
    }

    pub(super) fn rotation(&self) -> RotationId {
        RotationId::from_bytes([self.rotations; 16])
    }

    pub(super) fn open(&self) -> &crate::domain::rotation::Rotation {
        self.log.get(self.secret).rotation.as_deref().unwrap()
    }

    pub(super) fn report_by(&self) -> Timestamp {
        self.log.after(60)
    }

    pub(super) fn planned(&mut self) -> RotationPlanned {
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

    pub(super) fn plan(&mut self) -> &mut Self {
        let planned = self.planned();
        self.on(planned)
    }

    pub(super) fn attempt(&mut self) -> &mut Self {
        let (rotation, attempt) = (self.rotation(), self.open().attempts + 1);
        self.on(RotationAttempted { rotation, attempt })
    }

    pub(super) fn begin(&mut self) -> &mut Self {
        let (rotation, report_by) = (self.rotation(), self.report_by());
        self.on(JobBegun { rotation, report_by })
    }

    pub(super) fn fail(&mut self, failure: AttemptFailure) -> &mut Self {
        let (rotation, reason, retry_at) = (self.rotation(), Reason::of("no"), self.report_by());
        self.on(RotationAttemptFailed { rotation, failure, reason, retry_at, value: None, destroyed: None })
    }

    /// A failure that parks the rotation, in one batch.
    pub(super) fn fail_for_good(&mut self, failure: AttemptFailure) -> &mut Self {
        let (rotation, reason, retry_at, id) = (self.rotation(), Reason::of("no"), self.report_by(), Some(self.secret));
        let failed =
            RotationAttemptFailed { rotation, failure, reason: reason.clone(), retry_at, value: None, destroyed: None };
        self.log.append(vec![(id, failed.into()), (id, RotationParked { rotation, reason }.into())]);
        self
    }

    /// An attempt by a job, in one batch.
    pub(super) fn job(&mut self) -> &mut Self {
        let (rotation, attempt, id) = (self.rotation(), self.open().attempts + 1, Some(self.secret));
        let begun = JobBegun { rotation, report_by: self.report_by() };
        self.log.append(vec![(id, RotationAttempted { rotation, attempt }.into()), (id, begun.into())]);
        self
    }

    /// The end of the credential of a version, with its data.
    pub(super) fn retired(&mut self, version: VersionId) -> &mut Self {
        let sealed = self.log.get(self.secret).version_by_id(version).unwrap().data.sealed().copied();
        let destroyed = sealed.map(|sealed| {
            VersionDataDestroyed { version, data_key: sealed.data_key, cause: DestroyCause::Retired }.into()
        });
        let id = Some(self.secret);
        let events = std::iter::once(CredentialRetired { version }.into()).chain(destroyed);
        self.log.append(events.map(|event| (id, event)).collect());
        self
    }

    pub(super) fn issue(&mut self) -> &mut Self {
        let sealed = self.log.sealed();
        let sealed = self.log.get(self.secret).rotation.as_ref().and_then(|open| open.value).unwrap_or(sealed);
        let rotation = self.rotation();
        self.on(CredentialIssued { rotation, outside: None, sealed, expires_at: None })
    }

    /// The commit with the version that comes of it, as one batch.
    pub(super) fn commit(&mut self) -> &mut Self {
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

    pub(super) fn version(&mut self) -> &mut Self {
        self.plan().attempt().issue().commit()
    }

    pub(super) fn abort_planned(&mut self) -> &mut Self {
        let rotation = self.rotation();
        self.on(AbortPlanned { rotation, reason: Reason::of("no") })
    }

    pub(super) fn abort(&mut self) -> &mut Self {
        let (rotation, reason) = (self.rotation(), Reason::of("no"));
        let data_keys = self.open().sealed().map(|sealed| sealed.data_key).collect();
        self.on(RotationAborted { rotation, reason, data_keys })
    }

    pub(super) fn park(&mut self) -> &mut Self {
        let rotation = self.rotation();
        self.on(RotationParked { rotation, reason: Reason::of("no") })
    }

    pub(super) fn resume(&mut self) -> &mut Self {
        let (rotation, deadline) = (self.rotation(), self.log.after(86_400));
        self.on(RotationResumed { rotation, deadline })
    }

    pub(super) fn previous(&self) -> VersionId {
        self.log.get(self.secret).previous().unwrap().id
    }

    pub(super) fn retire(&mut self) -> &mut Self {
        let version = self.previous();
        self.on(RetirementPlanned { version })
    }

    pub(super) fn lock(&mut self, which: VersionRef) -> &mut Self {
        self.log.lock(self.secret, which, vec![lock("app")]);
        self
    }
}
