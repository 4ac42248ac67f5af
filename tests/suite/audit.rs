//! Reads in the audit trail: not at all, soon after, or durably before the data is handed out.

use latchkeep::{AccessAudit, ApiKeyUse, Event, Record, SecretId, Settings, VersionRef};

use crate::support::{Home, actor, api_key, arbitrary, lock, refused, session};
use crate::walk::{labels, records};

fn reads_of(records: &[Record], id: SecretId) -> Vec<(String, u64)> {
    let read = |record: &Record| match &record.event {
        Event::AccessRecorded(access) if access.secret == id => Some((access.reader.to_string(), access.reads)),
        _ => None,
    };
    records.iter().filter_map(read).collect()
}

#[test]
fn off_records_only_that_a_version_was_read_at_all() {
    let home = Home::new();
    let store = home.options().access_audit(AccessAudit::Off).create().unwrap();
    let ops = session(&store);
    let id = arbitrary(&ops, "token", "one");
    let first = ops.read(id, VersionRef::Current).unwrap();
    assert!(first.receipt.is_some(), "the first read of a version is recorded before the data is handed out");
    assert!(ops.read(id, VersionRef::Current).unwrap().receipt.is_none());
    assert!(store.secret(id).unwrap().versions[0].downloaded);
    store.close().unwrap();
    let found = records(&home.open());
    assert_eq!(labels(&found), ["StoreCreated", "SigningKeySet", "SecretCreated", "VersionAdded", "VersionDownloaded"]);
}

#[test]
fn relaxed_counts_reads_together_and_records_them_at_the_latest_when_the_store_closes() {
    let home = Home::standing_still();
    let store = home.create();
    let id = arbitrary(&session(&store), "token", "one");
    for reader in ["alice", "bob", "bob", "bob"] {
        store.acting_as(actor(reader)).read(id, VersionRef::Current).unwrap();
    }
    home.advance_secs(60);
    store.acting_as(actor("bob")).read(id, VersionRef::Current).unwrap();
    store.close().unwrap();
    let store = home.open();
    let mut reads = reads_of(&records(&store), id);
    let total = |reader: &str| reads.iter().filter(|(name, _)| name == reader).map(|(_, reads)| reads).sum::<u64>();
    assert_eq!((total("alice"), total("bob")), (1, 4));
    reads.dedup_by_key(|(name, _)| name.clone());
    assert!(reads.len() <= 4, "reads of one kind are counted together: {reads:?}");
    assert_eq!(store.secret(id).unwrap().retrieved_at, Some(home.now()));
    assert_eq!(store.status().unwrap().reads_missed, 0);
}

/// The last look at the reads that wait took one batch of them, and the rest was lost though the store closed in good
/// order.
#[test]
fn closing_records_all_reads_that_wait_however_many() {
    let home = Home::new();
    let store = home.create();
    let id = arbitrary(&session(&store), "token", "one");
    session(&store).read(id, VersionRef::Current).unwrap();
    for reader in 0..2_500 {
        store.acting_as(actor(&format!("reader-{reader}"))).read(id, VersionRef::Current).unwrap();
    }
    assert_eq!(store.status().unwrap().reads_missed, 0);
    store.close().unwrap();
    let reads: u64 = reads_of(&records(&home.open()), id).iter().map(|(_, reads)| reads).sum();
    assert_eq!(reads, 2_501);
}

#[test]
fn strict_records_each_read_before_the_data_is_handed_out() {
    let home = Home::new();
    let store = home.options().access_audit(AccessAudit::Strict).create().unwrap();
    let ops = session(&store);
    let id = arbitrary(&ops, "token", "one");
    let key = api_key(&ops, "deployer", ApiKeyUse::FreshPerRead, 3_600);
    for read in 1..=3_u64 {
        let receipt = ops.read(id, VersionRef::Current).unwrap().receipt.unwrap();
        let found = records(&store);
        assert_eq!(reads_of(&found, id).len() as u64, read);
        assert_eq!(found.len() as u64, receipt.position.get() + 1, "the read is the last thing in the log");
    }
    ops.read(key, VersionRef::Current).unwrap();
    assert_eq!(labels(&records(&store))[records(&store).len() - 2..], ["VersionRegenerated", "AccessRecorded"]);
    ops.place_lock(key, VersionRef::Current, lock("deploy")).unwrap();
    refused(ops.read(key, VersionRef::Current), "secret_version_locked");
    assert_eq!(*labels(&records(&store)).last().unwrap(), "ReadRefused");
    // Nothing is closed: what is in the log is durable already.
    drop((ops, store));
    assert_eq!(reads_of(&records(&home.open()), id).len(), 3);
}

#[test]
fn strict_gives_no_data_where_a_read_cannot_be_recorded() {
    let home = Home::new();
    let store = home.options().access_audit(AccessAudit::Strict).create().unwrap();
    let id = arbitrary(&session(&store), "token", "one");
    session(&store).read(id, VersionRef::Current).unwrap();
    store.close().unwrap();
    let store = home.options().open_read_only().unwrap();
    refused(session(&store).read(id, VersionRef::Current), "read_only");
}

#[test]
fn the_audit_of_reads_can_be_changed_and_the_change_is_recorded() {
    let home = Home::new();
    let store = home.create();
    let ops = session(&store);
    let id = arbitrary(&ops, "token", "one");
    ops.read(id, VersionRef::Current).unwrap();
    let strict = Settings { access_audit: AccessAudit::Strict, ..store.settings() };
    ops.change_settings(strict).unwrap();
    assert_eq!(store.settings(), strict);
    assert!(ops.read(id, VersionRef::Current).unwrap().receipt.is_some());
    store.close().unwrap();
    let store = home.open();
    assert_eq!(store.settings(), strict);
    assert!(labels(&records(&store)).contains(&"SettingsChanged"));
}

#[test]
fn a_refused_read_moves_neither_downloaded_nor_retrieved_at() {
    let home = Home::new();
    let store = home.in_memory().create().unwrap();
    let ops = session(&store);
    let key = api_key(&ops, "deployer", ApiKeyUse::FreshPerRead, 3_600);
    ops.place_lock(key, VersionRef::Current, lock("deploy")).unwrap();
    refused(ops.read(key, VersionRef::Current), "secret_version_locked");
    let secret = store.secret(key).unwrap();
    assert!(!secret.versions[0].downloaded);
    assert_eq!(secret.retrieved_at, None);
}
