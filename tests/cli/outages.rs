//! Issuers that are away for a moment, or cannot be set up at all.

use serde_json::Value;

use crate::rotations::{PROGRAM, get, home, read};

#[test]
fn a_run_waits_out_a_short_outage_and_one_broken_issuer_stops_nothing_else() {
    let home = home();
    let mut issuers: Value = serde_json::from_str(&read(&home, "issuers.json")).unwrap();
    issuers["broken"] = serde_json::json!({ "kind": "exec", "program": "relative" });
    home.file("issuers.json", issuers.to_string());
    home.run(&["secret", "create", "service-credentials", "stuck-db", "--issuer", "broken"]).done();
    // The server is away for the first call, and back for the second.
    let program = PROGRAM.replace("exit 75; }\ncase", "rm down; exit 75; }\ncase");
    home.file("issue", program);
    home.file("down", "");
    let run = ["rotation", "run", "--issuers", "issuers.json", "--once", "--patience", "20s"];
    let ran = home.run(&run).failed(1, &["issuer broken: program takes", "stuck-db waits: "]);
    assert!(ran.text().contains("the server is down"), "the reason is told: {}", ran.text());
    assert_eq!(get(&home, &["--key", "password"]), "canary-1");
    // The reasons were once on stderr only.
    let ran = home.run(&[&run[..], &["--json"]].concat()).failed(1, &[]).json();
    assert_eq!((&ran["exit_code"], &ran["failed"]), (&1.into(), &serde_json::json!([])));
    assert!(ran["problems"][0].as_str().unwrap().contains("issuer broken: program takes"), "{ran}");
    home.run(&["rotation", "resume", "--all"]).done();
    home.run(&["rotation", "resume", "orders-db", "--all"]).failed(2, &[]);
}

/// A signal that ends a worker once left the issuer's program running, without its time limit: it set its value later, over the
/// one that another run had made meanwhile.
#[test]
fn a_run_that_is_told_to_end_waits_for_the_program_that_it_has_out() {
    for signal in ["-INT", "-TERM", "-HUP"] {
        let home = home();
        let program =
            PROGRAM.replace("echo x >>made\n", "touch begun; until [ -e go ]; do sleep 0.05; done; echo x >>made\n");
        home.file("issue", &program);
        let run = ["rotation", "run", "--issuers", "issuers.json", "--once", "--patience", "0s"];
        let mut child = home.command(&run).stderr(std::process::Stdio::piped()).spawn().unwrap();
        let began = std::time::Instant::now();
        while !home.path("begun").exists() && began.elapsed() < std::time::Duration::from_secs(60) {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        assert!(!home.path("made").exists(), "the program is at work");
        std::process::Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
        // Long enough for a busy machine to hear the signal.
        std::thread::sleep(std::time::Duration::from_secs(1));
        assert!(child.try_wait().unwrap().is_none(), "it waits for the program");
        home.file("go", "");
        let said = std::io::read_to_string(child.stderr.take().unwrap()).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(1), "{signal}: {said}");
        assert!(home.path("made").exists() && said.contains("interrupted"), "{signal}: {said}");
        home.run(&run).done();
        assert_eq!(get(&home, &["--key", "username"]), "user-1", "what it made is what the store has");
    }
}

/// Whoever starts a worker with nohup wants it to go on.
#[test]
fn a_signal_that_was_shut_out_from_the_beginning_ends_nothing() {
    let home = home();
    home.file("issue", PROGRAM.replace("echo x >>made\n", "kill -HUP $PPID; sleep 0.3; echo x >>made\n"));
    let bin = home.command(&[]).get_program().to_owned();
    let script = format!("trap '' HUP; exec {:?} \"$@\"", bin.to_str().unwrap());
    let home_env = home.command(&["rotation", "run", "--issuers", "issuers.json", "--once", "--patience", "0s"]);
    let mut command = std::process::Command::new("sh");
    command.args(["-c", &script, "sh"]).args(home_env.get_args());
    command.envs(home_env.get_envs().filter_map(|(name, value)| Some((name, value?))));
    home_env.get_current_dir().map(|dir| command.current_dir(dir));
    let ran = command.output().unwrap();
    assert_eq!(ran.status.code(), Some(0), "{}", String::from_utf8_lossy(&ran.stderr));
}
