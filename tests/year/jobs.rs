//! Owns jobs that make and end credentials in a system outside, and report by their tasks when they are over.
//!
//! Read next: [`super::outside`].

use std::sync::{Arc, Mutex};
use std::time::Duration;

use latchkeep::{
    IssueOrder, Issued, Issuer, IssuerClass, IssuerError, Job, JobWork, LogId, OutsideId, Reason, RotationId,
    SecretBytes, SecretId, SecretName, Session, TaskId, TaskReport,
};

use super::outside::{Outside, Turn};

/// How long a job may take.
const LIMIT: Duration = Duration::from_secs(5 * 3_600);

/// Where jobs run.
pub(crate) struct Jobs {
    pub(crate) outside: Arc<Outside>,
    running: Mutex<Vec<Running>>,
}

/// A job that is at work.
struct Running {
    task: TaskId,
    store: LogId,
    secret: SecretId,
    name: SecretName,
    rotation: RotationId,
    /// What it is to end; else it makes.
    ends: Option<Option<OutsideId>>,
}

impl Jobs {
    pub(crate) fn new(outside: Arc<Outside>) -> Self {
        Self { outside, running: Mutex::default() }
    }

    /// Lets the jobs that are at work come to their end, and report.
    pub(crate) fn run(&self, session: &Session) {
        let all = std::mem::take(&mut *self.running.lock().unwrap());
        for job in all {
            self.end(&job, session);
        }
    }

    fn end(&self, job: &Running, session: &Session) {
        let order = IssueOrder::new(job.store, job.secret, &job.name, job.rotation, None);
        let (report, has_made) = {
            let mut outside = self.outside.look();
            let turn = self.outside.turn(&mut outside, job.name.as_str(), job.ends.is_some());
            let was_made = outside.has_answered(job.rotation);
            let may_fail = job.ends.is_some() || !was_made;
            match turn {
                // Late, or dead: no report comes of it.
                Turn::Lost | Turn::Away => return,
                Turn::Refused if may_fail => (TaskReport::Failed(Reason::parse("no quota").unwrap()), false),
                _ => {
                    let report = match &job.ends {
                        None => TaskReport::CredentialsCreated(self.outside.make(&mut outside, &order)),
                        Some(named) => {
                            self.outside.end_named(&mut outside, job.rotation, named.as_ref());
                            TaskReport::CredentialsDeleted
                        }
                    };
                    if turn == Turn::Unheard {
                        return;
                    }
                    (report, !was_made)
                }
            }
        };
        let made = match &report {
            TaskReport::CredentialsCreated(Issued { outside: Some(made), .. }) if has_made => Some(made.clone()),
            _ => None,
        };
        let reported = session.report_task(job.secret, job.task, report);
        if let (Err(refused), Some(made)) = (reported, made) {
            assert!(refused.refusal().is_some(), "{refused}");
            // Nobody waits for it any more: a job undoes what it did.
            self.outside.end_by_hand(&made);
        }
    }
}

impl Issuer for Jobs {
    fn class(&self) -> IssuerClass {
        IssuerClass::CreateWithToken
    }

    fn create(&self, _: &IssueOrder<'_>, _: Option<&SecretBytes>) -> Result<Issued, IssuerError> {
        panic!("jobs make credentials")
    }

    fn retire(&self, _: &IssueOrder<'_>, _: Option<&OutsideId>) -> Result<(), IssuerError> {
        panic!("jobs end credentials")
    }

    fn verify(&self, order: &IssueOrder<'_>, credential: &SecretBytes) -> Result<(), IssuerError> {
        self.outside.verify(order, credential)
    }

    fn job_limit(&self) -> Option<Duration> {
        Some(LIMIT)
    }

    fn begin(&self, order: &IssueOrder<'_>, job: &Job<'_>) -> Result<(), IssuerError> {
        let turn = self.outside.turn(&mut self.outside.look(), order.name.as_str(), false);
        match turn {
            Turn::Refused => return Err(IssuerError::refused("no such job")),
            Turn::Away => return Err(IssuerError::unavailable("no room for jobs")),
            Turn::Lost => return Err(IssuerError::unknown("the connection broke")),
            Turn::Well | Turn::Unheard => {}
        }
        let mut running = self.running.lock().unwrap();
        if !running.iter().any(|known| known.task == job.task) {
            let ends = match job.work {
                JobWork::CreateCredentials => None,
                JobWork::DeleteCredentials(outside) => Some(outside.cloned()),
            };
            let (store, secret, rotation) = (order.store, order.secret, order.rotation);
            running.push(Running { task: job.task, store, secret, name: order.name.clone(), rotation, ends });
        }
        if turn == Turn::Unheard { Err(IssuerError::unknown("the reply was lost")) } else { Ok(()) }
    }
}
