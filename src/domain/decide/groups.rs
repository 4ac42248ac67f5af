//! Owns the rules for groups.

use super::super::command::Command;
use super::super::event::{GroupCreated, GroupDeleted, GroupUpdated};
use super::super::id::GroupId;
use super::super::limits;
use super::super::refusal::Refusal;
use super::super::settings::Group;
use super::super::state::State;
use super::Decision;

pub(super) fn decide(state: &State, command: &Command) -> Result<Decision, Refusal> {
    match command {
        Command::CreateGroup { id, name, description } => {
            if state.whole.groups.len() >= limits::GROUPS_MAX {
                return Err(Refusal::GroupLimitReached);
            }
            if state.group_named(name).is_some() || state.has_group(*id) {
                return Err(Refusal::GroupNameTaken);
            }
            let (name, description) = (name.clone(), description.clone());
            Ok(Decision::default().then(GroupCreated { group: *id, name, description }))
        }
        Command::UpdateGroup { group, name, description } => {
            let old = find(state, *group)?;
            let name = name.clone().unwrap_or_else(|| old.name.clone());
            let description = description.clone().over(old.description.clone());
            if state.group_named(&name).is_some_and(|other| other != *group) {
                return Err(Refusal::GroupNameTaken);
            }
            if name == old.name && description == old.description {
                return Ok(Decision::default());
            }
            Ok(Decision::default().then(GroupUpdated { group: *group, name, description }))
        }
        Command::DeleteGroup { group } => match find(state, *group)?.secrets {
            0 => Ok(Decision::default().then(GroupDeleted { group: *group })),
            secrets => Err(Refusal::GroupNotEmpty { secrets }),
        },
        _ => Ok(Decision::default()),
    }
}

fn find(state: &State, group: GroupId) -> Result<&Group, Refusal> {
    if group == GroupId::DEFAULT {
        return Err(Refusal::GroupIsDefault);
    }
    state.whole.groups.get(&group).ok_or(Refusal::GroupNotFound)
}
