//! The program on a terminal: questions, tables, confirmations, and an interrupt at a question.

use std::process::Command;

use rexpect::process::WaitStatus;
use rexpect::session::{PtySession, spawn_command};

use crate::support::Home;

/// Long enough for any machine; only a failure waits for it.
const PATIENCE_MS: u64 = 60_000;

fn on_terminal(mut command: Command) -> PtySession {
    command.env("TERM", "xterm").env("NO_COLOR", "1");
    spawn_command(command, Some(PATIENCE_MS)).unwrap()
}

fn without_key_file(home: &Home, args: &[&str]) -> PtySession {
    let mut command = home.command(args);
    command.env_remove("LATCHKEEP_KEY_FILE");
    on_terminal(command)
}

#[track_caller]
fn ends(mut session: PtySession, code: i32) -> String {
    let rest = session.exp_eof().unwrap();
    match session.process().wait().unwrap() {
        WaitStatus::Exited(_, found) => assert_eq!(found, code, "{rest}"),
        other => panic!("{other:?}: {rest}"),
    }
    rest
}

#[test]
fn a_passphrase_and_a_value_are_typed_and_not_shown() {
    let home = Home::empty();
    let mut init = without_key_file(&home, &["init"]);
    for question in ["passphrase for the new store", "once more"] {
        init.exp_string(question).unwrap();
        init.exp_string(": ").unwrap();
        init.send_line("correct horse").unwrap();
    }
    let said = ends(init, 0);
    assert!(said.contains("made a store") && !said.contains("correct horse"), "{said}");

    let mut create = without_key_file(&home, &["secret", "create", "arbitrary", "token", "--prompt"]);
    for (question, answer) in
        [("the value of token: ", "typed"), ("once more: ", "typed"), ("passphrase: ", "correct horse")]
    {
        create.exp_string(question).unwrap();
        create.send_line(answer).unwrap();
    }
    ends(create, 0);

    let mut get = without_key_file(&home, &["secret", "get", "token"]);
    get.exp_string("passphrase: ").unwrap();
    get.send_line("correct horse").unwrap();
    assert_eq!(ends(get, 0).trim(), "typed");

    let mut wrong = without_key_file(&home, &["status"]);
    wrong.exp_string("passphrase: ").unwrap();
    wrong.send_line("battery staple").unwrap();
    assert!(ends(wrong, 2).contains("no key slot opens with this passphrase"));
}

#[test]
fn what_differs_when_typed_twice_is_not_taken() {
    let home = Home::new();
    let mut create = on_terminal(home.command(&["secret", "create", "arbitrary", "token"]));
    create.exp_string("the value of token: ").unwrap();
    create.send_line("one").unwrap();
    create.exp_string("once more: ").unwrap();
    create.send_line("two").unwrap();
    assert!(ends(create, 2).contains("the two entries differ"));
}

#[test]
fn a_deletion_is_confirmed_by_name() {
    let home = Home::new();
    home.put("token", "one");
    let answer = |word: &str, code| {
        let mut delete = on_terminal(home.command(&["secret", "delete", "token"]));
        delete.exp_string("type token to go on: ").unwrap();
        delete.send_line(word).unwrap();
        ends(delete, code)
    };
    assert!(answer("no", 2).contains("nothing was done"));
    assert!(answer("token", 0).contains("deleted arbitrary/token"));
}

#[test]
fn a_rebase_of_the_clock_is_confirmed_once_it_was_said_what_it_does() {
    let home = crate::clock::left_ahead();
    let answer = |word: &str, code| {
        let mut rebase = on_terminal(home.command(&["clock", "rebase"]));
        rebase.exp_string("a rebase has the time of the store fall from 20").unwrap();
        rebase.exp_string("lease billing ends at 20").unwrap();
        rebase.exp_string("type rebase to go on: ").unwrap();
        rebase.send_line(word).unwrap();
        ends(rebase, code)
    };
    assert!(answer("yes", 2).contains("nothing was done"));
    assert!(answer("rebase", 0).contains("the time is 20"));
}

#[test]
fn an_erasure_is_confirmed() {
    let home = Home::new();
    home.put("token", "one");
    let answer = |args: &[&str], word: &str, code| {
        let mut erase = on_terminal(home.command(&[&["log", "erase"], args].concat()));
        erase.exp_string("to go on: ").unwrap();
        erase.send_line(word).unwrap();
        ends(erase, code)
    };
    assert!(answer(&["3"], "no", 2).contains("nothing was done"));
    assert!(answer(&["--secret", "token"], "erase", 2).contains("nothing was done"));
    assert!(answer(&["--secret", "token"], "token", 0).contains("erased the bodies of 2 records"));
}

#[test]
fn lists_are_tables_and_values_end_their_line() {
    let home = Home::new();
    home.put("token", "one");
    home.run(&["lock", "create", "token", "billing"]).done();
    let list = ends(on_terminal(home.command(&["secret", "list"])), 0);
    assert!(list.contains(" with data ") && list.contains(" token "), "{list}");
    assert!(ends(on_terminal(home.command(&["lock", "list"])), 0).contains(" placed by "));
    assert_eq!(ends(on_terminal(home.command(&["secret", "get", "token"])), 0), "one\r\n");
    assert_eq!(ends(on_terminal(home.command(&["secret", "get", "token", "--raw"])), 0), "one");
    assert!(ends(on_terminal(home.command(&["scrub"])), 0).contains("all is well"));
}

#[test]
fn an_interrupt_at_a_question_gives_the_terminal_back() {
    let home = Home::new();
    let mut shell = Command::new("/bin/sh");
    let script = "trap : INT; \"$0\" secret create arbitrary token --prompt; echo code $?; stty -a";
    shell.args(["-c", script, env!("CARGO_BIN_EXE_latchkeep")]).env("LATCHKEEP_STORE", home.path("store"));
    shell.env("LATCHKEEP_KEY_FILE", home.path("store.key"));
    let mut session = on_terminal(shell);
    session.exp_string("the value of token: ").unwrap();
    session.send_control('c').unwrap();
    let rest = ends(session, 0);
    assert!(rest.contains("code 130"), "{rest}");
    // The echo is not looked at: the terminal of this test never has one.
    for mode in ["-icanon", "-isig"] {
        assert!(!rest.contains(mode), "{mode} was left: {rest}");
    }
    assert_eq!(home.run(&["secret", "list"]).done().text(), "");
}

#[test]
fn packed_bytes_are_not_put_onto_a_terminal() {
    let home = Home::new();
    let said = ends(on_terminal(home.command(&["log", "export", "--zstd"])), 2);
    assert!(said.contains("not for a terminal") && said.contains("--out FILE"), "{said}");
    let said = ends(on_terminal(home.command(&["log", "export"])), 0);
    assert!(said.contains("latchkeep-export/1"), "{said}");
    let said = ends(on_terminal(home.command(&["log", "export", "--zstd", "--out", "log"])), 0);
    assert!(said.contains("wrote 2 records to log"), "{said}");
    let said = ends(on_terminal(home.command(&["log", "replay", "log"])), 8);
    assert!(said.contains("after 2 records") && said.contains("0 secrets, 0 more hidden"), "{said}");
}
