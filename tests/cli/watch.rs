//! What happened is told in order, once more where a program failed, and never twice for nothing.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::Home;

/// A store in which something was refused.
fn told() -> Home {
    let home = Home::new();
    home.put("token", "one");
    home.run(&["lock", "create", "token", "billing"]).done();
    home.feed(&["secret", "rotate", "token"], "two").done();
    home.feed(&["secret", "rotate", "token"], "three").failed(3, &[]);
    home
}

const HEARD: [&str; 3] = ["secret_created", "secret_rotated", "secret_rotation_blocked"];

fn watch(home: &Home, args: &[&str]) -> Vec<Value> {
    let ran = home.run(&[&["watch", "--until-end", "--json"], args].concat()).done();
    ran.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn heard(told: &[Value]) -> Vec<&str> {
    told.iter().map(|told| told["notification"].as_str().unwrap_or_default()).collect()
}

#[test]
fn what_users_hear_of_is_told_in_lines_and_in_json() {
    let home = told();
    let told = watch(&home, &[]);
    assert_eq!(heard(&told), HEARD);
    assert_eq!((&told[2]["secret"], &told[2]["event"]), (&"token".into(), &"RotationRefused".into()));
    assert_eq!(heard(&watch(&home, &["--only", "secret_deleted,secret_rotated"])), ["secret_rotated"]);
    assert_eq!(watch(&home, &["--from", told[1]["position"].to_string().as_str()]), told[1..]);
    assert_eq!(watch(&home, &["--from", "now"]), [Value::Null; 0]);
    home.put("other", "x");
    assert_eq!(watch(&home, &["--secret", "token"]), told);
    let lines = home.run(&["watch", "--until-end"]).done().text();
    let columns: Vec<Vec<&str>> = lines.lines().map(|line| line.split('\t').collect()).collect();
    assert!(columns.iter().all(|columns| columns.len() == 7), "{lines}");
    assert_eq!((columns[1][2], columns[1][3], columns[1][4]), ("tester", "token", "secret_rotated"));
    assert!(!lines.contains("StoreCreated"));
    // It leaves no trace, and with --all it is the log.
    let shown = home.run(&["log", "show", "--json"]).done().text();
    let all = watch(&home, &["--all"]);
    assert_eq!(all.len(), shown.lines().count());
    for (told, shown) in all.iter().zip(shown.lines()) {
        let shown: Value = serde_json::from_str(shown).unwrap();
        assert!(shown.as_object().unwrap().iter().all(|(field, value)| told[field] == *value), "{told}");
    }
    assert!(lines.lines().chain([shown.as_str()]).all(|line| !line.contains("three")));
}

#[test]
fn how_far_it_came_is_remembered() {
    let home = told();
    let told = watch(&home, &["--state", "seen.json"]);
    assert_eq!(heard(&told), HEARD);
    assert_eq!(watch(&home, &["--state", "seen.json"]), [Value::Null; 0]);
    home.put("other", "x");
    // What nothing is told of is passed for good as well, and what was remembered comes before --from.
    let again = ["--state", "seen.json", "--from", "beginning"];
    assert_eq!(heard(&watch(&home, &again)), ["secret_created"]);
    assert_eq!(watch(&home, &again), [Value::Null; 0]);
    let seen: Value = serde_json::from_slice(&std::fs::read(home.path("seen.json")).unwrap()).unwrap();
    assert_eq!(seen["position"].as_u64().unwrap() as usize, watch(&home, &["--all"]).len());
}

#[test]
fn a_file_that_is_no_memory_of_this_store_is_refused() {
    let home = told();
    let watch = |file: &str| home.run(&["watch", "--until-end", "--state", file]);
    watch(&home.file("text", "seen everything")).failed(2, &["is no file of a watch"]);
    watch(&home.file("empty", "")).failed(2, &["is no file of a watch"]);
    watch(&home.file("other", r#"{"log_id":"00","position":1}"#)).failed(2, &["of another store"]);
    watch(&home.arg("nowhere/seen.json")).failed(2, &["is no place for a file"]);
    watch("seen.json").done();
    let seen = std::fs::read_to_string(home.path("seen.json")).unwrap();
    let of = |from: &str| {
        let mut state: Value = serde_json::from_str(&seen).unwrap();
        state["position"] = serde_json::from_str(from).unwrap();
        watch(&home.file("edited", state.to_string()))
    };
    of("-1").failed(2, &["names no position"]);
    of("4000").failed(5, &["rolled back"]);
    of("18446744073709551615").failed(5, &["rolled back"]);
    of("1").failed(5, &["has another record there"]);
    home.run(&["watch", "--until-end", "--from", "yesterday"]).failed(2, &["beginning, or now"]);
    home.run(&["watch", "--until-end", "--only", "secret_eaten"]).failed(2, &["secret_rotated"]);
}

#[test]
fn a_program_gets_each_on_its_stdin_and_the_one_it_fails_on_again() {
    let home = told();
    let state = ["watch", "--until-end", "--state", "seen.json", "--run"];
    let run = |program: &[&str]| home.run(&[&state[..], program].concat());
    // It takes the first, and fails on the second.
    let once = ["/bin/sh", "-c", "/bin/grep secret_created >> got", "--odd", "$HOME; x"];
    run(&once).failed(1, &["failed on record", "--keep-going"]);
    run(&["/bin/sh", "-c", "/bin/cat >> got"]).done();
    let got = std::fs::read_to_string(home.path("got")).unwrap();
    let got: Vec<Value> = got.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(got, watch(&home, &[]));
    assert_eq!(run(&["/bin/false"]).done().text(), "", "nothing is left");
    let keep = ["watch", "--until-end", "--keep-going", "--run", "/bin/false"];
    let ran = home.run(&keep).done();
    assert_eq!(ran.err.matches("warning").count(), 3, "{}", ran.err);
    home.run(&["watch", "--until-end", "--run", "/bin/no-such-program"]).failed(2, &["could not run"]);
    home.run(&["watch", "--until-end", "--keep-going", "--run", "/bin/no-such-program"]).failed(2, &["could not run"]);
}

#[test]
fn a_secret_that_expires_soon_is_warned_of_once() {
    // On a busy machine the first look may come too late: then the next try has more time.
    assert!([2, 10, 60].into_iter().any(is_warned_of_once), "the machine was too slow three times");
}

/// Looks before and after the time for a warning, some seconds from now; tells whether the first look came in time.
fn is_warned_of_once(secs: u64) -> bool {
    let home = Home::new();
    let (begun, time) = (Instant::now(), Duration::from_secs(secs));
    let expires = format!("{}s", 86_400 + secs);
    home.feed(&["secret", "create", "arbitrary", "token", "--from-stdin", "--expires", &expires], "one").done();
    let warned = |told: &[Value]| told.iter().filter(|told| told["notification"] == "secret_about_to_expire").count();
    let early = watch(&home, &["--state", "seen.json"]);
    let created = begun.elapsed();
    if created >= time {
        return false;
    }
    assert_eq!(warned(&early), 0);
    // The expiry is counted from the creation, which came later than the beginning.
    let until = time + created + Duration::from_millis(500);
    std::thread::sleep(until.saturating_sub(begun.elapsed()));
    let told = watch(&home, &["--state", "seen.json"]);
    assert_eq!((warned(&told), &told[0]["data"]["days"], &told[0]["secret"]), (1, &1.into(), &"token".into()));
    assert_eq!(watch(&home, &["--state", "seen.json"]), [Value::Null; 0]);
    true
}

#[test]
fn a_watch_tells_what_time_does_as_it_comes_and_an_interrupt_ends_it() {
    let home = Home::new();
    home.put("token", "one");
    home.run(&["lock", "create", "token", "billing", "--ttl", "2s"]).done();
    let mut command = home.command(&["watch", "--from", "beginning", "--all", "--json", "--state", "seen.json"]);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let told = lines.map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap());
    assert!(told.take_while(|told| told["event"] != "LockExpired").count() >= 4);
    home.run(&["status"]).failed(4, &["open"]);
    assert!(Command::new("/bin/kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
    assert_eq!(watch(&home, &["--all", "--state", "seen.json"]), [Value::Null; 0]);
    home.run(&["scrub"]).done();
}
