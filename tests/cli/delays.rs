//! What keeps a rotation from coming on for a while, as operators see it: a clock that is behind, and fifty versions that are good outside.

use std::time::Duration;

use latchkeep::{
    Actor, Clock, IssueOrder, Issued, Issuer, IssuerClass, IssuerError, IssuerName, ManualClock, NewSecret, OutsideId,
    RotationWorker, SecretBytes, SecretName, SecretType, Store, StoreOptions, SystemClock, Unlock, WorkerOptions,
};

use crate::rotations::{PROGRAM, get, home, read};
use crate::support::{Home, Ran};

const HOUR: Duration = Duration::from_secs(3_600);

fn open(home: &Home, clock: &ManualClock) -> Store {
    StoreOptions::new(home.path("store"), Unlock::key_file(home.path("store.key"))).clock(clock.clone()).open().unwrap()
}

/// Writes to the store under a clock that is ahead by so much.
fn write_ahead(home: &Home, ahead: Duration) {
    let clock = ManualClock::at(SystemClock.now().plus(ahead));
    let store = open(home, &clock);
    let new = NewSecret::arbitrary(SecretName::parse("late").unwrap(), SecretBytes::copy_from(b"late")).unwrap();
    store.acting_as(Actor::parse("ops").unwrap()).create(new).unwrap();
    store.close().unwrap();
}

fn once(home: &Home, patience: &str) -> Ran {
    home.run(&["rotation", "run", "--issuers", "issuers.json", "--once", "--patience", patience])
}

#[test]
fn what_failed_is_tried_again_by_the_next_run_while_the_clock_is_behind() {
    let home = home();
    write_ahead(&home, HOUR);
    home.file("down", "");
    once(&home, "0s").failed(1, &["the server is down"]);
    let shown = home.run(&["rotation", "show", "orders-db"]).done().text();
    assert!(shown.contains("at the next latchkeep rotation run"), "{shown}");
    let listed = home.run(&["rotation", "list"]).done().text();
    assert!(listed.contains("at the next latchkeep rotation run"), "{listed}");
    std::fs::remove_file(home.path("down")).unwrap();
    once(&home, "0s").done();
    assert_eq!(get(&home, &["--key", "password"]), "canary-1");
}

#[test]
fn a_run_waits_out_a_short_outage_while_the_clock_is_behind() {
    let home = home();
    write_ahead(&home, HOUR);
    home.file("issue", PROGRAM.replace("exit 75; }\ncase", "rm down; exit 75; }\ncase"));
    home.file("down", "");
    once(&home, "20s").done();
    assert_eq!((get(&home, &["--key", "password"]).as_str(), read(&home, "made").lines().count()), ("canary-1", 1));
}

/// Makes anything, and ends nothing.
struct Hoarder;

impl Issuer for Hoarder {
    fn class(&self) -> IssuerClass {
        IssuerClass::Opaque
    }

    fn create(&self, order: &IssueOrder<'_>, _: Option<&SecretBytes>) -> Result<Issued, IssuerError> {
        let made = Issued::new(SecretBytes::copy_from(br#"{"password":"canary"}"#));
        Ok(made.known_as(OutsideId::parse(&order.rotation.to_string()).unwrap()))
    }

    fn verify(&self, _: &IssueOrder<'_>, _: &SecretBytes) -> Result<(), IssuerError> {
        Ok(())
    }

    fn retire(&self, _: &IssueOrder<'_>, _: Option<&OutsideId>) -> Result<(), IssuerError> {
        Err(IssuerError::refused("the account is in use"))
    }
}

/// Gives the secret of a home fifty versions, and looks once more a day later what is due.
fn fill(home: &Home) {
    let clock = ManualClock::at(SystemClock.now());
    let store = open(home, &clock);
    let ops = store.acting_as(Actor::parse("ops").unwrap());
    let name = SecretName::parse("orders-db").unwrap();
    let secret = store.secret_named(SecretType::ServiceCredentials, &name).unwrap().id;
    let options = WorkerOptions::new().issuer(IssuerName::parse("orders").unwrap(), Hoarder);
    let worker = RotationWorker::new(&store, options);
    worker.run_due().unwrap();
    for _ in 1..50 {
        worker.rotate(&ops.clone().by_force(), secret).unwrap();
        worker.run_due().unwrap();
    }
    clock.advance(25 * HOUR);
    worker.run_due().unwrap();
    store.close().unwrap();
}

#[test]
fn a_rotation_without_room_is_refused_with_the_reason_and_the_way_out() {
    let home = home();
    home.run(&["secret", "update", "orders-db", "--no-consumers", "--rotate-every", "1d"]).done();
    fill(&home);
    home.file("stuck", "");
    for shown in [["rotation", "list"].as_slice(), &["rotation", "show", "orders-db"]] {
        let shown = home.run(shown).done().text();
        let whys = ["blocked", "could not be ended: the account is in use", "has 50 versions"];
        assert!(whys.iter().all(|why| shown.contains(why)), "{shown}");
    }
    let named = ["rotation", "run", "orders-db", "--issuers", "issuers.json", "--once", "--patience", "0s"];
    home.run(&named).failed(7, &["has 50 versions", "that of version 1 the longest", "latchkeep rotation retire"]);
    let explained = home.run(&["explain", "orders-db", "--operation", "rotate"]).failed(7, &[]).text();
    assert!(explained.contains("would be refused") && explained.contains("has 50 versions"), "{explained}");
    let ran = once(&home, "0s").failed(1, &["the account is in use"]);
    assert!(!ran.err.contains("more steps"), "{}", ran.err);
    // One run ends what the issuer ends again, and rotates. The clock is a day behind, where the next rotation does not come.
    std::fs::remove_file(home.path("stuck")).unwrap();
    once(&home, "0s").failed(9, &["the clock is behind"]);
    assert_eq!((get(&home, &["--key", "password"]).as_str(), read(&home, "retired").lines().count()), ("canary-1", 49));
}
