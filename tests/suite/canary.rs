//! Secret values that must never be seen outside: not in a file, not in `Debug`, not in an error.

use std::path::Path;

use latchkeep::{ApiKeyUse, Command, NewData, NewSecret, PassphraseCost, Unlock, Username, VersionRef};

use crate::support::{Home, api_key, lock, name, session, text, unlock};

const CURRENT: VersionRef = VersionRef::Current;
const CANARY: &str = "tweet-9b1c7e52-canary";

fn files(dir: &Path, found: &mut Vec<(String, Vec<u8>)>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push((path.display().to_string(), std::fs::read(&path).unwrap()));
        }
    }
}

#[track_caller]
fn silent(said: &str) {
    assert!(!said.contains(CANARY) && !said.contains("tweet"), "the canary sings: {said}");
}

#[test]
fn no_secret_value_lies_in_any_file() {
    let home = Home::new();
    let store = home.create();
    let ops = session(&store);
    let id = ops.create(NewSecret::arbitrary(name("a1"), text(CANARY)).unwrap()).unwrap().secret.unwrap();
    let kv = format!("{{\"key\":\"{CANARY}\"}}");
    ops.create(NewSecret::kv(name("a2"), &text(&kv)).unwrap()).unwrap();
    let username = Username::parse("user").unwrap();
    let db = ops.create(NewSecret::username_password(name("a3"), &username, text(CANARY)).unwrap()).unwrap();
    ops.rotate(db.secret.unwrap(), NewData::generated()).unwrap();
    let password = ops.read(db.secret.unwrap(), CURRENT).unwrap().text().unwrap().to_owned();
    let key = api_key(&ops, "a4", ApiKeyUse::UntilLeaseEnds, 3_600);
    let key = ops.read(key, CURRENT).unwrap().text().unwrap().to_owned();
    ops.clone().once(crate::support::once("k")).rotate(id, NewData::arbitrary(text(CANARY)).unwrap()).unwrap();
    ops.restore(id).unwrap();
    let words = Unlock::passphrase(text("tweet passphrase"));
    ops.add_key_slot(&unlock(7), &words, PassphraseCost::FLOOR).unwrap();
    store.close().unwrap();
    let mut found = Vec::new();
    files(home.dir.path(), &mut found);
    assert!(found.iter().any(|(path, bytes)| path.ends_with("db") && !bytes.is_empty()));
    for value in [CANARY, &password, &key, "tweet passphrase"] {
        for (path, bytes) in &found {
            let sings = bytes.windows(value.len()).any(|window| window == value.as_bytes());
            assert!(!sings, "a secret value lies in {path}");
        }
    }
    for (path, bytes) in &found {
        assert!(!bytes.windows(32).any(|window| window == [7; 32]), "the key of the host lies in {path}");
    }
}

#[test]
fn debug_forms_are_silent() {
    let home = Home::new();
    let options = latchkeep::StoreOptions::new(home.path(), Unlock::passphrase(text(CANARY)));
    silent(&format!("{options:?} {:?}", Unlock::bytes(text(CANARY))));
    let store = home.in_memory().create().unwrap();
    let ops = session(&store);
    let new = NewSecret::arbitrary(name("a1"), text(CANARY)).unwrap();
    silent(&format!("{new:?} {new:#?}"));
    let id = ops.create(new).unwrap().secret.unwrap();
    let data = || NewData::arbitrary(text(CANARY)).unwrap();
    let username = Username::parse("user").unwrap();
    let password = NewSecret::username_password(name("a2"), &username, text(CANARY)).unwrap();
    silent(&format!("{:?} {:?} {password:?}", data(), NewData::password(text(CANARY))));
    let command = Command::rotate(id, data());
    silent(&format!("{command:#?} {:?}", ops.dry_run(&command).unwrap()));
    let reading = ops.read(id, CURRENT).unwrap();
    assert_eq!(reading.text().unwrap(), CANARY);
    silent(&format!("{reading:?} {:?} {:#?}", reading.data, reading.data));
    silent(&format!("{store:?} {ops:?} {:?} {:?}", store.secret(id).unwrap(), store.status().unwrap()));
    silent(&format!("{:?}", ops.submit(Command::rotate(id, data())).unwrap()));
    silent(&format!("{:?}", crate::walk::records(&store)));
}

#[test]
fn errors_are_silent() {
    let home = Home::new();
    let store = home.in_memory().create().unwrap();
    let ops = session(&store);
    let broken = format!("{{\"{CANARY}\": tweet");
    let twice = format!("{{\"{CANARY}\":1,\"{CANARY}\":2}}");
    let long = CANARY.repeat(100_000);
    let username = Username::parse("user").unwrap();
    let errors = [
        NewSecret::kv(name("a1"), &text(&broken)).err().unwrap(),
        NewSecret::kv(name("a1"), &text(&twice)).err().unwrap(),
        NewSecret::arbitrary(name("a1"), text(&long)).err().unwrap(),
        NewSecret::username_password(name("a1"), &username, text(&long)).err().unwrap(),
        ops.create(NewSecret::imported_cert(name("a1"), text(CANARY), Some(text(CANARY)), None).unwrap())
            .err()
            .unwrap(),
    ];
    for error in errors {
        silent(&format!("{error} {error:?}"));
        let source = std::error::Error::source(&error).map(|source| format!("{source} {source:?}"));
        silent(&source.unwrap_or_default());
    }
    let id = ops.create(NewSecret::arbitrary(name("a1"), text(CANARY)).unwrap()).unwrap().secret.unwrap();
    ops.place_lock(id, CURRENT, lock("billing")).unwrap();
    let error = ops.delete(id).unwrap_err();
    silent(&format!("{error} {error:?}"));
}
