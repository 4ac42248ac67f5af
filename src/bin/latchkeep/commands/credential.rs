//! Owns `latchkeep credential`: what issuers have outside and the log knows nothing of, shown, adopted and ended.
//!
//! Read next: [`super::quarantine`].

use std::path::Path;

use latchkeep::{IssuerClass, IssuerName, RotationWorker, Stranger, SweepReport, view};
use serde_json::{Map, Value, json};

use super::rotation_run::issuers;
use super::summary::counted;
use crate::args::{CredentialAdopt, CredentialCommand, CredentialEnd};
use crate::brought::is_dash;
use crate::exit::Exit;
use crate::failure::{self, Failure};
use crate::issuers_file::Issuers;
use crate::scene::Scene;
use crate::times::Moment;
use crate::{find, input, prompt};

/// Bytes of a credential that is brought along, at most.
const CREDENTIAL_BYTES_MAX: usize = 576 * 1_024;

pub(crate) fn run(command: &CredentialCommand, scene: &mut Scene) -> Result<Exit, Failure> {
    match command {
        CredentialCommand::List(args) => list(&args.issuers, scene),
        CredentialCommand::Adopt(args) => adopt(args, scene),
        CredentialCommand::End(args) => end(args, scene),
    }
}

pub(super) fn confirm(args: &CredentialEnd) -> Result<(), Failure> {
    let what = args.outside.as_ref().map_or_else(|| args.issuer.to_string(), ToString::to_string);
    prompt::confirm("this ends what may be in use in the original of this store", &what)
}

fn list(file: &Path, scene: &mut Scene) -> Result<Exit, Failure> {
    let asked = Asked::of(file, scene)?;
    let found = &asked.found;
    let is_clean = found.strangers.is_empty() && asked.problems().next().is_none();
    let exit = if is_clean { Exit::Done } else { Exit::Failed };
    if scene.out.is_json() {
        let mut fields = asked.to_json();
        fields.extend([("listed".to_owned(), found.listed.into()), ("exit_code".to_owned(), (exit as u8).into())]);
        scene.out.json(&fields.into())?;
        return Ok(exit);
    }
    let row = |one: &Stranger| vec![one.issuer.to_string(), one.outside.to_string(), one.rotation.to_string()];
    scene.out.table(&["issuer", "outside", "rotation"], found.strangers.iter().map(row).collect())?;
    asked.tell_unasked();
    Ok(exit)
}

fn adopt(args: &CredentialAdopt, scene: &mut Scene) -> Result<Exit, Failure> {
    let secret = find::secret(scene.store(), &args.secret)?;
    let brought = if is_dash(&args.from_file) {
        input::Stdin::Process.read()?
    } else {
        input::read_file(&args.from_file, CREDENTIAL_BYTES_MAX)?
    };
    let brought = input::without_line_end(brought);
    if brought.expose().is_empty() {
        return Err(Failure::usage("the data of the credential is empty"));
    }
    let worker = worker(&args.issuers, scene)?;
    let session = scene.session.clone();
    let session = if args.force { session.by_force() } else { session };
    let end = args.expires_at.map(Moment::ahead);
    let receipt = worker.adopt_stranger(&session, secret.id, &args.outside, brought, end);
    let receipt = receipt.map_err(Failure::about(&secret))?;
    let (after, name) = (scene.store().secret(secret.id)?, &secret.metadata.name);
    let number = after.current().map(|version| version.number);
    if scene.out.is_json() {
        let receipt = view::Receipt::of(&receipt);
        scene.out.json(
            &json!({ "id": secret.id, "name": name, "version": number, "outside": args.outside, "receipt": receipt }),
        )?;
    } else {
        let number = number.map(|number| number.to_string()).unwrap_or_default();
        scene.out.line(format!("adopted {}: version {number} of {name} is current", args.outside))?;
    }
    Ok(Exit::Done)
}

fn end(args: &CredentialEnd, scene: &mut Scene) -> Result<Exit, Failure> {
    let worker = worker(&args.issuers, scene)?;
    let outsides = if let Some(outside) = &args.outside {
        vec![outside.clone()]
    } else {
        worker.strangers_of(&args.issuer)?.into_iter().map(|one| one.outside).collect()
    };
    let (mut ended, mut failed) = (Vec::new(), None);
    for outside in &outsides {
        match worker.end_stranger(&args.issuer, outside) {
            Ok(one) => ended.push(one),
            Err(error) => {
                failed = Some(error);
                break;
            }
        }
    }
    tell_ended(scene, args, &ended, failed.is_none())?;
    failed.map_or(Ok(Exit::Done), |error| Err(error.into()))
}

/// Tells which credentials were ended, also where another one could not be.
fn tell_ended(scene: &mut Scene, args: &CredentialEnd, ended: &[Stranger], are_all: bool) -> Result<(), Failure> {
    if scene.out.is_json() {
        if are_all || !ended.is_empty() {
            scene.out.json(&json!({ "ended": ended.iter().map(shown).collect::<Vec<_>>() }))?;
        }
        return Ok(());
    }
    for one in ended {
        scene.out.line(format!("ended {} at {}", one.outside, one.issuer))?;
    }
    if ended.is_empty() && are_all {
        scene.out.line(format!("{} has nothing that the log knows nothing of", args.issuer))?;
    }
    Ok(())
}

fn worker(file: &Path, scene: &Scene) -> Result<RotationWorker, Failure> {
    Ok(RotationWorker::new(scene.store(), issuers(Some(file), None, scene)?.options))
}

/// What the issuers of a file have that the log knows nothing of, and which of them cannot tell.
pub(super) struct Asked {
    pub(super) found: SweepReport,
    /// What is wrong with the file; told on stderr when it was read.
    of_file: Vec<String>,
    cannot_list: Vec<(IssuerName, IssuerClass)>,
}

impl Asked {
    pub(super) fn of(file: &Path, scene: &Scene) -> Result<Self, Failure> {
        let Issuers { options, problems, .. } = issuers(Some(file), None, scene)?;
        let worker = RotationWorker::new(scene.store(), options);
        Ok(Self { found: worker.strangers()?, of_file: problems, cannot_list: worker.issuers_that_cannot_list() })
    }

    /// Gives what went wrong with the issuers, a sentence for each.
    fn problems(&self) -> impl Iterator<Item = &String> {
        self.of_file.iter().chain(&self.found.problems)
    }

    pub(super) fn to_json(&self) -> Map<String, Value> {
        let unknown = self.found.strangers.iter().map(shown).collect();
        let cannot_list = self.cannot_list.iter().map(|(issuer, class)| json!({ "issuer": issuer, "class": class }));
        let problems = self.problems().cloned().map(Value::from).collect();
        let fields =
            [("unknown", unknown), ("problems", Value::Array(problems)), ("cannot_list", cannot_list.collect())];
        fields.map(|(name, value)| (name.to_owned(), value)).into_iter().collect()
    }

    /// Says on stderr which issuers could not be asked, and which can never be.
    pub(super) fn tell_unasked(&self) {
        self.found.problems.iter().for_each(failure::warn);
        for (issuer, class) in &self.cannot_list {
            failure::warn(format!("{issuer} is of class {class}, and cannot list what it made: look there"));
        }
    }

    /// Says how many there are, and what to do about them.
    pub(super) fn words(&self) -> String {
        let strangers = self.found.strangers.len();
        let count = counted(u64::try_from(strangers).unwrap_or(u64::MAX), "credential");
        let next = "first latchkeep quarantine end; then, before the next latchkeep rotation run, latchkeep credential adopt takes one into \
                    the store, credential end ends one that nobody uses";
        let next = if strangers > 0 { format!(": {next}") } else { String::new() };
        format!("{count} of issuers not known to the log{next}")
    }
}

fn shown(one: &Stranger) -> Value {
    json!({ "issuer": one.issuer, "outside": one.outside, "rotation_id": one.rotation })
}
