//! Owns `latchkeep group`.
//!
//! Read next: [`super::secret_create`], which puts secrets into groups.

use latchkeep::{Command, Group, GroupId, view};
use serde_json::json;

use crate::args::{GroupCommand, GroupCreate, GroupDelete, GroupList};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::looking::Sight;
use crate::scene::Scene;
use crate::times::shown as shown_time;
use crate::{find, shown};

pub(crate) fn run(command: &GroupCommand, scene: &mut Scene) -> Result<Exit, Failure> {
    match command {
        GroupCommand::Create(args) => create(args, scene),
        GroupCommand::List(args) => list(args, scene),
        GroupCommand::Delete(args) => delete(args, scene),
    }
}

fn create(args: &GroupCreate, scene: &mut Scene) -> Result<Exit, Failure> {
    scene.session.run(Command::create_group(args.name.clone(), args.description.clone()))?;
    if scene.out.is_json() {
        let made = scene.store().groups().into_iter().find(|(_, group)| group.name == args.name);
        let shown = made.map(|(id, group)| view::Group::of(id, &group));
        scene.out.json(&json!(shown))?;
    } else {
        scene.out.line(format!("made group {}", args.name))?;
    }
    Ok(Exit::Done)
}

fn list(args: &GroupList, scene: &mut Scene) -> Result<Exit, Failure> {
    let sight = Sight::of(scene, args.as_of)?;
    let groups = sight.moment.groups();
    if scene.out.is_json() {
        let mut shown = vec![view::Group::default_group()];
        shown.extend(groups.iter().map(|(id, group)| view::Group::of(*id, group)));
        let mut fields = shown::object(json!({ "total_count": shown.len(), "secret_groups": shown }));
        sight.put(&mut fields);
        scene.out.json(&fields.into())?;
        return Ok(Exit::Done);
    }
    let row = |(id, group): &(GroupId, Group)| {
        let description = group.description.as_ref().map(ToString::to_string).unwrap_or_default();
        vec![
            group.name.to_string(),
            group.secrets.to_string(),
            shown_time(group.created_at),
            id.to_string(),
            description,
        ]
    };
    scene.out.table(&["name", "secrets", "made", "id", "description"], groups.iter().map(row).collect())?;
    Ok(Exit::Done)
}

fn delete(args: &GroupDelete, scene: &mut Scene) -> Result<Exit, Failure> {
    let id = find::group(scene.store(), &args.group)?;
    scene.session.run(Command::delete_group(id))?;
    if scene.out.is_json() {
        scene.out.json(&json!({ "id": view::group_id(id), "deleted": true }))?;
    } else {
        scene.out.line(format!("deleted group {}", args.group))?;
    }
    Ok(Exit::Done)
}
