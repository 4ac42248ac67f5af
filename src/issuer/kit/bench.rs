//! Owns the calls of a trial. Each is on a thread of its own and is left at the limit. All answers are kept for the
//! last properties.

use std::fmt::Debug;
use std::sync::Arc;

use crossbeam_channel::Receiver;
use parking_lot::Mutex;

use super::trial::Trial;
use crate::domain::json::JsonObject;
use crate::domain::name::OutsideId;
use crate::domain::rotation::IssuerClass;
use crate::issuer::credential;
use crate::issuer::issuer::{IssueOrder, Issuer};
use crate::issuer::outcome::{Issued, IssuerError};
use crate::seal::secret_bytes::SecretBytes;

/// Fields of credentials that are secret, whatever the issuer.
const SECRET_FIELDS: &[&str] = &["password", "api_key", "private_key", "token", "secret", "access_key", "key"];
/// Text shorter than this may occur in a reason by chance.
const SECRET_BYTES_MIN: usize = 6;

/// An issuer under test.
pub(super) struct Bench<'a> {
    issuer: Arc<dyn Issuer>,
    pub(super) trial: &'a Trial,
    pub(super) class: IssuerClass,
    heard: Mutex<Heard>,
}

/// What the calls returned.
#[derive(Default)]
struct Heard {
    /// Calls that did not end in time, or panicked.
    unended: Vec<String>,
    /// The texts of all errors.
    errors: Vec<String>,
    secrets: Vec<SecretBytes>,
}

impl Heard {
    fn tells_secret(&self, said: &str) -> bool {
        self.secrets.iter().map(SecretBytes::expose).any(|secret| {
            secret.len() >= SECRET_BYTES_MIN && said.as_bytes().windows(secret.len()).any(|part| part == secret)
        })
    }
}

/// The result of a call.
pub(super) enum Answer<T> {
    Got(T),
    Said(IssuerError),
    /// It did not end in time, or panicked.
    Never,
}

/// A call that was started.
pub(super) struct Started<T> {
    name: &'static str,
    reply: Receiver<Result<T, IssuerError>>,
}

/// A credential, with its rotation.
pub(super) struct Made {
    pub(super) rotation: u32,
    pub(super) credential: Arc<SecretBytes>,
    pub(super) outside: Option<OutsideId>,
}

impl<'a> Bench<'a> {
    pub(super) fn new(issuer: Arc<dyn Issuer>, trial: &'a Trial) -> Self {
        let class = issuer.class();
        Self { issuer, trial, class, heard: Mutex::default() }
    }

    /// Starts a call on a thread of its own.
    #[expect(
        clippy::disallowed_methods,
        reason = "a call may hang, and a trial must end; so it cannot be on this thread"
    )]
    pub(super) fn start<T: Send + 'static>(
        &self,
        name: &'static str,
        rotation: u32,
        call: impl FnOnce(&dyn Issuer, &IssueOrder<'_>) -> Result<T, IssuerError> + Send + 'static,
    ) -> Started<T> {
        let (send, reply) = crossbeam_channel::bounded(1);
        let (issuer, trial) = (Arc::clone(&self.issuer), self.trial.clone());
        let run = move || {
            let answer = call(&*issuer, &trial.order(rotation));
            // The receiver is gone when the call exceeded its limit.
            let _ = send.send(answer);
        };
        // A thread that does not start never answers, which is reported as such.
        let _ = std::thread::Builder::new().name("issuer-kit".to_owned()).spawn(run);
        Started { name, reply }
    }

    /// Waits for a call up to the limit.
    pub(super) fn wait<T>(&self, started: &Started<T>) -> Answer<T> {
        match started.reply.recv_timeout(self.trial.limit) {
            Ok(Ok(value)) => Answer::Got(value),
            Ok(Err(error)) => {
                self.hear(&error);
                Answer::Said(error)
            }
            Err(error) => {
                let how = if error.is_timeout() { "did not end in time" } else { "ended without an answer" };
                self.heard.lock().unended.push(format!("{} {how}", started.name));
                Answer::Never
            }
        }
    }

    pub(super) fn create(&self, rotation: u32, value: Option<&Arc<SecretBytes>>) -> Answer<Issued> {
        let started = self.start_create(rotation, value);
        self.wait_created(&started)
    }

    pub(super) fn start_create(&self, rotation: u32, value: Option<&Arc<SecretBytes>>) -> Started<Issued> {
        let value = value.cloned();
        self.start("create", rotation, move |issuer, order| issuer.create(order, value.as_deref()))
    }

    pub(super) fn wait_created(&self, started: &Started<Issued>) -> Answer<Issued> {
        let answer = self.wait(started);
        if let Answer::Got(issued) = &answer {
            self.keep(&issued.credential);
        }
        answer
    }

    pub(super) fn pick(&self, rotation: u32) -> Answer<SecretBytes> {
        let answer = self.wait(&self.start("pick", rotation, |issuer, order| issuer.pick(order)));
        if let Answer::Got(value) = &answer {
            self.keep(value);
        }
        answer
    }

    /// Calls with parameters that must be refused: picks (for `SetValue`), then creates.
    pub(super) fn create_with(&self, rotation: u32, parameters: JsonObject) -> Answer<Issued> {
        let (class, trial) = (self.class, self.trial.clone());
        let started = self.start("create", rotation, move |issuer, _| {
            let order = trial.order_with(rotation, Some(&parameters));
            let value = (class == IssuerClass::SetValue).then(|| issuer.pick(&order)).transpose()?;
            issuer.create(&order, value.as_ref())
        });
        self.wait_created(&started)
    }

    pub(super) fn verify(&self, made: &Made) -> Answer<()> {
        let credential = Arc::clone(&made.credential);
        self.wait(&self.start("verify", made.rotation, move |issuer, order| issuer.verify(order, &credential)))
    }

    pub(super) fn retire(&self, rotation: u32, outside: Option<&OutsideId>) -> Answer<()> {
        let outside = outside.cloned();
        self.wait(&self.start("retire", rotation, move |issuer, order| issuer.retire(order, outside.as_ref())))
    }

    pub(super) fn find(&self, rotation: u32) -> Answer<Vec<OutsideId>> {
        self.wait(&self.start("find", rotation, |issuer, order| issuer.find(order)))
    }

    pub(super) fn unended(&self) -> Vec<String> {
        self.heard.lock().unended.clone()
    }

    /// Returns whether the text of an error contains a secret part of a credential.
    pub(super) fn secret_was_told(&self) -> bool {
        let heard = self.heard.lock();
        heard.errors.iter().any(|said| heard.tells_secret(said))
    }

    /// Returns the text, unless it contains a part of a credential.
    pub(super) fn shown(&self, seen: String) -> String {
        if self.heard.lock().tells_secret(&seen) {
            return "what was seen repeats a part of a credential, so it is not shown".to_owned();
        }
        seen
    }

    fn hear(&self, error: &IssuerError) {
        self.heard.lock().errors.push(format!("{error} {error:?}"));
    }

    fn keep(&self, value: &SecretBytes) {
        let secrets = SECRET_FIELDS.iter().filter_map(|name| credential::text_field(value, name));
        self.heard.lock().secrets.extend(secrets);
    }
}

impl<T> Answer<T> {
    /// Returns the answer.
    ///
    /// # Errors
    ///
    /// The text to report when there was no answer.
    pub(super) fn got(self, what: &str) -> Result<T, String> {
        match self {
            Self::Got(value) => Ok(value),
            Self::Said(error) => Err(format!("{what} said: {error}")),
            Self::Never => Err(format!("{what} gave no answer")),
        }
    }
}

impl<T> Debug for Answer<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Got(_) => f.write_str("done"),
            Self::Said(error) => std::fmt::Display::fmt(error, f),
            Self::Never => f.write_str("no answer"),
        }
    }
}
