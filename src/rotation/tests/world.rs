//! Owns a store with one secret of an issuer, the outside world, and what must hold of both.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::job_runner::Jobs;
use crate::RotationWorker;
use crate::domain::id::SecretId;
use crate::domain::issuance::Issuance;
use crate::domain::name::{Actor, IssuerName, OutsideId, Reason, SecretName};
use crate::domain::policy::RotationPolicy;
use crate::domain::rotation::IssuerClass;
use crate::domain::secret::{Lifecycle, Secret};
use crate::domain::time::Timestamp;
use crate::domain::version::VersionRef;
use crate::engine::clock::ManualClock;
use crate::issuer::issuer::Issuer;
use crate::issuer::kit::ModelIssuer;
use crate::rotation::options::WorkerOptions;
use crate::seal::secret_bytes::SecretBytes;
use crate::seal::unlock::Unlock;
use crate::store::Store;
use crate::store::new_secret::NewSecret;
use crate::store::options::StoreOptions;
use crate::store::session::Session;

pub(super) const HOUR: Duration = Duration::from_secs(60 * 60);
pub(super) const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A store with one secret of an issuer, and the outside world.
pub(super) struct World {
    pub(super) clock: ManualClock,
    pub(super) store: Store,
    pub(super) model: Arc<ModelIssuer>,
    /// Where jobs run, if the issuer leaves its work to them.
    pub(super) jobs: Option<Arc<Jobs>>,
    pub(super) secret: SecretId,
}

pub(super) fn issuer() -> IssuerName {
    IssuerName::parse("orders-db").unwrap()
}

impl World {
    pub(super) fn new(model: ModelIssuer) -> Self {
        Self::with(model, Issuance::by(issuer()), None)
    }

    pub(super) fn with(model: ModelIssuer, issuance: Issuance, policy: Option<RotationPolicy>) -> Self {
        let clock = ManualClock::at(Timestamp::parse("2026-11-23T12:00:00Z").unwrap()).moving(Duration::from_nanos(1));
        let unlock = Unlock::bytes(SecretBytes::copy_from(&[7; 32]));
        let store = StoreOptions::in_memory(unlock).clock(clock.clone()).create().unwrap();
        let new = NewSecret::service_credentials(SecretName::parse("orders").unwrap(), issuance);
        let new = policy.into_iter().fold(new, NewSecret::rotating);
        let secret = store.acting_as(Actor::parse("ops").unwrap()).create(new).unwrap().secret.unwrap();
        Self { clock, store, model: Arc::new(model), jobs: None, secret }
    }

    /// The same with an issuer that leaves its work to jobs.
    pub(super) fn by_jobs(mut self) -> Self {
        self.jobs = Some(Arc::new(Jobs::of(Arc::clone(&self.model))));
        self
    }

    /// Lets the jobs that are at work come to their end, and report.
    pub(super) fn end_jobs(&self) {
        if let Some(jobs) = &self.jobs {
            jobs.run(self);
        }
    }

    pub(super) fn ops(&self) -> Session {
        self.store.acting_as(Actor::parse("ops").unwrap())
    }

    pub(super) fn options(&self) -> WorkerOptions {
        let issuer_now: Arc<dyn Issuer> = match &self.jobs {
            Some(jobs) => Arc::clone(jobs) as Arc<_>,
            None => Arc::clone(&self.model) as Arc<_>,
        };
        WorkerOptions::new().shared_issuer(issuer(), issuer_now)
    }

    pub(super) fn worker(&self) -> RotationWorker {
        RotationWorker::new(&self.store, self.options())
    }

    pub(super) fn get(&self) -> Arc<Secret> {
        self.store.secret(self.secret).unwrap()
    }

    /// Begins a rotation by hand, unless one is under way.
    pub(super) fn begin(&self, worker: &RotationWorker) {
        let secret = self.get();
        if secret.rotation.is_none() && !secret.versions.is_empty() {
            drop(worker.rotate(&self.ops(), self.secret));
        }
    }

    /// Lets a fresh worker go on for days, and a person look after what is parked.
    pub(super) fn recover(&self) {
        let worker = self.worker();
        for _ in 0..60 {
            worker.run_due().unwrap();
            self.end_jobs();
            worker.run_due().unwrap();
            let rotation = self.get().rotation.clone();
            if rotation.is_some_and(|rotation| rotation.parked.is_some()) {
                self.ops().abort_rotation(self.secret, Reason::of("looked after")).unwrap();
            }
            self.clock.advance(HOUR);
        }
        worker.run_due().unwrap();
        // A list that fails is asked for again at the next sweep.
        let is_clean = (0..5).any(|_| worker.sweep().unwrap().problems.is_empty());
        assert!(is_clean);
        assert_eq!(self.get().rotation, None, "the slot is open again");
    }

    pub(super) fn outside(&self) -> Vec<OutsideId> {
        let secret = self.get();
        let credentials = secret.versions.iter().filter_map(|version| version.credential.as_deref());
        credentials.filter(|credential| credential.is_in_use()).filter_map(|it| it.outside.clone()).collect()
    }

    /// Holds the world to the promises: the current version logs in, nothing outside is unknown, the log tells a legal story,
    /// and nothing is stored that should be gone.
    #[track_caller]
    pub(super) fn check(&self, what: &str) {
        let secret = self.get();
        assert_eq!(secret.lifecycle, Lifecycle::Active, "{what}");
        let current = secret.current().unwrap();
        assert!(self.model.logs_in(&self.credential(current.id.into_ref())), "{what}: current does not log in");
        let is_opaque = current.credential.as_ref().unwrap().class == IssuerClass::Opaque;
        if !is_opaque {
            assert_eq!(self.model.orphans(&self.outside()), [], "{what}");
        }
        for version in secret.versions.iter().rev().skip(1).filter(|version| version.is_available()) {
            let is_good = version.credential.as_ref().is_some_and(|credential| credential.is_in_use());
            let logs_in = self.model.logs_in(&self.credential(version.id.into_ref()));
            assert_eq!(logs_in, is_good, "{what}: version {}", version.number);
        }
        assert_eq!(self.store.scrub(|_| {}).unwrap().findings, Vec::<String>::new(), "{what}");
        self.audit(what);
    }

    pub(super) fn credential(&self, version: VersionRef) -> SecretBytes {
        let read = self.ops().read(self.secret, version).unwrap();
        SecretBytes::copy_from(read.data.primary().expose())
    }

    /// Exports the log and has it verified, semantic replay and all.
    #[track_caller]
    pub(super) fn audit(&self, what: &str) {
        let mut export = Vec::new();
        self.store.export(&mut export, crate::ExportOptions::default(), |_| {}).unwrap();
        let report = crate::audit::verify_export(export.as_slice(), &crate::audit::VerifyOptions::default(), |_| {});
        assert!(report.first_fault().is_none(), "{what}: {report}");
    }
}

trait IntoRef {
    fn into_ref(self) -> VersionRef;
}

impl IntoRef for crate::domain::id::VersionId {
    fn into_ref(self) -> VersionRef {
        VersionRef::Id(self)
    }
}

/// Three versions one after another, the first falling out; until the worker is interrupted, if it is.
pub(super) fn story(world: &World, worker: &RotationWorker) -> bool {
    for _ in 0..3 {
        world.begin(worker);
        if worker.run_due().is_err() {
            return false;
        }
    }
    true
}

/// Lets a worker die at each point of a story in turn, each time in a world of its own; the next one goes on, and the
/// promises hold. Gives how many points there were.
pub(super) fn die_everywhere(
    what: &str,
    new: impl Fn() -> World,
    story: impl Fn(&World, &RotationWorker) -> bool,
) -> u64 {
    for at in 0.. {
        let world = new();
        let met = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&met);
        let mut options = world.options();
        options.interrupt = Some(Arc::new(move |_| counted.fetch_add(1, Ordering::Relaxed) == at));
        let through = story(&world, &RotationWorker::new(&world.store, options));
        world.recover();
        world.begin(&world.worker());
        world.recover();
        world.check(&format!("{what}, point {at}"));
        if through && met.load(Ordering::Relaxed) <= at {
            return at;
        }
    }
    unreachable!("a story ends")
}
