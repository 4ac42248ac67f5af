//! Owns what a writer prints: a line per step when it is begun and one when it is answered; never secret data.

use std::collections::BTreeMap;
use std::fmt;

use super::model::{Answer, Model, Value};
use super::plan::Step;

/// The answer to one step.
#[derive(Clone, Debug)]
pub struct Ack {
    pub thread: u64,
    pub step: u64,
    pub answer: Answer,
    /// The last record of it, where a receipt told.
    pub position: Option<u64>,
    pub events: u32,
    pub revision: Option<u64>,
    /// The id of an API key that the step made or read.
    pub made: Option<String>,
    /// The digest of a value that follows from no seed.
    pub digest: Option<String>,
}

impl fmt::Display for Ack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ack {} {}", self.thread, self.step)?;
        match &self.answer {
            Answer::Done => write!(f, " done")?,
            Answer::Refused(code) => write!(f, " refused={code}")?,
        }
        if let Some(position) = self.position {
            write!(f, " position={position} events={}", self.events)?;
        }
        if let Some(revision) = self.revision {
            write!(f, " revision={revision}")?;
        }
        for (name, value) in [("made", &self.made), ("digest", &self.digest)] {
            if let Some(value) = value {
                write!(f, " {name}={value}")?;
            }
        }
        writeln!(f, " .")
    }
}

/// All that was acknowledged.
#[derive(Clone, Debug, Default)]
pub struct Acks {
    /// Whether the creation of the store was.
    pub created: bool,
    /// Records in the log at the last orderly close.
    pub closed_at: u64,
    steps: BTreeMap<u64, Vec<Ack>>,
}

impl Acks {
    /// Reads what a writer printed. A line that is cut off at the end does not count.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut acks = Self::default();
        for line in text.lines() {
            let mut words = line.split_whitespace();
            match (words.next(), words.next(), words.next()) {
                (Some("ack"), Some("create"), _) => acks.created = true,
                (Some("ack"), Some("close"), Some(size)) if line.ends_with('.') => {
                    acks.closed_at = size.parse().map_err(|_| format!("FAIL no size: {line}"))?;
                }
                (Some("ack"), Some(thread), Some(step)) if line.ends_with('.') => {
                    let ack = parse(thread, step, words).ok_or_else(|| format!("FAIL no line of a writer: {line}"))?;
                    acks.add(ack)?;
                }
                _ => {}
            }
        }
        Ok(acks)
    }

    pub fn add(&mut self, ack: Ack) -> Result<(), String> {
        let before = self.steps.entry(ack.thread).or_default();
        if before.len() as u64 != ack.step {
            return Err(format!("FAIL the writer left out a step: {ack}"));
        }
        before.push(ack);
        Ok(())
    }

    pub fn of(&self, thread: u64) -> &[Ack] {
        self.steps.get(&thread).map_or(&[], Vec::as_slice)
    }

    pub fn count(&self) -> usize {
        self.steps.values().map(Vec::len).sum()
    }

    /// Gives the model after all acknowledged steps of a thread, and the steps.
    pub fn replay(&self, seed: u64, thread: u64) -> Result<(Model, Vec<Step>), String> {
        let (mut model, mut steps) = (Model::new(seed, thread), Vec::new());
        for ack in self.of(thread) {
            let step = model.plan();
            let answer = model.take(&step);
            if answer != ack.answer {
                return Err(format!("FAIL {step:?} should be answered {answer:?}: {ack}"));
            }
            learn(&mut model, &step, ack);
            steps.push(step);
        }
        Ok((model, steps))
    }
}

/// Takes over what only an answer tells.
fn learn(model: &mut Model, step: &Step, ack: &Ack) {
    let (name, number) = match step {
        Step::Read { name, number } => (name, Some(*number)),
        Step::Create { name, .. }
        | Step::Rotate { name, .. }
        | Step::Restore { name }
        | Step::Lock { name, .. }
        | Step::Unlock { name, .. }
        | Step::Crowd { name, .. }
        | Step::Disperse { name, .. }
        | Step::Destroy { name, .. }
        | Step::Describe { name, .. } => (name, None),
        _ => return,
    };
    let Some(secret) = model.secrets.get_mut(name) else { return };
    secret.revision = ack.revision.or(secret.revision);
    let version = number.and_then(|number| secret.versions.iter_mut().find(|version| version.number == number));
    if let Some(Value::Made { id, digest }) = version.map(|version| &mut version.value) {
        *id = ack.made.clone().or_else(|| id.clone());
        *digest = ack.digest.clone().or_else(|| digest.clone());
    }
}

fn parse<'a>(thread: &str, step: &str, words: impl Iterator<Item = &'a str>) -> Option<Ack> {
    let mut ack = Ack {
        thread: thread.parse().ok()?,
        step: step.parse().ok()?,
        answer: Answer::Done,
        position: None,
        events: 0,
        revision: None,
        made: None,
        digest: None,
    };
    for word in words {
        match word.split_once('=') {
            None if word == "done" || word == "." => {}
            Some(("refused", code)) => ack.answer = Answer::Refused(code.to_owned()),
            Some(("position", number)) => ack.position = Some(number.parse().ok()?),
            Some(("events", number)) => ack.events = number.parse().ok()?,
            Some(("revision", number)) => ack.revision = Some(number.parse().ok()?),
            Some(("made", id)) => ack.made = Some(id.to_owned()),
            Some(("digest", digest)) => ack.digest = Some(digest.to_owned()),
            _ => return None,
        }
    }
    Some(ack)
}
