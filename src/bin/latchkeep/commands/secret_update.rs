//! Owns `latchkeep secret update`.
//!
//! Read next: [`super::secret_create`].

use latchkeep::{Change, Command, Issuance, Receipt, RotationPolicy, Secret, SecretChanges, SecretSpec, view};

use super::secret_create::parameters;
use crate::args::Update;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::scene::Scene;
use crate::{find, shown};

pub(crate) fn run(args: &Update, scene: &mut Scene) -> Result<Exit, Failure> {
    let secret = find::secret(scene.store(), &args.secret)?;
    let expires = match args.expires {
        Some(moment) => Change::Set(moment.into()),
        None if args.no_expiry => Change::Clear,
        None => Change::Keep,
    };
    let (spec, retention) = (spec(args, &secret)?, args.retention);
    let changes = SecretChanges { spec, retention, expires, ..SecretChanges::default() };
    let described = (changes != SecretChanges::default()).then(|| Command::update(secret.id, changes));
    let mut commands: Vec<Command> = described.into_iter().chain(policy(args, &secret)).collect();
    // A grace is no longer than the interval: what makes room for the other comes first.
    if widens(args, &secret) {
        commands.reverse();
    }
    let mut done: Option<Receipt> = None;
    for command in commands {
        done = Some(scene.session.run(command).map_err(Failure::about(&secret))?);
    }
    let after = scene.store().secret(secret.id)?;
    if scene.out.is_json() {
        let mut fields = shown::object(view::Secret::of(&after));
        if let Some(receipt) = &done {
            shown::put_receipt(&mut fields, receipt);
        }
        scene.out.json(&fields.into())?;
    } else if after.revision == secret.revision {
        scene.out.line(format!("{} is told that already", secret.metadata.name))?;
    } else {
        scene.out.line(format!("changed {}/{}", secret.secret_type(), secret.metadata.name))?;
    }
    Ok(Exit::Done)
}

/// Tells whether the interval becomes longer, as far as the next run tells.
fn widens(args: &Update, secret: &Secret) -> bool {
    let from = secret.created_at;
    args.no_rotation
        || args
            .rotate_every
            .is_some_and(|every| secret.policy.is_some_and(|policy| policy.interval.after(from) < every.after(from)))
}

fn policy(args: &Update, secret: &Secret) -> Option<Command> {
    let every = args.rotate_every.map(|every| Command::set_policy(secret.id, RotationPolicy::every(every)));
    every.or_else(|| args.no_rotation.then(|| Command::clear_policy(secret.id)))
}

/// Gives what the type of the secret needs to know, where that changes.
fn spec(args: &Update, secret: &Secret) -> Result<Option<SecretSpec>, Failure> {
    let is_said = args.issuer.is_some()
        || args.parameters.is_some()
        || args.csr.is_some()
        || args.no_parameters
        || args.grace.is_some()
        || !args.consumer.is_empty()
        || args.no_consumers;
    if !is_said {
        return Ok(None);
    }
    let known = secret.spec.issuance().ok_or_else(|| {
        Failure::usage(format!(
            "no issuer makes {}; only --rotate-every, --retention and --expires change it",
            secret.metadata.name
        ))
    })?;
    let issuance = Issuance {
        issuer: args.issuer.clone().unwrap_or_else(|| known.issuer.clone()),
        parameters: match parameters(args.parameters.as_deref(), args.csr.as_deref())? {
            None if !args.no_parameters => known.parameters.clone(),
            said => said,
        },
        grace_secs: args.grace.unwrap_or(known.grace_secs),
        consumers: if args.consumer.is_empty() && !args.no_consumers {
            known.consumers.clone()
        } else {
            args.consumer.clone().into()
        },
    };
    Ok(secret.spec.issued_as(issuance))
}
