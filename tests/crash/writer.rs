//! Owns the writer: it works on a store by the plan and prints a line for each answer, until it is done or dies.
//!
//! What it prints is what the store has promised. Read next: [`super::checker`].

use std::io::Write;
use std::path::Path;

use latchkeep::{
    ApiKeyTarget, ApiKeyUse, Change, Command, Description, Error, GroupName, IdempotencyKey, LockMode, LockName,
    LockNames, NewData, NewLock, NewSecret, PassphraseCost, Receipt, SecretBytes, SecretChanges, SecretData, SecretId,
    SecretName, Session, Store, Username, VersionNumber, VersionRef,
};

use super::acks::{Ack, Acks};
use super::model::{Answer, Kind, Model, Value, crowd};
use super::plan::Step;
use super::support::{Campaign, FIRST_KEY, digest, options, secret_type, session, unlock};

/// Works, and gives the code to exit with: 0 when done, 3 when the store failed, 4 when it gave a wrong answer.
pub fn write(campaign: &Campaign, acked: Option<&Path>) -> i32 {
    let before = acked.map_or_else(String::new, |path| std::fs::read_to_string(path).unwrap());
    let acks = Acks::parse(&before).unwrap();
    match run(campaign, &acks) {
        Ok(()) => 0,
        Err(Stop::Store(error)) => {
            say(&format!("stop {} {error}\n", error.code()));
            3
        }
        Err(Stop::Wrong(how)) => {
            say(&format!("FAIL {how}\n"));
            4
        }
    }
}

enum Stop {
    Store(Error),
    Wrong(String),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

fn run(campaign: &Campaign, acks: &Acks) -> Result<(), Stop> {
    let replay = |thread| acks.replay(campaign.seed, thread).map(|(model, _)| model).map_err(Stop::Wrong);
    let mut models = (0..campaign.threads).map(replay).collect::<Result<Vec<_>, _>>()?;
    let mut store = if acks.created { options(&campaign.dir, FIRST_KEY).open()? } else { create(campaign)? };
    for opened in 0..campaign.opens {
        if opened > 0 {
            store = options(&campaign.dir, FIRST_KEY).open()?;
        }
        let work = |model: Model| work(&store, model, campaign.steps_per_open);
        models = std::thread::scope(|scope| {
            let threads: Vec<_> = models.drain(..).map(|model| scope.spawn(|| work(model))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Result<Vec<_>, _>>()
        })?;
        let size = store.status()?.log_size;
        say("begin close\n");
        store.close()?;
        say(&format!("ack close {size} .\n"));
    }
    Ok(())
}

/// Makes the store, or opens the one that a writer made which died before it could say so.
fn create(campaign: &Campaign) -> Result<Store, Stop> {
    say("begin create\n");
    let store = match options(&campaign.dir, FIRST_KEY).create() {
        Err(error) if error.code() == "store_exists" => options(&campaign.dir, FIRST_KEY).open()?,
        made => made?,
    };
    say("ack create .\n");
    Ok(store)
}

fn work(store: &Store, mut model: Model, steps: u64) -> Result<Model, Stop> {
    let session = session(store, &format!("t{}", model.thread));
    for _ in 0..steps {
        let (number, step) = (model.step, model.plan());
        let before = model.clone();
        let expected = model.take(&step);
        say(&format!("begin {} {number}\n", model.thread));
        let mut ack = Ack {
            thread: model.thread,
            step: number,
            answer: Answer::Done,
            position: None,
            events: 0,
            revision: None,
            made: None,
            digest: None,
        };
        match perform(&session, &before, &step) {
            Ok(told) => told.tell(&mut ack),
            Err(error) if error.refusal().is_some() => ack.answer = Answer::Refused(error.code().to_owned()),
            Err(error) => return Err(Stop::Store(error)),
        }
        if ack.answer != expected {
            return Err(Stop::Wrong(format!("{step:?} should be answered {expected:?}: {ack}")));
        }
        say(&ack.to_string());
    }
    Ok(model)
}

/// One line, in one write, at once.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    out.write_all(line.as_bytes()).unwrap();
    out.flush().unwrap();
}

/// What a session told of a step that was done.
#[derive(Default)]
pub struct Told {
    pub receipt: Option<Receipt>,
    made: Option<String>,
    digest: Option<String>,
}

impl Told {
    fn tell(self, ack: &mut Ack) {
        if let Some(receipt) = self.receipt {
            // A remembered receipt is about records of an earlier step.
            if receipt.events > 0 && !receipt.remembered {
                (ack.position, ack.events) = (Some(receipt.position.get()), receipt.events);
            }
            ack.revision = receipt.revision.map(|revision| revision.get()).filter(|_| !receipt.remembered);
        }
        (ack.made, ack.digest) = (self.made, self.digest);
    }
}

impl From<Receipt> for Told {
    fn from(receipt: Receipt) -> Self {
        Self { receipt: Some(receipt), ..Self::default() }
    }
}

/// Asks for a step; `model` is as it was before it.
pub fn perform(session: &Session, model: &Model, step: &Step) -> Result<Told, Error> {
    let id = |name: &str| find(session.store(), model, name);
    let number = |number: u64| VersionRef::Number(VersionNumber::new(number));
    let receipt = match step {
        Step::Create { name, kind, value, keyed } => create_secret(session, name, (*kind, value), *keyed)?,
        Step::Repeat { name } => match &model.keyed[name] {
            (_, Step::Create { name, kind, value, .. }) => create_secret(session, name, (*kind, value), true)?,
            _ => unreachable!("only creations are asked under a key"),
        },
        Step::Rotate { name, value } => session.rotate(id(name)?, new_data(model.secrets[name].kind, value)?)?,
        Step::Restore { name } => session.restore(id(name)?)?,
        Step::Lock { name, number: version, lock, moving } => {
            let mode = if *moving { LockMode::RemovePreviousAndDelete } else { LockMode::Keep };
            let lock = NewLock::new(LockName::parse(lock)?);
            session.run(Command::place_locks(id(name)?, number(*version), vec![lock], mode))?
        }
        Step::Unlock { name, number: version, lock } => {
            let names = LockNames::These(vec![LockName::parse(lock)?]);
            session.run(Command::remove_locks(id(name)?, number(*version), names))?
        }
        Step::Crowd { name, number: version } => {
            let locks = crowd().into_iter().map(|name| Ok(NewLock::new(LockName::parse(&name)?)));
            let locks = locks.collect::<Result<Vec<_>, Error>>()?;
            session.run(Command::place_locks(id(name)?, number(*version), locks, LockMode::Keep))?
        }
        Step::Disperse { name, number: version } => {
            let names = crowd().iter().map(|name| LockName::parse(name)).collect::<Result<Vec<_>, _>>()?;
            session.run(Command::remove_locks(id(name)?, number(*version), LockNames::These(names)))?
        }
        Step::Destroy { name, number: version } => session.destroy_data(id(name)?, number(*version))?,
        Step::Delete { name } => session.delete(id(name)?)?,
        Step::Describe { name, text } => {
            let description = Change::Set(Description::parse(text)?);
            session.update(id(name)?, SecretChanges { description, ..SecretChanges::default() })?
        }
        Step::Read { name, number: version } => return read(session, id(name)?, number(*version)),
        Step::Group { name } => session.run(Command::create_group(GroupName::parse(name)?, None))?,
        Step::AddSlot { byte } => {
            let _ = session.add_key_slot(&unlock(FIRST_KEY), &unlock(*byte), PassphraseCost::default())?;
            return Ok(Told::default());
        }
        Step::RemoveSlot { slot } => session.remove_key_slot(*slot)?,
        Step::RollEpoch => {
            let _ = session.roll_epoch(|_| {})?;
            return Ok(Told::default());
        }
    };
    Ok(receipt.into())
}

fn find(store: &Store, model: &Model, name: &str) -> Result<SecretId, Error> {
    let kind = model.secrets[name].kind;
    Ok(store.secret_named(secret_type(kind), &SecretName::parse(name)?)?.id)
}

fn create_secret(session: &Session, name: &str, what: (Kind, &Value), keyed: bool) -> Result<Receipt, Error> {
    let session = if keyed { session.clone().once(IdempotencyKey::parse(name)?) } else { session.clone() };
    session.create(new_secret(name, what)?)
}

fn new_secret(name: &str, (kind, value): (Kind, &Value)) -> Result<NewSecret, Error> {
    let name = SecretName::parse(name)?;
    let text = SecretBytes::copy_from(value.text(kind).unwrap_or_default().as_bytes());
    let target = ApiKeyTarget::ServiceId(latchkeep::Actor::parse("service")?);
    let lease_secs = 7_776_000;
    match kind {
        Kind::Text => NewSecret::arbitrary(name, text),
        Kind::Kv => NewSecret::kv(name, &text),
        Kind::Password => NewSecret::username_password(name, &Username::parse("somebody")?, text),
        Kind::Key => Ok(NewSecret::iam_credentials(name, lease_secs, ApiKeyUse::UntilLeaseEnds, target)),
        Kind::Fresh => Ok(NewSecret::iam_credentials(name, lease_secs, ApiKeyUse::FreshPerRead, target)),
    }
}

fn new_data(kind: Kind, value: &Value) -> Result<NewData, Error> {
    let text = SecretBytes::copy_from(value.text(kind).unwrap_or_default().as_bytes());
    match kind {
        Kind::Kv => NewData::kv(&text),
        Kind::Password => Ok(NewData::password(text)),
        _ => NewData::arbitrary(text),
    }
}

fn read(session: &Session, id: SecretId, version: VersionRef) -> Result<Told, Error> {
    let reading = session.read(id, version)?;
    let made = match &reading.data {
        SecretData::IamCredentials(data) => Some(data.api_key_id().to_owned()),
        _ => None,
    };
    let digest = made.is_some().then(|| digest(reading.text().unwrap_or_default()));
    Ok(Told { receipt: reading.receipt, made, digest })
}
