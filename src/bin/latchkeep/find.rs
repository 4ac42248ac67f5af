//! Owns finding what people name: a secret by id, by type and name, or by name alone; a group by id or name.
//!
//! Read next: [`super::args`].

use std::sync::Arc;

use latchkeep::audit::AsOf;
use latchkeep::{
    GroupId, GroupName, Moment, Refusal, Secret, SecretId, SecretName, SecretType, Store, Version, VersionRef,
};

use crate::args::SecretArg;
use crate::failure::Failure;

/// Finds the secret that an argument names.
pub(crate) fn secret(store: &Store, named: &SecretArg) -> Result<Arc<Secret>, Failure> {
    secret_then(&store.as_of(AsOf::End)?, named)
}

/// Finds the secret that an argument names as of some moment.
pub(crate) fn secret_then(store: &Moment, named: &SecretArg) -> Result<Arc<Secret>, Failure> {
    let wanted = named.secret_type.map(SecretType::from);
    if let Ok(id) = SecretId::parse(&named.secret) {
        if let Ok(found) = store.secret(id) {
            return Ok(found);
        }
        if store.hidden().any(|hidden| hidden == id) {
            let message = format!("nothing is known of {id} as of then: words about it were erased from the log");
            return Err(Failure::not_found(message));
        }
    }
    if let Some((first, name)) = named.secret.split_once('/') {
        let Some(secret_type) = SecretType::from_label(&first.replace('-', "_")) else {
            return Err(Failure::usage(format!("{first} is no type of secret")).hint(types_hint()));
        };
        return one(store, &[secret_type], name);
    }
    match wanted {
        Some(secret_type) => one(store, &[secret_type], &named.secret),
        None => one(store, SecretType::ALL, &named.secret),
    }
}

fn types_hint() -> String {
    let types: Vec<&str> = SecretType::ALL.iter().map(|known| known.label()).collect();
    format!("the types are {}", types.join(", "))
}

fn one(store: &Moment, types: &[SecretType], name: &str) -> Result<Arc<Secret>, Failure> {
    let parsed = SecretName::parse(name)?;
    let mut found = Vec::new();
    for secret_type in types {
        match store.secret_named(*secret_type, &parsed) {
            Ok(secret) => found.push(secret),
            Err(error) if error.refusal() == Some(&Refusal::SecretNotFound) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let names: Vec<String> = found.iter().map(|secret| format!("{}/{name}", secret.secret_type())).collect();
    let mut found = found.into_iter();
    match (found.next(), found.next()) {
        (Some(only), None) => Ok(only),
        (None, _) => {
            let of_type = match types {
                [only] => format!(" of type {only}"),
                _ => String::new(),
            };
            Err(Failure::not_found(format!("there is no secret {name}{of_type}"))
                .hint("latchkeep secret list shows what there is"))
        }
        _ => Err(Failure::usage(format!("{name} names several secrets: {}", names.join(", ")))
            .hint("name one by TYPE/NAME, or add --type")),
    }
}

/// Finds a version of a secret.
pub(crate) fn version(secret: &Secret, which: VersionRef) -> Result<&Version, Failure> {
    let not_found = || Failure::about(secret)(Refusal::VersionNotFound.into());
    secret.version(which).ok_or_else(not_found)
}

/// Finds the group that an argument names.
pub(crate) fn group(store: &Store, named: &str) -> Result<GroupId, Failure> {
    group_then(&store.as_of(AsOf::End)?, named)
}

/// Finds the group that an argument names as of some moment.
pub(crate) fn group_then(store: &Moment, named: &str) -> Result<GroupId, Failure> {
    if named == "default" {
        return Ok(GroupId::DEFAULT);
    }
    let by_id = GroupId::parse(named).ok();
    let by_name = GroupName::parse(named).ok();
    let matches = |(id, name): &(GroupId, GroupName)| by_id == Some(*id) || by_name.as_ref() == Some(name);
    let mut groups = store.groups().into_iter().map(|(id, group)| (id, group.name));
    groups.find(matches).map(|(id, _)| id).ok_or_else(|| {
        Failure::not_found(format!("there is no group {named}")).hint("latchkeep group create makes one")
    })
}
