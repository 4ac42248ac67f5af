//! Programs that keep their promises, and programs that do not.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::*;
use crate::domain::json::JsonObject;
use crate::domain::name::SecretName;
use crate::issuer::kit::{Trial, check};
use crate::issuer::outcome::IssuerErrorKind;

/// The program of the manual: accounts are files in a directory, named for store and rotation.
fn program() -> &'static str {
    let manual = include_str!("../../manual/issuers.md");
    manual.split_once("```sh\n").unwrap().1.split_once("```").unwrap().0
}

fn trial() -> Trial {
    Trial::new(LogId::from_bytes([9; 16]), SecretName::parse("mail-password").unwrap())
}

fn shell(script: &str) -> ExecIssuer {
    let issuer = ExecIssuer::new("/bin/sh").unwrap().with_env("PATH", "/usr/bin:/bin").with_arg("-c").with_arg(script);
    issuer.giving_up_after(Duration::from_secs(10))
}

#[test]
fn the_program_of_the_manual_keeps_its_promises() {
    let accounts = tempfile::tempdir().unwrap();
    let away = accounts.path().join("away");
    let issuer = shell(program()).with_env("ACCOUNTS", accounts.path()).of_class(IssuerClass::CreateDiscoverable);
    let trial = trial().refusing(JsonObject::parse(r#"{"quota":7}"#).unwrap()).with_outage(
        {
            let away = away.clone();
            move || std::fs::write(&away, "").unwrap()
        },
        move || std::fs::remove_file(&away).unwrap(),
    );
    let report = check(Arc::new(issuer), &trial);
    assert!(report.is_clean() && !report.to_string().contains("not asked"), "{report}");
    assert_eq!(std::fs::read_dir(accounts.path()).unwrap().count(), 0);
}

#[test]
fn exit_codes_and_answers_mean_what_the_documentation_says() {
    use IssuerErrorKind::{Refused, Unavailable, Unknown};
    let trial = trial();
    let order = trial.order(1);
    let credential = SecretBytes::copy_from(br#"{"password":"canary"}"#);
    for (script, created, verified, words) in [
        ("exit 1", Unknown, Unavailable, "ended with code 1 at create: it gave no reason"),
        ("exit 75", Unavailable, Unavailable, "could not create now"),
        ("echo '{\"reason\":\"no quota\"}'; exit 77", Refused, Refused, "refused to create: no quota"),
        ("cat; cat >&2; exit 77", Refused, Refused, "refused to create: it gave no reason"),
        ("kill -9 $$", Unknown, Unavailable, "ended by a signal"),
        ("sleep 60", Unknown, Unavailable, "longer than its time limit"),
        ("trap '' TERM; sleep 60 & wait", Unknown, Unavailable, "longer than its time limit"),
        ("while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done", Unknown, Unavailable, "too"),
    ] {
        let issuer = shell(script).giving_up_after(Duration::from_millis(700));
        let begun = Instant::now();
        let errors = [issuer.create(&order, None).unwrap_err(), issuer.verify(&order, &credential).unwrap_err()];
        assert!(begun.elapsed() < Duration::from_secs(8), "{script}: {:?}", begun.elapsed());
        assert_eq!(errors.clone().map(|error| error.kind()), [created, verified], "{script}: {errors:?}");
        assert!(errors[0].to_string().contains(words), "{script}: {errors:?}");
        assert!(!format!("{errors:?}").contains("canary"), "{script}");
    }
    for answer in [
        "",
        "x",
        "{}",
        "[]",
        r#"{"credential":7}"#,
        r#"{"credential":{}}"#,
        r#"{"credential":{"a":1},"outside":""}"#,
        r#"{"credential":{"a":1},"x":1}"#,
    ] {
        let issuer = shell("printf %s \"$ANSWER\"").with_env("ANSWER", answer);
        let error = issuer.create(&order, None).unwrap_err();
        assert!(error.kind() == Unknown && error.to_string().contains("cannot be understood"), "{answer}: {error}");
        assert_eq!(issuer.find(&order).unwrap_err().kind(), Unavailable);
        issuer.verify(&order, &credential).unwrap();
    }
}

#[test]
fn what_a_program_starts_is_ended_with_it() {
    let trial = trial();
    let marks = tempfile::tempdir().unwrap();
    let mark = marks.path().join("mark");
    let late = "(sleep 1; echo x > \"$MARK\") & sleep 60";
    let issuer = shell(late).with_env("MARK", &mark).giving_up_after(Duration::from_millis(200));
    assert_eq!(issuer.create(&trial.order(1), None).unwrap_err().kind(), IssuerErrorKind::Unknown);
    let leaving = "(sleep 1; echo x > \"$MARK\") > /dev/null & echo '{\"credential\":{\"a\":1}}'";
    shell(leaving).with_env("MARK", &mark).create(&trial.order(1), None).unwrap();
    std::thread::sleep(Duration::from_millis(1_500));
    assert!(!mark.exists(), "something outlived its program");
}

#[test]
fn a_program_gets_the_whole_question_and_an_empty_environment() {
    let trial = trial().with_parameters(JsonObject::parse(r#"{"a":"b\"c"}"#).unwrap());
    let seen = tempfile::tempdir().unwrap();
    let issuer = shell("cat > question; env > env; echo '{\"credential\":{\"password\":\"xy\"},\"outside\":\"o\",\"expires_at\":\"2027-01-01T00:00:00Z\"}'")
        .in_directory(seen.path());
    let value = SecretBytes::copy_from(br#"{"password":"p\"q"}"#);
    let made = issuer.create(&trial.order(1), Some(&value)).unwrap();
    assert_eq!(made.credential.expose(), br#"{"password":"xy"}"#);
    assert_eq!(made.outside.unwrap().as_str(), "o");
    assert_eq!(made.expires_at.unwrap().to_string(), "2027-01-01T00:00:00Z");
    let question = std::fs::read_to_string(seen.path().join("question")).unwrap();
    let question: serde_json::Value = serde_json::from_str(&question).unwrap();
    let expected = serde_json::json!({
        "call": "create", "class": "opaque",
        "store": "09090909-0909-0909-0909-090909090909", "secret": "09090909-0909-0909-0909-090909090909",
        "name": "mail-password", "rotation": "09090909-0909-0909-0909-090909090908",
        "parameters": { "a": "b\"c" }, "value": { "password": "p\"q" },
    });
    assert_eq!(question, expected);
    let env = std::fs::read_to_string(seen.path().join("env")).unwrap();
    let names: Vec<_> = env.lines().filter_map(|line| line.split('=').next()).collect();
    assert!(names.iter().all(|name| ["PATH", "PWD", "OLDPWD", "SHLVL", "_"].contains(name)), "{names:?}");
}

#[test]
fn a_program_that_is_not_there_is_refused_and_a_relative_one_cannot_be_named() {
    let trial = trial();
    let error = ExecIssuer::new("/nonexistent/program").unwrap().create(&trial.order(1), None).unwrap_err();
    assert_eq!(error.kind(), IssuerErrorKind::Refused, "{error}");
    assert!(ExecIssuer::new("program").is_err());
    // A question larger than a pipe holds, to a program that reads nothing.
    let value = SecretBytes::from(format!(r#"{{"password":"{}"}}"#, "x".repeat(400_000)));
    shell("echo '{\"credential\":{\"a\":1}}'").create(&trial.order(1), Some(&value)).unwrap();
}

proptest::proptest! {
    #[test]
    fn any_answer_is_read_or_not(bytes: Vec<u8>, text: String) {
        let near = serde_json::json!({ "outside": text, "expires_at": text, "credential": { "a": text } }).to_string();
        for output in [bytes, text.into_bytes(), near.into_bytes()].map(SecretBytes::from) {
            let _ = (message::issued(&output), message::value(&output), message::found(&output));
            let _ = (message::listed(&output), message::reason(&output));
        }
    }
}
