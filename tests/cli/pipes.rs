//! Whoever reads the output may go away at any time.

use std::process::Stdio;

use crate::support::Home;

#[test]
fn a_closed_pipe_ends_the_program_quietly() {
    let home = Home::new();
    home.put("token", &"long ".repeat(100_000));
    let commands: &[&[&str]] = &[
        &["log", "show"],
        &["log", "show", "--json"],
        &["watch", "--until-end", "--all"],
        &["log", "export"],
        &["log", "export", "--zstd"],
        &["secret", "list"],
        &["secret", "get", "token"],
        &["secret", "get", "token", "--json"],
        &["status"],
        &["tour"],
        &["--help"],
    ];
    for args in commands {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = home.command(args);
        let output = command.stdin(Stdio::null()).stdout(writer).stderr(Stdio::piped()).output().unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(0), "{args:?}: {err}");
        assert_eq!(err, "", "{args:?}");
    }
    home.run(&["scrub"]).done();
}

#[test]
fn nobody_to_tell_an_error_is_no_reason_to_panic() {
    let home = Home::new();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = home.command(&["secret", "get", "nothing"]);
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(writer).status().unwrap();
    assert_eq!(status.code(), Some(6));
}
