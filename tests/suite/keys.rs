//! What opens a store: key slots of several kinds, wrong keys, and epochs that are rolled without a touch of sealed data.

use std::sync::atomic::{AtomicBool, Ordering};

use latchkeep::{
    ApiKeyUse, CallbackError, Error, KeyCallback, KeySlotKind, PassphraseCost, SecretBytes, Unlock, VersionRef,
};

use crate::support::{Home, api_key, arbitrary, next, refused, session, sound, text, unlock};
use crate::walk::{labels, sound_log};

const CURRENT: VersionRef = VersionRef::Current;

fn open_with(home: &Home, unlock: Unlock) -> Result<latchkeep::Store, Error> {
    latchkeep::StoreOptions::new(home.path(), unlock).clock(home.clock.clone()).open()
}

#[test]
fn a_wrong_key_or_passphrase_opens_nothing_and_harms_nothing() {
    let home = Home::new();
    let words = || Unlock::passphrase(text("correct horse battery"));
    let options = latchkeep::StoreOptions::new(home.path(), words()).clock(home.clock.clone());
    let store = options.passphrase_cost(PassphraseCost::FLOOR).create().unwrap();
    let id = arbitrary(&session(&store), "token", "one");
    store.close().unwrap();
    for wrong in [Unlock::passphrase(text("correct horse batterx")), unlock(7), Unlock::bytes(text("short"))] {
        let error = open_with(&home, wrong).err().unwrap();
        assert!(["wrong_key", "invalid_parameter"].contains(&error.code()), "{error:?}");
    }
    let no_file = open_with(&home, Unlock::key_file(home.dir.path().join("no.key"))).err().unwrap();
    assert_eq!(no_file.code(), "key_file", "{no_file}");
    let store = open_with(&home, words()).unwrap();
    assert_eq!(session(&store).read(id, CURRENT).unwrap().text().unwrap(), "one");
}

#[test]
fn bad_keys_make_no_store() {
    let home = Home::new();
    for bad in [Unlock::passphrase(text("short")), Unlock::bytes(SecretBytes::copy_from(&[7; 31]))] {
        let error = latchkeep::StoreOptions::new(home.path(), bad).create().err().unwrap();
        assert_eq!(error.code(), "invalid_parameter", "{error:?}");
    }
    assert!(!home.path().exists());
}

#[test]
fn slots_are_added_and_removed_and_the_last_one_stays() {
    let home = Home::new();
    let store = home.create();
    let ops = session(&store);
    let words = || Unlock::passphrase(text("correct horse battery"));
    refused(ops.add_key_slot(&unlock(8), &words(), PassphraseCost::FLOOR), "wrong_key");
    assert_eq!(ops.add_key_slot(&unlock(7), &words(), PassphraseCost::FLOOR).unwrap(), 1);
    assert_eq!(store.status().unwrap().key_slots, [(0, KeySlotKind::HostBytes), (1, KeySlotKind::Passphrase)]);
    store.close().unwrap();
    let store = open_with(&home, words()).unwrap();
    let ops = session(&store);
    ops.remove_key_slot(0).unwrap();
    refused(ops.remove_key_slot(0), "key_slot_unavailable");
    refused(ops.remove_key_slot(1), "key_slot_unavailable");
    store.close().unwrap();
    assert_eq!(open_with(&home, unlock(7)).err().unwrap().code(), "wrong_key");
    let store = open_with(&home, words()).unwrap();
    let ops = session(&store);
    for byte in 1..=7 {
        ops.add_key_slot(&words(), &unlock(byte), PassphraseCost::FLOOR).unwrap();
    }
    refused(ops.add_key_slot(&words(), &unlock(9), PassphraseCost::FLOOR), "key_slot_unavailable");
    let labels = labels(&sound_log(&store));
    assert_eq!(labels.iter().filter(|label| **label == "KeySlotAdded").count(), 8);
    assert_eq!(labels.iter().filter(|label| **label == "KeySlotRemoved").count(), 1);
}

/// A key service that turns each bit around, unless it is down.
struct Turner(AtomicBool);

impl KeyCallback for &'static Turner {
    fn wrap(&self, slot_key: &SecretBytes, _context: &[u8]) -> Result<Vec<u8>, CallbackError> {
        Ok(slot_key.expose().iter().map(|byte| !byte).collect())
    }

    fn unwrap(&self, wrapped: &[u8], context: &[u8]) -> Result<SecretBytes, CallbackError> {
        assert_eq!(context.len(), 17);
        if self.0.load(Ordering::SeqCst) {
            return Err(CallbackError::Failed("the key service is down".into()));
        }
        Ok(SecretBytes::from(wrapped.iter().map(|byte| !byte).collect::<Vec<_>>()))
    }
}

#[test]
fn a_key_service_opens_a_store_and_its_failure_is_told() {
    static SERVICE: Turner = Turner(AtomicBool::new(false));
    let home = Home::new();
    let options = latchkeep::StoreOptions::new(home.path(), Unlock::callback(&SERVICE)).clock(home.clock.clone());
    options.create().unwrap().close().unwrap();
    open_with(&home, Unlock::callback(&SERVICE)).unwrap().close().unwrap();
    SERVICE.0.store(true, Ordering::SeqCst);
    let error = open_with(&home, Unlock::callback(&SERVICE)).err().unwrap();
    assert_eq!(error.code(), "key_unavailable");
    assert!(error.to_string().contains("the key service is down"), "{error}");
}

#[test]
fn rolling_the_epoch_leaves_everything_readable_and_the_old_key_gone() {
    let home = Home::new();
    let store = home.create();
    let ops = session(&store);
    let ids: Vec<_> =
        (0..30).map(|number| arbitrary(&ops, &format!("token-{number}"), &format!("data {number}"))).collect();
    let key = api_key(&ops, "ci", ApiKeyUse::UntilLeaseEnds, 3_600);
    let leased = ops.read(key, CURRENT).unwrap().text().unwrap().to_owned();
    let sealed = |store: &latchkeep::Store| {
        let secrets = store.secrets();
        secrets.iter().map(|secret| *secret.versions[0].data.sealed().unwrap()).collect::<Vec<_>>()
    };
    let before = sealed(&store);
    assert_eq!(store.status().unwrap().epochs, [1]);
    let mut seen = Vec::new();
    assert_eq!(ops.roll_epoch(|progress| seen.push((progress.done, progress.total))).unwrap(), 2);
    assert_eq!(seen.first(), Some(&(31, 31)));
    assert_eq!(store.status().unwrap().epochs, [2]);
    assert_eq!(sealed(&store), before, "place, digest and size of sealed data stay");
    ops.rotate(ids[0], next("after the roll")).unwrap();
    assert_eq!(store.secret(ids[0]).unwrap().current().unwrap().data.sealed().unwrap().epoch, 2);
    store.close().unwrap();
    let store = home.open();
    let ops = session(&store);
    for (number, id) in ids.iter().enumerate().skip(1) {
        assert_eq!(ops.read(*id, CURRENT).unwrap().text().unwrap(), format!("data {number}"));
    }
    assert_eq!(ops.read(key, CURRENT).unwrap().text().unwrap(), leased);
    assert_eq!(ops.roll_epoch(|_| {}).unwrap(), 3);
    assert_eq!(store.status().unwrap().epochs, [3]);
    sound(&store);
    let labels = labels(&sound_log(&store));
    assert_eq!(labels.iter().filter(|label| label.starts_with("Epoch")).count(), 4);
}

#[test]
fn an_idempotency_key_outlives_the_epoch() {
    let home = Home::new();
    let store = home.in_memory().create().unwrap();
    let ops = session(&store);
    let id = arbitrary(&ops, "token", "one");
    let keyed = ops.clone().once(crate::support::once("k"));
    keyed.rotate(id, next("two")).unwrap();
    ops.roll_epoch(|_| {}).unwrap();
    assert!(keyed.rotate(id, next("two")).unwrap().remembered);
}
