//! The upgrade of a store of release 0.1 to one with a voucher: once, completely or not at all, and never back.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use super::trust::lock;
use super::{Rows, named, names, new_data, open_store, opening, ops, sound, value};
use crate::codec::keys;
use crate::domain::version::VersionRef;
use crate::engine::open::{Access, Place, open_on};
use crate::storage::faulty::{Fault, Faulty};
use crate::storage::{Disk, DiskOptions, Storage};
use crate::store::Store;

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    fs::set_permissions(to, fs::Permissions::from_mode(0o700)).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let to = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &to);
        } else {
            fs::copy(&path, &to).unwrap();
            fs::set_permissions(&to, fs::Permissions::from_mode(0o600)).unwrap();
        }
    }
}

/// Returns the rows of a store that release 0.1.0 wrote.
pub(super) fn old_rows() -> Rows {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("store");
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/releases/0.1.0/store"), &dir);
    let disk = Disk::open(&dir, DiskOptions::default()).unwrap();
    let rows = Rows::copy_of(&disk);
    disk.close().unwrap();
    rows
}

fn read_only(rows: &Rows) -> Store {
    open_on(Arc::new(rows.0.reopen()), &opening(Place::Memory), Access::ReadOnly).map(Store::new).unwrap()
}

#[track_caller]
fn is_as_it_was(rows: &Rows) {
    let store = read_only(rows);
    let status = store.status().unwrap();
    assert!(!status.is_vouched && status.replayed_at_open == status.log_size.get());
    assert_eq!(value(&store, named(&store, "token")), "token-two");
    sound(&store);
}

#[test]
fn an_old_store_is_brought_up_to_date_whole_or_not_at_all() {
    let old = old_rows();
    is_as_it_was(&old);
    let size = read_only(&old).status().unwrap().log_size.get();
    for fault in [Fault::Before, Fault::After, Fault::NoSpace, Fault::Panic] {
        let fork = old.fork();
        let faulty = Arc::new(Faulty::new(Arc::new(fork.0.reopen())));
        faulty.plan(0, fault);
        let storage: Arc<dyn Storage> = faulty;
        let opened = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| open_store(storage).map(drop)));
        assert!(!matches!(opened, Ok(Ok(()))), "{fault:?}");
        let is_done = fork.0.get(&keys::VOUCHER).unwrap().is_some();
        assert_eq!(is_done, fault == Fault::After);
        if !is_done {
            is_as_it_was(&fork);
        }
        let store = fork.open();
        let status = store.status().unwrap();
        assert!(status.is_vouched && status.log_size.get() == size + 1 && status.epochs == [2, 3], "{status:?}");
        assert_eq!(names(&store), names(&read_only(&old)));
        sound(&store);
        store.close().unwrap();
        assert_eq!(fork.open().status().unwrap().log_size.get(), size + 1, "once");
        for gone in [keys::OLD_FRONTIER, keys::OLD_SAVED_MARK] {
            assert_eq!(fork.0.get(&gone).unwrap(), None);
        }
    }
}

/// An attacker with earlier rows, and no key, puts them back: the store does not become one that uses the log alone.
#[test]
fn an_older_revision_that_is_written_back_gains_nothing() {
    let old = old_rows();
    let rows = old.fork();
    let store = rows.open();
    let token = named(&store, "token");
    lock(&store, token, "since");
    let locks = store.lock_status(token).unwrap().locks_total();
    ops(&store).read(token, VersionRef::Current).unwrap();
    store.close().unwrap();
    for kinds in [&b"m"[..], b"mct", b"mctsawhpy", b"me", b"mectsaw", b"mectsawzgkd"] {
        for without_voucher in [false, true] {
            for without_epoch in [false, true] {
                let fork = rows.fork();
                for kind in kinds {
                    old.under(*kind).iter().for_each(|(row_key, row)| fork.put(row_key, row));
                }
                if without_voucher {
                    fork.remove(&keys::VOUCHER);
                }
                if without_epoch {
                    fork.remove(&keys::epoch_key(3));
                }
                match fork.try_open() {
                    Err(error) => {
                        assert!(without_voucher || without_epoch, "{error}");
                        assert_eq!(error.code(), "rows_changed", "{kinds:?}");
                    }
                    Ok(store) => {
                        assert!(!without_voucher && !without_epoch);
                        assert_eq!(value(&store, token), "token-two");
                        assert_eq!(store.lock_status(token).unwrap().locks_total(), locks, "{kinds:?}");
                    }
                }
            }
        }
    }
}

/// Rows that an attacker without a key changed before the upgrade are not taken over.
#[test]
fn bringing_up_to_date_believes_no_row() {
    let old = old_rows();
    for kind in *b"sawcthpyn" {
        for (row_key, row) in old.under(kind) {
            let fork = old.fork();
            let mut changed = row.clone();
            let middle = changed.len() / 2;
            changed[middle] ^= 1;
            fork.put(&row_key, &changed);
            let store = fork.open();
            assert_eq!(value(&store, named(&store, "token")), "token-two");
            if kind != keys::TREE_NODE {
                let findings = store.scrub(|_| {}).unwrap().findings;
                assert!(findings.iter().all(|finding| finding.contains("past state")), "{findings:?}");
            }
        }
    }
    let store = old.open();
    ops(&store).rotate(named(&store, "token"), new_data("three")).unwrap_err();
}
