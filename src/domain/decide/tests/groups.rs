//! Groups: the default one that is always there, how many, their names, and when they go.

use super::kind::Kind;
use super::world::{Answer, World, word};
use crate::domain::command::{Change, Command};
use crate::domain::id::GroupId;
use crate::domain::name::{Description, GroupName};

fn id(group: u8) -> GroupId {
    GroupId::from_bytes([group; 16])
}

#[track_caller]
fn create(world: &mut World, group: u8, name: &str) -> Answer {
    world.ask(&Command::CreateGroup { id: id(group), name: GroupName::parse(name).unwrap(), description: None })
}

#[test]
fn a_store_takes_two_hundred_groups_beside_the_default_one() {
    let mut world = World::new();
    for group in 1..=200 {
        create(&mut world, group, &format!("group-{group}")).unwrap();
    }
    assert_eq!(word(&create(&mut world, 201, "one-more")), "secret_group_limit_reached");
    world.ask(&Command::DeleteGroup { group: id(7) }).unwrap();
    assert_eq!(word(&create(&mut world, 201, "one-more")), "ok");
    world.check_replay();
}

#[test]
fn group_names_are_unique() {
    let mut world = World::new();
    create(&mut world, 1, "one").unwrap();
    create(&mut world, 2, "two").unwrap();
    let rename = |name: &str| Command::UpdateGroup {
        group: id(2),
        name: Some(GroupName::parse(name).unwrap()),
        description: Change::Keep,
    };
    assert_eq!(word(&create(&mut world, 3, "one")), "secret_group_name_taken");
    assert_eq!(word(&create(&mut world, 1, "three")), "secret_group_name_taken");
    assert_eq!(word(&world.ask(&rename("one"))), "secret_group_name_taken");
    assert_eq!(world.ask(&rename("two")).unwrap().events, 0);
    assert_eq!(word(&world.ask(&rename("three"))), "ok");
    assert_eq!(word(&create(&mut world, 3, "two")), "ok");
}

/// A path or a filter that says `default` could have meant two groups.
#[test]
fn the_name_of_the_default_group_is_taken() {
    let mut world = World::new();
    assert_eq!(word(&create(&mut world, 1, "default")), "secret_group_name_taken");
    create(&mut world, 1, "one").unwrap();
    let name = Some(GroupName::parse("default").unwrap());
    let rename = Command::UpdateGroup { group: id(1), name, description: Change::Keep };
    assert_eq!(word(&world.ask(&rename)), "secret_group_name_taken");
    assert_eq!(world.state.group_named(&GroupName::parse("default").unwrap()), Some(GroupId::DEFAULT));
}

#[test]
fn a_group_is_described() {
    let mut world = World::new();
    create(&mut world, 1, "one").unwrap();
    let describe = |description| Command::UpdateGroup { group: id(1), name: None, description };
    let text = Description::parse("team one").unwrap();
    world.ask(&describe(Change::Set(text.clone()))).unwrap();
    world.pass(60);
    assert_eq!(world.state.whole.groups[&id(1)].description, Some(text));
    world.ask(&describe(Change::Clear)).unwrap();
    let group = &world.state.whole.groups[&id(1)];
    assert_eq!((&group.description, group.updated_at), (&None, world.now));
    assert!(group.created_at < group.updated_at);
}

#[test]
fn the_default_group_stays_as_it_is() {
    let mut world = World::new();
    let group = GroupId::DEFAULT;
    assert!(world.state.has_group(group));
    let update = Command::UpdateGroup { group, name: None, description: Change::Clear };
    assert_eq!(word(&world.ask(&update)), "secret_group_is_default");
    assert_eq!(word(&world.ask(&Command::DeleteGroup { group })), "secret_group_is_default");
    assert_eq!(word(&create(&mut world, 0, "again")), "secret_group_name_taken");
}

#[test]
fn only_an_empty_group_is_deleted() {
    let mut world = World::new();
    create(&mut world, 1, "one").unwrap();
    let mut secrets = Vec::new();
    for name in ["aa", "bb"] {
        let mut command = world.creation(Kind::Kv, name);
        if let Command::CreateSecret { group, .. } = &mut command {
            *group = id(1);
        }
        secrets.push(world.ask(&command).unwrap().secret.unwrap());
    }
    let delete = Command::DeleteGroup { group: id(1) };
    for secret in secrets {
        assert_eq!(word(&world.ask(&delete)), "secret_group_not_empty");
        world.delete(secret).unwrap();
    }
    assert_eq!(word(&world.ask(&delete)), "ok");
    assert_eq!(word(&world.ask(&delete)), "not_found");
    let update = Command::UpdateGroup { group: id(1), name: None, description: Change::Clear };
    assert_eq!(word(&world.ask(&update)), "not_found");
    world.check_replay();
}
