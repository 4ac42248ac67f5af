//! What is shown of locks.

use super::golden;
use super::sample::{lease, secret};
use crate::domain::id::GroupId;
use crate::view::{Lock, SecretLocks};

#[test]
fn locks_have_the_names_of_the_reference() {
    let mut secret = secret();
    let version = &secret.versions[1];
    golden("lock", &Lock::of(&secret, version, &lease("billing")));
    golden("secret-locks", &SecretLocks::of(&secret));
    secret.group = GroupId::from_bytes([0xbb; 16]);
    golden("locks-in-a-group", &Lock::all_of(&secret)[0]);
}

#[test]
fn the_locks_of_the_newest_version_come_first() {
    let names: Vec<_> = Lock::all_of(&secret()).iter().map(|lock| lock.name.to_string()).collect();
    assert_eq!(names, ["billing", "shop", "archive"]);
}
