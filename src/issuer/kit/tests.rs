//! The kit on the model: clean where the model keeps its promises, and a line for each promise that is broken.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::*;
use crate::domain::id::{LogId, RotationId, TaskId};
use crate::domain::json::JsonObject;
use crate::domain::name::{OutsideId, SecretName};
use crate::domain::rotation::IssuerClass;
use crate::issuer::issuer::{IssueOrder, Issuer};
use crate::issuer::job::{Job, JobWork, TaskReport};
use crate::issuer::outcome::{Issued, IssuerError, IssuerErrorKind};
use crate::seal::secret_bytes::SecretBytes;

const CLASSES: [IssuerClass; 4] =
    [IssuerClass::SetValue, IssuerClass::CreateWithToken, IssuerClass::CreateDiscoverable, IssuerClass::Opaque];

fn trial() -> Trial {
    let trial = Trial::new(LogId::from_bytes([7; 16]), SecretName::parse("billing-db").unwrap());
    trial.refusing(JsonObject::parse(r#"{"refuse":true}"#).unwrap()).giving_up_after(Duration::from_secs(2))
}

#[test]
fn the_model_keeps_the_promises_of_every_class_also_when_it_was_away() {
    for class in CLASSES {
        let model = Arc::new(ModelIssuer::new(class));
        let [begin, end] = [true, false].map(|away| {
            let model = Arc::clone(&model);
            move || model.set_away(away)
        });
        let report = check(Arc::clone(&model) as Arc<dyn Issuer>, &trial().with_outage(begin, end));
        assert!(report.is_clean(), "{class:?}\n{report}");
        assert_eq!(model.existing(), [], "{class:?}");
        let asked = report.lines().iter().filter(|(_, finding)| *finding == Finding::Held).count();
        assert!(asked >= 7, "{class:?}\n{report}");
    }
}

/// A promise that is broken.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Breach {
    LetsEverybodyIn,
    NeverRetires,
    RetiresOnlyOnce,
    FindsNothing,
    ForgetsTokens,
    ListsEverything,
    TakesAnyParameters,
    ClaimsWhileAway,
    TellsSecrets,
    Hangs,
    Panics,
    GivesNoObject,
}

struct Breaching {
    model: Arc<ModelIssuer>,
    breach: Breach,
}

impl Breaching {
    fn is(&self, breach: Breach) -> bool {
        self.breach == breach
    }
}

impl Issuer for Breaching {
    fn class(&self) -> IssuerClass {
        self.model.class()
    }

    fn pick(&self, order: &IssueOrder<'_>) -> Result<SecretBytes, IssuerError> {
        self.model.pick(order)
    }

    fn create(&self, order: &IssueOrder<'_>, value: Option<&SecretBytes>) -> Result<Issued, IssuerError> {
        let parameters = order.parameters.filter(|_| !self.is(Breach::TakesAnyParameters));
        let rotation = if self.is(Breach::ForgetsTokens) {
            RotationId::from_bytes(u128::try_from(self.model.calls().len()).unwrap().to_be_bytes())
        } else {
            order.rotation
        };
        let made = self.model.create(&IssueOrder { parameters, rotation, ..*order }, value)?;
        Ok(if self.is(Breach::GivesNoObject) {
            Issued { credential: SecretBytes::copy_from(b"x"), ..made }
        } else {
            made
        })
    }

    fn find(&self, order: &IssueOrder<'_>) -> Result<Vec<OutsideId>, IssuerError> {
        let found = self.model.find(order);
        if self.is(Breach::ClaimsWhileAway) {
            return Ok(found.unwrap_or_default());
        }
        found.map(|found| if self.is(Breach::FindsNothing) { Vec::new() } else { found })
    }

    fn verify(&self, order: &IssueOrder<'_>, credential: &SecretBytes) -> Result<(), IssuerError> {
        match self.model.verify(order, credential) {
            Err(error) if error.kind() == IssuerErrorKind::Refused && self.is(Breach::LetsEverybodyIn) => Ok(()),
            Err(error) if self.is(Breach::TellsSecrets) => {
                let text = credential.expose_text().unwrap();
                Err(IssuerError::refused(&format!("{}: {text}", error.reason())))
            }
            answer => answer,
        }
    }

    fn retire(&self, order: &IssueOrder<'_>, outside: Option<&OutsideId>) -> Result<(), IssuerError> {
        let is_there = outside.is_some_and(|outside| self.model.existing().contains(outside));
        match self.breach {
            Breach::NeverRetires => Ok(()),
            Breach::RetiresOnlyOnce if !is_there => Err(IssuerError::refused("it is not there")),
            Breach::Hangs => loop {
                std::thread::park();
            },
            Breach::Panics => panic!("as the test wants"),
            _ => self.model.retire(order, outside),
        }
    }

    fn list(&self, store: LogId) -> Result<Vec<(RotationId, OutsideId)>, IssuerError> {
        let store = if self.is(Breach::ListsEverything) { trial().store } else { store };
        self.model.list(store)
    }
}

#[test]
fn each_broken_promise_is_found() {
    use IssuerClass::{CreateDiscoverable, CreateWithToken, Opaque, SetValue};
    for (breach, class, line) in [
        (Breach::LetsEverybodyIn, SetValue, "the value that was replaced still logs in"),
        (Breach::LetsEverybodyIn, Opaque, "what was retired still logs in"),
        (Breach::NeverRetires, CreateWithToken, "what was retired still logs in"),
        (Breach::NeverRetires, CreateDiscoverable, "find still finds 1"),
        (Breach::RetiresOnlyOnce, Opaque, "the second time retire said: refused"),
        (Breach::FindsNothing, CreateDiscoverable, "find does not find what was made"),
        (Breach::ForgetsTokens, CreateWithToken, "the same token gave another credential"),
        (Breach::ListsEverything, CreateDiscoverable, "belongs to another store"),
        (Breach::TakesAnyParameters, Opaque, "it was not refused: done"),
        (Breach::ClaimsWhileAway, CreateDiscoverable, "find, asked meanwhile, answered: done"),
        (Breach::TellsSecrets, SetValue, "an error repeats a part of a credential"),
        (Breach::TellsSecrets, Opaque, "so it is not shown"),
        (Breach::Hangs, CreateWithToken, "retire did not end in time"),
        (Breach::Panics, CreateWithToken, "retire ended without an answer"),
        (Breach::GivesNoObject, Opaque, "is no JSON object"),
    ] {
        let model = Arc::new(ModelIssuer::new(class));
        let [begin, end] = [true, false].map(|away| {
            let model = Arc::clone(&model);
            move || model.set_away(away)
        });
        // On a busy machine any call may take long: only what hangs has a short limit.
        let limit = if matches!(breach, Breach::Hangs) { Duration::from_millis(200) } else { Duration::from_secs(60) };
        let trial = trial().with_outage(begin, end).giving_up_after(limit);
        let report = check(Arc::new(Breaching { model, breach }), &trial);
        assert!(report.to_string().contains(line), "{breach:?} {class:?}\n{report}");
        assert!(!report.is_clean() && !report.to_string().contains("model-password"), "{report}");
    }
}

#[test]
fn faults_do_what_they_say() {
    let trial = trial();
    let order = trial.order(1);
    let effects = |fault: ModelFault| {
        let model = ModelIssuer::new(IssuerClass::CreateDiscoverable).fault(ModelMethod::Create, 0, fault);
        let kind = model.create(&order, None).unwrap_err().kind();
        (kind, model.existing().len())
    };
    assert_eq!(effects(ModelFault::Refuse), (IssuerErrorKind::Refused, 0));
    assert_eq!(effects(ModelFault::BeUnavailable), (IssuerErrorKind::Unavailable, 0));
    assert_eq!(effects(ModelFault::LoseReply), (IssuerErrorKind::Unknown, 1));
    assert_eq!(effects(ModelFault::CrashBeforeEffect), (IssuerErrorKind::Unknown, 0));
    assert_eq!(effects(ModelFault::CrashAfterEffect), (IssuerErrorKind::Unknown, 1));
}

#[test]
fn a_call_that_hangs_goes_on_when_it_is_released() {
    for (fault, made_meanwhile) in [(ModelFault::HangBeforeEffect, 0), (ModelFault::HangAfterEffect, 1)] {
        let model = ModelIssuer::new(IssuerClass::CreateDiscoverable);
        model.fault_soon(ModelMethod::Create, 0, fault);
        let trial = trial();
        std::thread::scope(|scope| {
            let call = scope.spawn(|| model.create(&trial.order(1), None).is_ok());
            while model.calls().is_empty() {
                std::thread::yield_now();
            }
            assert!(!call.is_finished());
            assert_eq!(model.existing().len(), made_meanwhile);
            while !call.is_finished() {
                model.release();
            }
            assert!(call.join().unwrap());
        });
        assert_eq!(model.existing().len(), 1);
    }
}

#[test]
fn a_crash_calls_what_the_test_says_it_is() {
    let (send, crashed) = crossbeam_channel::bounded(1);
    let model = ModelIssuer::new(IssuerClass::SetValue)
        .fault(ModelMethod::Create, 0, ModelFault::CrashAfterEffect)
        .on_crash(move || send.send(()).unwrap());
    let trial = trial();
    let value = model.pick(&trial.order(1)).unwrap();
    assert!(model.create(&trial.order(1), Some(&value)).is_err());
    crashed.try_recv().unwrap();
    assert!(model.logs_in(&value), "it died after the effect");
}

/// Leaves the work of a model to jobs, which are over at once and whose reports lie ready.
struct Jobs {
    model: ModelIssuer,
    reports: Mutex<HashMap<TaskId, TaskReport>>,
    is_forgetful: bool,
}

impl Issuer for Jobs {
    fn class(&self) -> IssuerClass {
        self.model.class()
    }
    fn create(&self, _: &IssueOrder<'_>, _: Option<&SecretBytes>) -> Result<Issued, IssuerError> {
        Err(IssuerError::refused("jobs do this"))
    }
    fn retire(&self, _: &IssueOrder<'_>, _: Option<&OutsideId>) -> Result<(), IssuerError> {
        Err(IssuerError::refused("jobs do this"))
    }
    fn verify(&self, order: &IssueOrder<'_>, credential: &SecretBytes) -> Result<(), IssuerError> {
        self.model.verify(order, credential)
    }
    fn job_limit(&self) -> Option<Duration> {
        Some(Duration::from_secs(60))
    }
    fn begin(&self, order: &IssueOrder<'_>, job: &Job<'_>) -> Result<(), IssuerError> {
        order.without_parameters()?;
        let report = match job.work {
            JobWork::CreateCredentials => TaskReport::CredentialsCreated(self.model.create(order, None)?),
            JobWork::DeleteCredentials(_) if self.is_forgetful => TaskReport::CredentialsDeleted,
            JobWork::DeleteCredentials(outside) => {
                self.model.retire(order, outside)?;
                TaskReport::CredentialsDeleted
            }
        };
        self.reports.lock().insert(job.task, report);
        Ok(())
    }
}

#[test]
fn an_issuer_by_jobs_is_tried_like_any_other_once_their_reports_can_be_had() {
    for class in [IssuerClass::CreateWithToken, IssuerClass::Opaque] {
        for is_forgetful in [false, true] {
            let jobs = Arc::new(Jobs { model: ModelIssuer::new(class), reports: Mutex::default(), is_forgetful });
            let trial = Trial::new(LogId::from_bytes([7; 16]), SecretName::parse("tracker").unwrap());
            let report = check(Arc::clone(&jobs) as Arc<_>, &trial);
            assert!(!report.is_clean() && report.to_string().contains("how their reports come"), "{report}");
            let asked = Arc::clone(&jobs);
            let trial = trial.with_reports(move |task| asked.reports.lock().remove(&task));
            let report = check(Arc::clone(&jobs) as Arc<_>, &trial);
            assert_eq!(report.is_clean(), !is_forgetful, "{class}: {report}");
        }
    }
}
