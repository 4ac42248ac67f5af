//! Owns the rules for groups.

use super::super::command::Change;
use super::super::event::{GroupCreated, GroupDeleted, GroupUpdated};
use super::super::id::GroupId;
use super::super::limits;
use super::super::name::{Description, GroupName};
use super::super::refusal::Refusal;
use super::super::settings::Group;
use super::super::state::State;
use super::Decision;

pub(super) fn create(
    state: &State,
    id: GroupId,
    name: &GroupName,
    description: Option<&Description>,
) -> Result<Decision, Refusal> {
    if state.whole.groups.len() >= limits::GROUPS_MAX {
        return Err(Refusal::GroupLimitReached);
    }
    if state.group_named(name).is_some() || state.has_group(id) {
        return Err(Refusal::GroupNameTaken);
    }
    let (name, description) = (name.clone(), description.cloned());
    Ok(Decision::default().then(GroupCreated { group: id, name, description }))
}

pub(super) fn update(
    state: &State,
    group: GroupId,
    name: Option<&GroupName>,
    description: Change<Description>,
) -> Result<Decision, Refusal> {
    let old = find(state, group)?;
    let name = name.unwrap_or(&old.name).clone();
    let description = description.over(old.description.clone());
    if state.group_named(&name).is_some_and(|other| other != group) {
        return Err(Refusal::GroupNameTaken);
    }
    if name == old.name && description == old.description {
        return Ok(Decision::default());
    }
    Ok(Decision::default().then(GroupUpdated { group, name, description }))
}

pub(super) fn delete(state: &State, group: GroupId) -> Result<Decision, Refusal> {
    match find(state, group)?.secrets {
        0 => Ok(Decision::default().then(GroupDeleted { group })),
        secrets => Err(Refusal::GroupNotEmpty { secrets }),
    }
}

fn find(state: &State, group: GroupId) -> Result<&Group, Refusal> {
    if group == GroupId::DEFAULT {
        return Err(Refusal::GroupIsDefault);
    }
    state.whole.groups.get(&group).ok_or(Refusal::GroupNotFound)
}
