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
        // On a busy machine a shell may take long to start: only what never ends has a short limit.
        let limit = if script.contains("sleep") { Duration::from_millis(700) } else { Duration::from_secs(60) };
        let issuer = shell(script).giving_up_after(limit);
        let begun = Instant::now();
        let errors = [issuer.create(&order, None).unwrap_err(), issuer.verify(&order, &credential).unwrap_err()];
        assert!(begun.elapsed() < Duration::from_secs(40), "{script}: {:?}", begun.elapsed());
        assert_eq!(errors.clone().map(|error| error.kind()), [created, verified], "{script}: {errors:?}");
        assert!(errors[0].to_string().contains(words), "{script}: {errors:?}");
        assert!(!format!("{errors:?}").contains("canary"), "{script}");
    }
}

fn answering(answer: &str) -> ExecIssuer {
    shell("printf %s \"$ANSWER\"").with_env("ANSWER", answer)
}

/// Each of these was one sentence for all of them, and the credential was thrown away.
#[test]
fn a_fault_of_form_names_field_and_rule_and_what_was_made_is_kept() {
    let trial = trial();
    let order = trial.order(1);
    let credential = SecretBytes::copy_from(br#"{"password":"canary"}"#);
    for (answer, words) in [
        ("", "it is empty"),
        ("canary", "nothing before or behind it (line 1, column 1)"),
        ("warning: canary\n{\"credential\":{\"a\":1}}", "nothing before or behind it (line 1, column 1)"),
        ("{\"credential\":{\"a\":1}}\nbye canary", "nothing before or behind it (line 2, column 1)"),
        ("{\"credential\":{\"canary\":1}", "cut off (line 1"),
        ("[\"canary\"]", "one JSON object (line 1"),
        ("{}", "credential takes a JSON object"),
        (r#"{"credential":"canary"}"#, "credential takes a JSON object"),
        (r#"{"credential":{}}"#, "with at least one field"),
        (r#"{"credential":{"canary":1,"canary":2}}"#, "none twice"),
        (r#"{"credential":{"a":1},"credential":{"a":"canary"}}"#, "credential stands there twice (line 1"),
        (r#"{"credential":{"canary":1},"outside":""}"#, "outside takes text of 1 to 256"),
        (r#"{"credential":{"canary":1},"outside":7}"#, "outside takes text"),
        (
            r#"{"credential":{"canary":1},"expires_at":"2030-01-01T00:00:00"}"#,
            "expires_at takes a time of RFC 3339 with its zone",
        ),
        (r#"{"credential":{"canary":1},"expires_at":1893456000}"#, "expires_at takes"),
        (r#"{"credential":{"canary":1},"expires_at":"9999-02-30T00:00:00Z"}"#, "expires_at takes"),
    ] {
        let issuer = answering(answer);
        let error = issuer.create(&order, None).unwrap_err();
        let told = error.to_string();
        assert!(error.kind() == IssuerErrorKind::Unknown && told.contains(words), "{answer}: {told}");
        assert!(!told.contains("canary") && !format!("{error:?}").contains("canary"), "{told}");
        assert_eq!(error.kept().unwrap().expose(), answer.as_bytes());
        assert_eq!(issuer.find(&order).unwrap_err().kind(), IssuerErrorKind::Unavailable);
        issuer.verify(&order, &credential).unwrap();
    }
    for (answer, at) in [
        ("\u{feff}{\"credential\":{\"a\":1}}\n", None),
        (r#" {"credential":{"a":1},"version":7,"note":{"x":[]}}"#, None),
        (r#"{"credential":{"a":1},"outside":null,"expires_at":null}"#, None),
        (r#"{"credential":{"a":1},"expires_at":"9999-12-31T23:59:59Z"}"#, None),
        (r#"{"credential":{"a":1},"expires_at":"2262-12-31T23:59:59+01:00"}"#, None),
        (r#"{"credential":{"a":1},"expires_at":"2261-12-31T23:59:59Z"}"#, Some("2261-12-31T23:59:59Z")),
    ] {
        let made = answering(answer).create(&order, None).unwrap();
        assert_eq!(made.credential.expose(), br#"{"a":1}"#);
        assert_eq!(made.expires_at.map(|at| at.to_string()).as_deref(), at, "{answer}");
    }
    for answer in [r#"{"reason":"a","reason":"b"}"#, "{"] {
        let issuer = shell("printf %s \"$ANSWER\"; exit 77").with_env("ANSWER", answer);
        assert!(issuer.create(&order, None).unwrap_err().to_string().contains("gave no reason"));
    }
}

/// A program left a child behind that held its standard output: its whole answer was waited for until the time limit,
/// and taken for none.
#[test]
fn the_end_of_a_program_ends_its_answer_whatever_child_holds_the_pipe() {
    let trial = trial();
    let order = trial.order(1);
    for leaving in
        ["sleep 60 &", "setsid sleep 20 &", "(trap '' TERM HUP; sleep 60) &", "setsid sh -c 'sleep 20; echo late' &"]
    {
        let issuer = shell(&format!("{leaving} echo '{{\"credential\":{{\"a\":1}}}}'"));
        let begun = Instant::now();
        let before = (threads(), pipes());
        let made = issuer.create(&order, None).unwrap();
        assert!(begun.elapsed() < Duration::from_secs(15), "{leaving}: {:?}", begun.elapsed());
        assert_eq!(made.credential.expose(), br#"{"a":1}"#);
        assert!(threads() <= before.0 + 8 && pipes() <= before.1 + 8, "{leaving}: something stays per call");
    }
    // Many in a row leave nothing behind: not a thread, not a pipe.
    let before = (threads(), pipes());
    for _ in 0..40 {
        shell("setsid sleep 5 & echo '{\"credential\":{\"a\":1}}'").create(&order, None).unwrap();
    }
    assert!(threads() < before.0 + 20 && pipes() < before.1 + 20, "{before:?} and then {:?}", (threads(), pipes()));
}

/// Counts the threads of this process, those of other tests among them.
fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").map_or(0, Iterator::count)
}

fn pipes() -> usize {
    let open = std::fs::read_dir("/proc/self/fd").into_iter().flatten().flatten();
    open.filter(|one| std::fs::read_link(one.path()).is_ok_and(|to| to.to_string_lossy().starts_with("pipe:"))).count()
}

/// A large answer, and one that comes bit by bit, are heard whole.
#[test]
fn an_answer_is_heard_whole() {
    let trial = trial();
    let order = trial.order(1);
    let long = "printf '{\"credential\":{\"a\":\"'; head -c 500000 /dev/zero | tr '\\0' x; printf '\"}}'";
    assert_eq!(shell(long).create(&order, None).unwrap().credential.expose().len(), 500_008);
    let slow = "cat >/dev/null; printf '{\"credential\"'; sleep 0.3; printf ':{\"a\":'; sleep 0.3; printf '1}}'; exec >&-; sleep 0.3";
    assert_eq!(shell(slow).create(&order, None).unwrap().credential.expose(), br#"{"a":1}"#);
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
fn a_program_that_cannot_be_started_did_nothing_and_a_relative_one_cannot_be_named() {
    let trial = trial();
    let home = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str, mode: u32| {
        let path = home.path().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
        path
    };
    for path in [
        home.path().join("missing"),
        file("plain", "#!/bin/sh\n", 0o600),
        file("without", "#!/nonexistent/interpreter\n", 0o700),
        file("unknown", "\u{0}\u{1}no program", 0o700),
        file("below", "", 0o700).join("program"),
    ] {
        let error = ExecIssuer::new(&path).unwrap().create(&trial.order(1), None).unwrap_err();
        assert_eq!(error.kind(), IssuerErrorKind::Unavailable, "{error}");
        assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
    }
    let path = home.path().join("a\u{1b}[2J\u{202e}b");
    let told = ExecIssuer::new(&path).unwrap().create(&trial.order(1), None).unwrap_err().to_string();
    assert!(told.ends_with("a [2J b"), "{told:?}");
    let long = std::path::Path::new("/").join("x".repeat(4_000));
    let told = ExecIssuer::new(&long).unwrap().create(&trial.order(1), None).unwrap_err().to_string();
    assert!(told.contains("nothing was done") && told.len() < 600, "{told}");
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
