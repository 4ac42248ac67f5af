//! Owns an issuer with an outside system in memory and a script of faults: what exists, what logs in, what no rotation
//! knows.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use parking_lot::{Condvar, Mutex, MutexGuard};

use crate::domain::id::{LogId, RotationId, SecretId};
use crate::domain::name::OutsideId;
use crate::domain::rotation::IssuerClass;
use crate::issuer::credential::{self, Field};
use crate::issuer::issuer::{IssueOrder, Issuer};
use crate::issuer::outcome::{Issued, IssuerError};
use crate::seal::secret_bytes::SecretBytes;

/// A method of an issuer. Picking a value makes no call outside and has no faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum ModelMethod {
    /// [`Issuer::create`].
    Create,
    /// [`Issuer::find`].
    Find,
    /// [`Issuer::verify`].
    Verify,
    /// [`Issuer::retire`].
    Retire,
    /// [`Issuer::list`].
    List,
}

/// A fault of one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ModelFault {
    /// The outside system refuses; nothing is done.
    Refuse,
    /// Nothing is done, and the caller learns that.
    BeUnavailable,
    /// It is done, and the caller gets an unknown result.
    LoseReply,
    /// Nothing is done until [`ModelIssuer::release`]; then it is done, however long ago the caller left the call.
    HangBeforeEffect,
    /// It is done, but there is no answer until [`ModelIssuer::release`].
    HangAfterEffect,
    /// The caller's process dies before anything is done: [`ModelIssuer::on_crash`] is called.
    CrashBeforeEffect,
    /// It is done, and the caller's process dies before it learns that: [`ModelIssuer::on_crash`] is called.
    CrashAfterEffect,
}

/// A call that the outside system saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ModelCall {
    /// The method.
    pub method: ModelMethod,
    /// The rotation; a list has none.
    pub rotation: Option<RotationId>,
    /// The fault of the call.
    pub fault: Option<ModelFault>,
}

/// An issuer of any class with an outside system in memory, and a script of faults.
///
/// It is for tests of hosts. It is deterministic: credentials are counted, not drawn. Many threads may call it. Like a
/// real one, its outside system outlives a crash of the caller: keep the `Arc` and open the store again. Parameters
/// with a field `refuse` are refused.
///
/// ```
/// use latchkeep::issuer_kit::{ModelFault, ModelIssuer, ModelMethod, Trial};
/// use latchkeep::{Issuer, IssuerClass, LogId, SecretName};
///
/// let model = ModelIssuer::new(IssuerClass::CreateDiscoverable).fault(ModelMethod::Create, 0, ModelFault::LoseReply);
/// let trial = Trial::new(LogId::from_bytes([7; 16]), SecretName::parse("billing-db")?);
/// assert!(model.create(&trial.order(1), None).is_err());
/// assert_eq!(model.orphans(&[]).len(), 1, "it was made, and nobody heard of it");
/// assert_eq!(model.find(&trial.order(1)).map(|found| found.len()).ok(), Some(1));
/// # Ok::<(), latchkeep::Invalid>(())
/// ```
pub struct ModelIssuer {
    class: IssuerClass,
    crash: Option<Arc<dyn Fn() + Send + Sync>>,
    outside: Mutex<Outside>,
    released: Condvar,
}

/// The outside system.
#[derive(Default)]
struct Outside {
    /// The value of each account (class `SetValue`).
    accounts: BTreeMap<SecretId, SecretBytes>,
    /// Credentials that were made and not retired (the other classes).
    living: BTreeMap<OutsideId, Living>,
    /// The answer for each token (class `CreateWithToken`).
    answered: BTreeMap<RotationId, (OutsideId, SecretBytes)>,
    made: u64,
    picked: u64,
    script: BTreeMap<(ModelMethod, u64), ModelFault>,
    counts: BTreeMap<ModelMethod, u64>,
    calls: Vec<ModelCall>,
    is_away: bool,
    releases: u64,
}

struct Living {
    store: LogId,
    rotation: RotationId,
    credential: SecretBytes,
}

impl ModelIssuer {
    /// Makes an issuer of a class, with an empty outside system.
    #[must_use]
    pub fn new(class: IssuerClass) -> Self {
        Self { class, crash: None, outside: Mutex::default(), released: Condvar::new() }
    }

    /// Plans a fault for the call of a method with this number, counted from 0.
    #[must_use]
    pub fn fault(self, method: ModelMethod, number: u64, fault: ModelFault) -> Self {
        self.outside.lock().script.insert((method, number), fault);
        self
    }

    /// Sets what a crash does, for example end the process. If it returns, the call answers with an unknown result.
    #[must_use]
    pub fn on_crash(mut self, crash: impl Fn() + Send + Sync + 'static) -> Self {
        self.crash = Some(Arc::new(crash));
        self
    }

    /// Adds a fault to the script during a run: for the call after `later` more of the method.
    pub fn fault_soon(&self, method: ModelMethod, later: u64, fault: ModelFault) {
        let mut outside = self.outside.lock();
        let number = outside.counts.get(&method).copied().unwrap_or(0).saturating_add(later);
        outside.script.insert((method, number), fault);
    }

    /// Lets all calls that hang continue.
    pub fn release(&self) {
        let mut outside = self.outside.lock();
        outside.releases = outside.releases.wrapping_add(1);
        self.released.notify_all();
    }

    /// Makes the outside system unavailable (`true`), or available again; meanwhile all calls are unavailable.
    pub fn set_away(&self, is_away: bool) {
        self.outside.lock().is_away = is_away;
    }

    /// Returns whether a credential logs in now.
    #[must_use]
    pub fn logs_in(&self, credential: &SecretBytes) -> bool {
        self.outside.lock().logs_in(credential)
    }

    /// Returns the names of everything in the outside system; an account of class `SetValue` has none.
    #[must_use]
    pub fn existing(&self) -> Vec<OutsideId> {
        self.outside.lock().living.keys().cloned().collect()
    }

    /// Returns the names in the outside system that are not among the known ones.
    #[must_use]
    pub fn orphans(&self, known: &[OutsideId]) -> Vec<OutsideId> {
        self.existing().into_iter().filter(|outside| !known.contains(outside)).collect()
    }

    /// Returns every call that the outside system saw, in order.
    #[must_use]
    pub fn calls(&self) -> Vec<ModelCall> {
        self.outside.lock().calls.clone()
    }

    /// Makes a call, with its fault in the script.
    fn call<T>(
        &self,
        method: ModelMethod,
        rotation: Option<RotationId>,
        effect: impl FnOnce(&mut Outside) -> Result<T, IssuerError>,
    ) -> Result<T, IssuerError> {
        let mut outside = self.outside.lock();
        let fault = outside.begin(method, rotation);
        if outside.is_away {
            return Err(IssuerError::unavailable("the model's outside system is away"));
        }
        match fault {
            None => effect(&mut outside),
            Some(ModelFault::Refuse) => Err(IssuerError::refused("the script of the model says no")),
            Some(ModelFault::BeUnavailable) => Err(IssuerError::unavailable("the script of the model says not now")),
            Some(ModelFault::LoseReply) => {
                let _lost = effect(&mut outside);
                Err(IssuerError::unknown("the script of the model lost the reply"))
            }
            Some(ModelFault::HangBeforeEffect) => {
                self.hang(&mut outside);
                effect(&mut outside)
            }
            Some(ModelFault::HangAfterEffect) => {
                let answer = effect(&mut outside);
                self.hang(&mut outside);
                answer
            }
            Some(ModelFault::CrashBeforeEffect) => Err(self.die(outside)),
            Some(ModelFault::CrashAfterEffect) => {
                let _lost = effect(&mut outside);
                Err(self.die(outside))
            }
        }
    }

    fn hang(&self, outside: &mut MutexGuard<'_, Outside>) {
        let seen = outside.releases;
        while outside.releases == seen {
            self.released.wait(outside);
        }
    }

    fn die(&self, outside: MutexGuard<'_, Outside>) -> IssuerError {
        drop(outside);
        if let Some(crash) = &self.crash {
            crash();
        }
        IssuerError::unknown("the script of the model let the caller die")
    }
}

impl Outside {
    /// Counts a call, and returns its fault.
    fn begin(&mut self, method: ModelMethod, rotation: Option<RotationId>) -> Option<ModelFault> {
        let count = self.counts.entry(method).or_default();
        let fault = self.script.remove(&(method, *count));
        *count = count.saturating_add(1);
        self.calls.push(ModelCall { method, rotation, fault });
        fault
    }

    fn logs_in(&self, credential: &SecretBytes) -> bool {
        let living = self.living.values().map(|living| &living.credential);
        living.chain(self.accounts.values()).any(|value| value.equals_in_constant_time(credential))
    }

    fn set(&mut self, order: &IssueOrder<'_>, value: Option<&SecretBytes>) -> Result<Issued, IssuerError> {
        let value = value.ok_or_else(|| IssuerError::refused("there is no value to set"))?;
        self.accounts.insert(order.secret, copied(value));
        Ok(Issued::new(copied(value)))
    }

    fn make(&mut self, order: &IssueOrder<'_>, class: IssuerClass) -> Result<Issued, IssuerError> {
        if let Some((outside, credential)) = self.answered.get(&order.rotation) {
            return Ok(Issued::new(copied(credential)).known_as(outside.clone()));
        }
        self.made = self.made.saturating_add(1);
        let outside = OutsideId::parse(&format!("model-{}", self.made))
            .map_err(|_| IssuerError::refused("the model has no name for it"))?;
        let credential = numbered("made", self.made)?;
        if class == IssuerClass::CreateWithToken {
            self.answered.insert(order.rotation, (outside.clone(), copied(&credential)));
        }
        let issued = Issued::new(copied(&credential)).known_as(outside.clone());
        self.living.insert(outside, Living { store: order.store, rotation: order.rotation, credential });
        Ok(issued)
    }

    fn listed(&self, store: LogId) -> impl Iterator<Item = (RotationId, OutsideId)> {
        let own = self.living.iter().filter(move |(_, living)| living.store == store);
        own.map(|(outside, living)| (living.rotation, outside.clone()))
    }
}

fn copied(value: &SecretBytes) -> SecretBytes {
    SecretBytes::copy_from(value.expose())
}

fn numbered(how: &str, number: u64) -> Result<SecretBytes, IssuerError> {
    let password = format!("model-password-{how}-{number}");
    let fields = [("username", Field::Text("model")), ("password", Field::Text(&password))];
    credential::write(&fields).ok_or_else(|| IssuerError::refused("the model made no text"))
}

impl Issuer for ModelIssuer {
    fn class(&self) -> IssuerClass {
        self.class
    }

    fn pick(&self, order: &IssueOrder<'_>) -> Result<SecretBytes, IssuerError> {
        allowed(order)?;
        let mut outside = self.outside.lock();
        outside.picked = outside.picked.saturating_add(1);
        numbered("picked", outside.picked)
    }

    fn create(&self, order: &IssueOrder<'_>, value: Option<&SecretBytes>) -> Result<Issued, IssuerError> {
        self.call(ModelMethod::Create, Some(order.rotation), |outside| {
            allowed(order)?;
            match self.class {
                IssuerClass::SetValue => outside.set(order, value),
                class => outside.make(order, class),
            }
        })
    }

    fn find(&self, order: &IssueOrder<'_>) -> Result<Vec<OutsideId>, IssuerError> {
        self.call(ModelMethod::Find, Some(order.rotation), |outside| {
            let own = outside.listed(order.store).filter(|(rotation, _)| *rotation == order.rotation);
            Ok(own.map(|(_, outside)| outside).collect())
        })
    }

    fn verify(&self, order: &IssueOrder<'_>, credential: &SecretBytes) -> Result<(), IssuerError> {
        self.call(ModelMethod::Verify, Some(order.rotation), |outside| {
            outside
                .logs_in(credential)
                .then_some(())
                .ok_or_else(|| IssuerError::refused("the model lets nobody in with it"))
        })
    }

    fn retire(&self, order: &IssueOrder<'_>, named: Option<&OutsideId>) -> Result<(), IssuerError> {
        self.call(ModelMethod::Retire, Some(order.rotation), |outside| {
            match named {
                Some(named) => drop(outside.living.remove(named)),
                None => outside.living.retain(|_, living| living.rotation != order.rotation),
            }
            Ok(())
        })
    }

    fn list(&self, store: LogId) -> Result<Vec<(RotationId, OutsideId)>, IssuerError> {
        self.call(ModelMethod::List, None, |outside| Ok(outside.listed(store).collect()))
    }
}

fn allowed(order: &IssueOrder<'_>) -> Result<(), IssuerError> {
    match order.parameters {
        Some(parameters) if parameters.as_str().contains("\"refuse\":") => {
            Err(IssuerError::refused("the parameters ask the model to refuse"))
        }
        _ => Ok(()),
    }
}

impl fmt::Debug for ModelIssuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ModelIssuer").field("class", &self.class).finish_non_exhaustive()
    }
}
