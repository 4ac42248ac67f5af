//! The store that is edited, a copy of it from before, and what it answers.

use super::answers::{Answers, answers};
use super::rows::{Rows, bustle, lock, named, new_data, new_secret, ops, put_secret};
use crate::domain::command::Change;
use crate::domain::id::SecretId;
use crate::domain::name::{Description, GroupName, IdempotencyKey};
use crate::domain::position::Position;
use crate::domain::settings::{AccessAudit, Settings};
use crate::seal::passphrase::PassphraseCost;
use crate::seal::secret_bytes::SecretBytes;
use crate::seal::unlock::Unlock;
use crate::store::Store;
use crate::store::command::Command;

/// The way in that was removed.
pub(crate) const REMOVED: u8 = 8;

pub(crate) fn bytes(byte: u8) -> Unlock {
    Unlock::bytes(SecretBytes::copy_from(&[byte; 32]))
}

/// A fair history, closed.
pub(crate) struct Scene {
    pub(crate) rows: Rows,
    /// The same store as it was earlier, closed.
    pub(crate) earlier: Rows,
    /// A store of the editor's own.
    pub(crate) other: Rows,
    pub(crate) sizes: Vec<u64>,
    pub(crate) secrets: Vec<SecretId>,
    pub(crate) honest: Answers,
}

/// Settings, groups, secrets, a second way in, saved and past state.
fn before(rows: &Rows) {
    let store = rows.open();
    let settings = Settings { access_audit: AccessAudit::Off, refuse_rotation_while_locked: false };
    ops(&store).change_settings(settings).unwrap();
    for name in ["token", "plain", "said", "gone"] {
        put_secret(&store, name);
    }
    let group = Command::create_group(GroupName::parse("payments").unwrap(), Description::parse("words").ok());
    ops(&store).run(group).unwrap();
    let group = store.groups()[0].0;
    ops(&store).create(new_secret("inside").in_group(group)).unwrap();
    ops(&store).once(IdempotencyKey::parse("first").unwrap()).create(new_secret("keyed")).unwrap();
    ops(&store).add_key_slot(&bytes(7), &bytes(REMOVED), PassphraseCost::FLOOR).unwrap();
    bustle(&store);
    store.close().unwrap();
}

/// A rotation, locks, erasures, other keys, and what comes after the last saved state.
fn since(rows: &Rows) {
    let store = rows.open();
    let id = |name: &str| named(&store, name);
    let token = id("token");
    ops(&store).rotate(token, new_data("fresh")).unwrap();
    lock(&store, token, "checkout");
    ops(&store).remove_key_slot(1).unwrap();
    ops(&store).roll_epoch(|_| {}).unwrap();
    ops(&store).change_signing_key().unwrap();
    ops(&store).run(Command::update_group(store.groups()[0].0, None, Change::Clear)).unwrap();
    ops(&store).delete(id("gone")).unwrap();
    let positions = store.erasable_records(id("said"), Position::FIRST, 9).unwrap();
    ops(&store).erase_bodies(positions).unwrap();
    ops(&store).once(IdempotencyKey::parse("second").unwrap()).create(new_secret("later")).unwrap();
    bustle(&store);
    store.close().unwrap();
    let store = rows.open();
    lock(&store, named(&store, "later"), "tail");
    lock(&store, named(&store, "plain"), "tail");
    ops(&store).rotate(named(&store, "plain"), new_data("last")).unwrap();
    put_secret(&store, "newest");
    let positions = store.erasable_records(named(&store, "later"), Position::FIRST, 1).unwrap();
    ops(&store).erase_bodies(positions).unwrap();
    store.close().unwrap();
}

impl Scene {
    pub(crate) fn new() -> Self {
        let rows = Rows::new();
        before(&rows);
        let earlier = rows.fork();
        since(&rows);
        let other = Rows::new();
        before(&other);
        let store: Store = rows.fork().open();
        let size = store.status().unwrap().log_size.get();
        // The end comes first: what is asked of it is an error, and stays one.
        let sizes = vec![size, size - 1, size - 4, 3, 40, 700, 1_300];
        let secrets: Vec<_> = store.secrets().iter().map(|secret| secret.id).collect();
        let honest = answers(&store, &sizes, &secrets);
        store.close().unwrap();
        Self { rows, earlier, other, sizes, secrets, honest }
    }
}
