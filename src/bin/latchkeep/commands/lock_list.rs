//! Owns `latchkeep lock list`.
//!
//! Read next: [`super::lock`].

use std::sync::Arc;

use latchkeep::{Lock, Secret, Version, view};
use serde_json::json;

use crate::args::{LockList, SecretArg};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::looking::Sight;
use crate::scene::Scene;
use crate::times::shown as shown_time;
use crate::{find, shown};

const HEAD: [&str; 9] = ["secret", "version", "alias", "lock", "since", "placed by", "owner", "until", "description"];

pub(crate) fn run(args: &LockList, scene: &mut Scene) -> Result<Exit, Failure> {
    let sight = Sight::of(scene, args.as_of)?;
    let secrets: Vec<Arc<Secret>> = match &args.secret {
        Some(named) => {
            let named = SecretArg { secret: named.clone(), secret_type: args.secret_type };
            vec![find::secret_then(&sight.moment, &named)?]
        }
        None => sight.moment.secrets(),
    };
    let wanted = |lock: &Lock| args.search.as_ref().is_none_or(|text| lock.name.as_str().contains(text.as_str()));
    let found: Vec<(&Secret, &Version, &Lock)> = secrets
        .iter()
        .flat_map(|secret| secret.versions.iter().rev().map(move |version| (secret, version)))
        .flat_map(|(secret, version)| version.locks.iter().map(move |lock| (&**secret, version, lock)))
        .filter(|(_, _, lock)| wanted(lock))
        .collect();
    if scene.out.is_json() {
        let locks: Vec<view::Lock> =
            found.iter().map(|(secret, version, lock)| view::Lock::of(secret, version, lock)).collect();
        let mut fields = shown::object(json!({ "total_count": locks.len(), "locks": locks }));
        sight.put(&mut fields);
        scene.out.json(&fields.into())?;
        return Ok(Exit::Done);
    }
    if found.is_empty() && scene.out.is_terminal() {
        scene.out.line("there are none")?;
        return Ok(Exit::Done);
    }
    let rows = found.iter().map(|(secret, version, lock)| row(secret, version, lock)).collect();
    scene.out.table(&HEAD, rows)?;
    Ok(Exit::Done)
}

fn row(secret: &Secret, version: &Version, lock: &Lock) -> Vec<String> {
    vec![
        format!("{}/{}", secret.secret_type(), secret.metadata.name),
        version.number.to_string(),
        secret.alias(version.id).map(|alias| alias.to_string()).unwrap_or_default(),
        lock.name.to_string(),
        shown_time(lock.created_at),
        lock.created_by.to_string(),
        lock.owner.as_ref().map(ToString::to_string).unwrap_or_default(),
        lock.expires_at.map(shown_time).unwrap_or_default(),
        lock.description.as_ref().map(ToString::to_string).unwrap_or_default(),
    ]
}
