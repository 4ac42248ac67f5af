//! Owns issuers that are set up when they are asked, and again until that works: what one of them needs may come later, and
//! must not hold up the others meanwhile.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use latchkeep::{IssueOrder, Issued, Issuer, IssuerClass, IssuerError, Job, LogId, OutsideId, RotationId, SecretBytes};

/// Sets an issuer up, or says why that is not possible now.
type Make = Box<dyn Fn() -> Result<Arc<dyn Issuer>, String> + Send + Sync>;

/// An issuer, once it is set up.
pub(super) struct Later {
    class: IssuerClass,
    make: Make,
    made: Mutex<Option<Arc<dyn Issuer>>>,
}

impl Later {
    pub(super) fn new(
        class: IssuerClass,
        make: impl Fn() -> Result<Arc<dyn Issuer>, String> + Send + Sync + 'static,
    ) -> Self {
        Self { class, make: Box::new(make), made: Mutex::new(None) }
    }

    /// Sets the issuer up, if it is not yet.
    pub(super) fn made(&self) -> Result<Arc<dyn Issuer>, IssuerError> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(made) = &*made {
            return Ok(Arc::clone(made));
        }
        let new = (self.make)().map_err(|what| IssuerError::unavailable(&what))?;
        Ok(Arc::clone(made.insert(new)))
    }
}

#[deny(clippy::missing_trait_methods, reason = "a default stands for no issuer within; each call is for that one")]
impl Issuer for Later {
    fn class(&self) -> IssuerClass {
        self.class
    }

    fn pick(&self, order: &IssueOrder<'_>) -> Result<SecretBytes, IssuerError> {
        self.made()?.pick(order)
    }

    fn take(&self, order: &IssueOrder<'_>, brought: &SecretBytes) -> Result<SecretBytes, IssuerError> {
        self.made()?.take(order, brought)
    }

    fn adopt(&self, order: &IssueOrder<'_>, outside: &OutsideId, brought: &SecretBytes) -> Result<Issued, IssuerError> {
        self.made()?.adopt(order, outside, brought)
    }

    fn create(&self, order: &IssueOrder<'_>, value: Option<&SecretBytes>) -> Result<Issued, IssuerError> {
        self.made()?.create(order, value)
    }

    fn find(&self, order: &IssueOrder<'_>) -> Result<Vec<OutsideId>, IssuerError> {
        self.made()?.find(order)
    }

    fn verify(&self, order: &IssueOrder<'_>, credential: &SecretBytes) -> Result<(), IssuerError> {
        self.made()?.verify(order, credential)
    }

    fn retire(&self, order: &IssueOrder<'_>, outside: Option<&OutsideId>) -> Result<(), IssuerError> {
        self.made()?.retire(order, outside)
    }

    fn job_limit(&self) -> Option<Duration> {
        // Asked before each call, and to be the same each time: no kind that is set up later leaves its work to jobs.
        None
    }

    fn begin(&self, order: &IssueOrder<'_>, job: &Job<'_>) -> Result<(), IssuerError> {
        self.made()?.begin(order, job)
    }

    fn list(&self, store: LogId) -> Result<Vec<(RotationId, OutsideId)>, IssuerError> {
        self.made()?.list(store)
    }
}
