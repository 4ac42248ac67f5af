//! Adoptions of credentials that exist outside: the batch that is legal, and the first fault of each that is not.

use super::illegal::check_log;
use super::scenario::{Scenario, lock, verify};
use crate::audit::Rule;
use crate::domain::command::{Command, Prepared};
use crate::domain::decide::decide;
use crate::domain::event::Event;
use crate::domain::id::{GroupId, RotationId, SecretId};
use crate::domain::issuance::Issuance;
use crate::domain::name::{IssuerName, OutsideId};
use crate::domain::quarantine::RestoredFrom;
use crate::domain::rotation::IssuerClass;
use crate::domain::rotation_command::{Adopted, RotationCommand};
use crate::domain::rotation_event::StrangersFound;
use crate::domain::secret::SecretSpec;
use crate::domain::version::VersionRef::Previous;

const SECRET: SecretId = SecretId::from_bytes([3; 16]);

fn adoption(log: &mut Scenario, number: u8) -> Command {
    let made: Prepared = log.prepared();
    let outside = OutsideId::parse(&format!("role-{number}")).unwrap();
    let (issuer, rotation) = (IssuerName::parse("db").unwrap(), RotationId::from_bytes([number; 16]));
    let adopted = Adopted { issuer, rotation, outside, made, expires_at: None };
    Command::Rotation { secret: SECRET, step: RotationCommand::Adopt(Box::new(adopted)) }
}

/// A secret with three versions, all adopted, of which the first was let go; some of its consumers have not moved.
fn given() -> Scenario {
    let mut log = Scenario::new();
    let spec = SecretSpec::ServiceCredentials { issuance: Issuance::by(IssuerName::parse("db").unwrap()) };
    let (id, group, metadata) = (SECRET, GroupId::DEFAULT, Scenario::metadata("orders"));
    log.ask(&Command::CreateSecret { id, group, metadata, expires: None, spec, policy: None, first: None }).unwrap();
    for number in 1..4 {
        let command = adoption(&mut log, number);
        log.ask(&command).unwrap();
    }
    log
}

#[test]
fn adoptions_are_legal() {
    let log = given();
    assert_eq!(log.get(SECRET).versions.len(), 3);
    let report = verify(&log.export());
    assert!(report.is_sound(), "{report}");
    for first in 1..log.size() {
        let slice = verify(&log.export_as(first, None, &[]));
        assert!(slice.first_fault().is_none(), "from {first}: {slice}");
    }
}

/// What the erasure of a secret's words hides is held to what is left, adoptions among it.
#[test]
fn adoptions_of_a_secret_whose_words_were_erased_are_legal() {
    let mut log = given();
    log.erase(|position| position > 0).unwrap();
    let command = adoption(&mut log, 4);
    log.ask(&command).unwrap();
    assert!(!log.erased.is_empty());
    let report = verify(&log.export());
    assert!(report.first_fault().is_none(), "{report}");
}

/// An adoption of which something was changed is the first step that is not legal.
#[track_caller]
fn check(rule: Rule, before: impl FnOnce(&mut Scenario), change: impl FnOnce(&mut Vec<Event>)) {
    let mut log = given();
    let command = adoption(&mut log, 4);
    let decision = decide(&log.state, &command, &log.terms, log.now).unwrap();
    let mut events: Vec<Event> = decision.events.into_iter().map(|(_, event)| event).collect();
    before(&mut log);
    change(&mut events);
    log.append(events.into_iter().map(|event| (Some(SECRET), event)).collect());
    check_log(rule, &log);
}

fn issued(events: &mut [Event]) -> &mut crate::domain::rotation_event::CredentialIssued {
    let found = events.iter_mut().find_map(|event| match event {
        Event::CredentialIssued(event) => Some(event),
        _ => None,
    });
    found.unwrap()
}

#[test]
fn an_adoption_is_one_whole_batch() {
    const RULE: Rule = Rule::BatchMismatch;
    // What falls out of the window is let go with it.
    check(RULE, |_| (), |events| drop(events.pop()));
    check(RULE, |_| (), |events| events.truncate(3));
    check(RULE, |_| (), |events| events.truncate(2));
    // It was found by its tag, so its name outside is known.
    check(RULE, |_| (), |events| issued(events).outside = None);
    check(
        RULE,
        |_| (),
        |events| {
            let Some(Event::RotationPlanned(planned)) = events.first_mut() else { panic!() };
            planned.class = IssuerClass::CreateWithToken;
        },
    );
}

#[test]
fn an_adoption_keeps_to_the_rules_of_rotations() {
    check(
        Rule::CredentialEnded,
        |_| (),
        |events| {
            let end = match events.first() {
                Some(Event::RotationPlanned(planned)) => planned.deadline,
                _ => panic!(),
            };
            issued(events).expires_at = Some(end);
            for event in events {
                if let Event::VersionAdded(added) = event {
                    added.expires_at = Some(end);
                }
            }
        },
    );
}

/// A lock that came in between, and a quarantine: the plan itself is the first illegal step.
#[test]
fn an_adoption_passes_over_no_lock() {
    for (rule, before) in [
        (Rule::LockedVersionTouched, lock_previous as fn(&mut Scenario)),
        (Rule::TouchedInQuarantine, |log| super::restores::restore(log, RestoredFrom::Backup)),
    ] {
        let mut log = given();
        let command = adoption(&mut log, 4);
        let decision = decide(&log.state, &command, &log.terms, log.now).unwrap();
        before(&mut log);
        let expected = format!("illegal step at position {}: {rule}", log.size());
        log.append(decision.events);
        let report = verify(&log.export());
        assert!(report.to_string().contains(&expected), "{report}");
    }
}

fn lock_previous(log: &mut Scenario) {
    log.lock(SECRET, Previous, vec![lock("app")]);
}

fn found(issuer: usize, credentials: u64) -> Event {
    StrangersFound { issuer: IssuerName::parse(&format!("issuer-{issuer}")).unwrap(), credentials }.into()
}

#[test]
fn what_issuers_list_is_said_when_it_changes() {
    let said = |issuer_and_credentials: &[(usize, u64)]| {
        let mut log = Scenario::new();
        for (issuer, credentials) in issuer_and_credentials {
            log.append(vec![(None, found(*issuer, *credentials))]);
        }
        log
    };
    let log = said(&[(1, 2), (2, 1), (1, 3), (1, 0), (1, 2), (2, 0)]);
    let report = verify(&log.export());
    assert!(report.is_sound(), "{report}");
    check_log(Rule::NothingChanged, &said(&[(1, 2), (2, 1), (1, 2)]));
    check_log(Rule::NothingChanged, &said(&[(1, 0)]));
    let many: Vec<_> = (0..201).map(|issuer| (issuer, 1)).collect();
    check_log(Rule::NothingChanged, &said(&many));
    let mut log = Scenario::new();
    log.append(vec![(None, found(1, 1)), (None, found(2, 1))]);
    check_log(Rule::BatchMismatch, &log);
}
