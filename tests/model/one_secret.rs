//! One secret as a thing that many use at once: what each call may be answered, were the calls made one after another.
//!
//! It is the plain model with one secret, asked in some order; whether there is an order that explains all answers is found
//! out by `stateright`. Read next: [`super::histories`].

use stateright::semantics::SequentialSpec;

use super::plain::{Ask, Model};

/// What is called.
#[derive(Clone, Debug)]
pub(crate) enum Call {
    /// A command or a read, perhaps only if the secret has a revision.
    Ask(Ask, Option<u64>),
    /// A look at what is published.
    Look,
}

/// What is answered.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Answer {
    /// It is done, and the secret has this revision from now on; a deleted one has none.
    Done(Option<u64>),
    /// The data, and the revision where the read changed it or may have.
    Read(String, Option<u64>),
    /// Revision and versions: number, whether the data is there, names of locks.
    Seen(Option<(u64, Vec<Shown>)>),
    Refused(String),
}

pub(crate) type Shown = (u64, bool, Vec<String>);

/// The secret that everybody uses.
#[derive(Clone, Debug)]
pub(crate) struct OneSecret(Model);

impl OneSecret {
    /// A secret with one version.
    pub(crate) fn new(data: &str) -> Self {
        let mut model = Model::default();
        let (name, data) = ("shared".to_owned(), data.to_owned());
        model.ask(&Ask::Create { name, retention: 2, strict: false, expires_at: None, data }).unwrap();
        Self(model)
    }

    fn revision(&self) -> Option<u64> {
        self.0.secrets[0].as_ref().map(|secret| secret.revision)
    }

    fn seen(&self) -> Option<(u64, Vec<Shown>)> {
        let secret = self.0.secrets[0].as_ref()?;
        let shown = secret.versions.iter().map(|version| {
            let locks = version.locks.iter().map(|(name, _)| name.clone());
            (version.number, version.data.is_some(), locks.collect())
        });
        Some((secret.revision, shown.collect()))
    }

    fn ask(&mut self, ask: &Ask, expecting: Option<u64>) -> Answer {
        let before = self.revision();
        if let (Some(expected), Some(found)) = (expecting, before)
            && expected != found
        {
            return Answer::Refused("revision_mismatch".to_owned());
        }
        match self.0.ask(ask) {
            Ok(Some(data)) => Answer::Read(data, self.revision().filter(|revision| Some(*revision) != before)),
            Ok(None) => Answer::Done(self.revision()),
            Err(code) => Answer::Refused(code.to_owned()),
        }
    }
}

impl SequentialSpec for OneSecret {
    type Op = Call;
    type Ret = Answer;

    fn invoke(&mut self, call: &Call) -> Answer {
        match call {
            Call::Ask(ask, expecting) => self.ask(ask, *expecting),
            Call::Look => Answer::Seen(self.seen()),
        }
    }

    fn is_valid_step(&mut self, call: &Call, answer: &Answer) -> bool {
        let expected = self.invoke(call);
        match (&expected, answer) {
            // Two may have found at once that nobody has read it yet; the second one changes nothing.
            (Answer::Read(data, None), Answer::Read(found, Some(revision))) => {
                data == found && Some(*revision) == self.revision()
            }
            _ => expected == *answer,
        }
    }
}
