//! Owns `latchkeep secret show`: all that is known about a secret, but no value.
//!
//! Read next: [`super::secret_list`].

use latchkeep::{Secret, Version, VersionData, VersionDetails, view};
use serde_json::json;

use crate::args::Show;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::looking::Sight;
use crate::scene::Scene;
use crate::times::shown as shown_time;
use crate::{find, rotations, shown};

pub(crate) fn run(args: &Show, scene: &mut Scene) -> Result<Exit, Failure> {
    let sight = Sight::of(scene, args.as_of)?;
    let secret = find::secret_then(&sight.moment, &args.secret)?;
    if scene.out.is_json() {
        let mut fields = shown::object(view::Secret::of(&secret));
        fields.insert("versions".to_owned(), json!(view::Version::all_of(&secret)));
        sight.put(&mut fields);
        scene.out.json(&fields.into())?;
        return Ok(Exit::Done);
    }
    scene.out.facts(&facts(&secret, &group_name(&sight, &secret)))?;
    let rows = secret.versions.iter().rev().map(|version| row(&secret, version)).collect();
    let head = ["version", "alias", "data", "read", "made", "by", "origin", "locks", "credential", "acknowledged by"];
    let width = if secret.spec.issuance().is_some() { head.len() } else { PLAIN_COLUMNS };
    scene.out.table(head.get(..width).unwrap_or(&head), rows)?;
    Ok(Exit::Done)
}

fn group_name(sight: &Sight, secret: &Secret) -> String {
    let groups = sight.moment.groups();
    let found = groups.iter().find(|(id, _)| *id == secret.group);
    found.map_or_else(|| view::group_id(secret.group), |(_, group)| group.name.to_string())
}

fn facts(secret: &Secret, group: &str) -> Vec<(&'static str, String)> {
    let metadata = &secret.metadata;
    let mut facts = vec![
        ("name", metadata.name.to_string()),
        ("type", secret.secret_type().to_string()),
        ("id", secret.id.to_string()),
        ("group", group.to_owned()),
        ("state", secret.lifecycle.to_string()),
        ("locks", secret.locks_total().to_string()),
        ("revision", secret.revision.to_string()),
        ("made", format!("{} by {}", shown_time(secret.created_at), secret.created_by)),
        ("updated", shown_time(secret.updated_at)),
    ];
    let mut more = |name, fact: Option<String>| facts.extend(fact.map(|fact| (name, fact)));
    more("read", secret.retrieved_at.map(shown_time));
    more("expires", secret.expires_at().map(shown_time));
    more("held since", secret.expiry_held_since.map(shown_time));
    let every = |policy: latchkeep::RotationPolicy| {
        let next = secret.next_rotation_at().map(|at| format!(", next {}", shown_time(at))).unwrap_or_default();
        format!("every {}{next}", policy.interval)
    };
    more("rotates", secret.policy.map(every));
    more("retention", Some(format!("{} versions", metadata.retention)));
    more("description", metadata.description.as_ref().map(ToString::to_string));
    let labels: Vec<&str> = metadata.labels.iter().map(latchkeep::Label::as_str).collect();
    more("labels", (!labels.is_empty()).then(|| labels.join(", ")));
    more("metadata", metadata.custom_metadata.as_ref().map(ToString::to_string));
    if let Some(VersionDetails::Certificate(details)) = secret.current().map(|version| &version.details) {
        more("subject", Some(details.common_name.to_string()));
        more("issuer", Some(details.issuer.to_string()));
        more("serial", Some(details.serial.to_string()));
    }
    facts.extend(issuance_facts(secret));
    facts
}

/// Columns for secrets that no issuer makes.
const PLAIN_COLUMNS: usize = 8;

/// Says who makes the credentials, and where a rotation stands.
fn issuance_facts(secret: &Secret) -> Vec<(&'static str, String)> {
    let Some(issuance) = secret.spec.issuance() else { return Vec::new() };
    let mut facts = vec![("issuer", issuance.issuer.to_string())];
    facts.extend(issuance.parameters.as_ref().map(|parameters| ("parameters", parameters.to_string())));
    let consumers: Vec<&str> = issuance.consumers.iter().map(latchkeep::Actor::as_str).collect();
    if !consumers.is_empty() {
        facts.push(("consumers", consumers.join(", ")));
    }
    if issuance.grace_secs > 0 {
        facts.push(("grace", format!("{} seconds", issuance.grace_secs)));
    }
    let open = secret.rotation.as_deref().map(view::Rotation::of);
    facts.extend(open.as_ref().map(rotations::facts).into_iter().flatten());
    facts
}

fn row(secret: &Secret, version: &Version) -> Vec<String> {
    let data = match version.data {
        VersionData::Available(_) => "kept".to_owned(),
        VersionData::Unavailable { since } => format!("not restored {}", shown_time(since)),
        VersionData::Destroyed { at, cause } => format!("destroyed {} ({cause})", shown_time(at)),
    };
    let locks: Vec<&str> = version.locks.iter().map(|lock| lock.name.as_str()).collect();
    let mut row = vec![
        version.number.to_string(),
        secret.alias(version.id).map(|alias| alias.to_string()).unwrap_or_default(),
        data,
        if version.downloaded { "yes" } else { "no" }.to_owned(),
        shown_time(version.created_at),
        version.created_by.to_string(),
        version.origin.label().replace('_', " "),
        locks.join(" "),
    ];
    if secret.spec.issuance().is_some() {
        let credential = version.credential.as_deref().map(|it| view::Credential::of(it).state.replace('_', " "));
        row.push(credential.unwrap_or_default());
        let consumers: Vec<&str> = version.acknowledged_by.iter().map(latchkeep::Actor::as_str).collect();
        row.push(consumers.join(" "));
    }
    row
}
