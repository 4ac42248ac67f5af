//! Owns `latchkeep secret list`.
//!
//! Read next: [`super::secret_show`].

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use latchkeep::{GroupId, Secret, SecretType, view};
use serde_json::json;

use crate::args::{List, SortBy};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::looking::Sight;
use crate::scene::Scene;
use crate::times::shown as shown_time;
use crate::{find, shown};

/// The columns; a terminal does without the last.
const HEAD: [&str; 10] =
    ["type", "name", "group", "state", "version", "with data", "locks", "expires", "updated", "id"];

pub(crate) fn run(args: &List, scene: &mut Scene) -> Result<Exit, Failure> {
    let sight = Sight::of(scene, args.as_of)?;
    let group = args.group.as_deref().map(|named| find::group_then(&sight.moment, named)).transpose()?;
    let mut secrets = sight.moment.secrets();
    let search = args.search.as_ref().map(|text| text.to_lowercase());
    secrets.retain(|secret| {
        args.secret_type.is_none_or(|wanted| SecretType::from(wanted) == secret.secret_type())
            && group.is_none_or(|wanted| wanted == secret.group)
            && (!args.locked || secret.locks_total() > 0)
            && search.as_ref().is_none_or(|text| matches(secret, text))
    });
    secrets.sort_by(|one, other| {
        let order = compare(one, other, args.sort.by);
        if args.sort.backwards { order.reverse() } else { order }
    });
    if scene.out.is_json() {
        let shown: Vec<view::Secret> = secrets.iter().map(|secret| view::Secret::of(secret)).collect();
        let mut fields = shown::object(json!({ "total_count": shown.len(), "secrets": shown }));
        sight.put(&mut fields);
        scene.out.json(&fields.into())?;
        return Ok(Exit::Done);
    }
    if secrets.is_empty() && scene.out.is_terminal() {
        scene.out.line("there are none; latchkeep secret create makes one")?;
        return Ok(Exit::Done);
    }
    let groups: BTreeMap<GroupId, String> =
        sight.moment.groups().into_iter().map(|(id, group)| (id, group.name.to_string())).collect();
    let terminal = scene.out.is_terminal();
    let rows = secrets.iter().map(|secret| row(secret, &groups, terminal)).collect();
    scene.out.table(HEAD.get(..if terminal { 9 } else { 10 }).unwrap_or(&HEAD), rows)?;
    Ok(Exit::Done)
}

/// Tells whether a text stands where the reference looks for it.
fn matches(secret: &Secret, text: &str) -> bool {
    let metadata = &secret.metadata;
    let has = |field: &str| field.to_lowercase().contains(text);
    has(&secret.id.to_string())
        || has(metadata.name.as_str())
        || has(secret.secret_type().label())
        || metadata.description.as_ref().is_some_and(|description| has(description.as_str()))
        || metadata.labels.iter().any(|label| has(label.as_str()))
}

fn compare(one: &Secret, other: &Secret, by: SortBy) -> Ordering {
    // What has no such time stands last.
    let times = |time: Option<latchkeep::Timestamp>| (time.is_none(), time);
    let found = match by {
        SortBy::Id => one.id.cmp(&other.id),
        SortBy::CreatedAt => one.created_at.cmp(&other.created_at),
        SortBy::UpdatedAt => one.updated_at.cmp(&other.updated_at),
        SortBy::RetrievedAt => times(one.retrieved_at).cmp(&times(other.retrieved_at)),
        SortBy::ExpirationDate => times(one.expires_at()).cmp(&times(other.expires_at())),
        SortBy::SecretType => one.secret_type().label().cmp(other.secret_type().label()),
        SortBy::Name => Ordering::Equal,
    };
    found.then_with(|| one.metadata.name.cmp(&other.metadata.name)).then_with(|| one.id.cmp(&other.id))
}

fn row(secret: &Arc<Secret>, groups: &BTreeMap<GroupId, String>, terminal: bool) -> Vec<String> {
    let available = secret.versions.iter().filter(|version| version.is_available()).count();
    let locks = match secret.locks_total() {
        0 if terminal => String::new(),
        locks => locks.to_string(),
    };
    let mut cells = vec![
        secret.secret_type().to_string(),
        secret.metadata.name.to_string(),
        groups.get(&secret.group).cloned().unwrap_or_else(|| view::group_id(secret.group)),
        secret.lifecycle.to_string(),
        secret.current().map(|version| version.number.to_string()).unwrap_or_default(),
        available.to_string(),
        locks,
        secret.expires_at().map(shown_time).unwrap_or_default(),
        shown_time(secret.updated_at),
    ];
    if !terminal {
        cells.push(secret.id.to_string());
    }
    cells
}
