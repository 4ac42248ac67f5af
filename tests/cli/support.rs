//! What the tests of the command line share: a directory with a store, and a short way to run the program.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A directory with a store in it that a key file opens.
pub struct Home {
    pub dir: tempfile::TempDir,
}

/// What a run of the program gave.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub out: Vec<u8>,
    pub err: String,
}

impl Home {
    /// A directory without a store.
    pub fn empty() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    /// A directory with a store.
    pub fn new() -> Self {
        let home = Self::empty();
        home.run(&["init"]).done();
        home
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes a file, and gives its path as an argument.
    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        std::fs::write(self.path(name), content).unwrap();
        self.arg(name)
    }

    pub fn arg(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    /// The program, with the store and the key file of this home named by variables, and nothing else around it.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = program(args);
        command.current_dir(self.dir.path());
        command.env("LATCHKEEP_STORE", self.path("store")).env("LATCHKEEP_KEY_FILE", self.path("store.key"));
        command.env("LATCHKEEP_ACTOR", "tester");
        command
    }

    pub fn run(&self, args: &[&str]) -> Ran {
        run(self.command(args), b"")
    }

    pub fn feed(&self, args: &[&str], stdin: impl AsRef<[u8]>) -> Ran {
        run(self.command(args), stdin.as_ref())
    }

    /// Puts a text into the store.
    pub fn put(&self, name: &str, value: &str) {
        self.feed(&["secret", "create", "arbitrary", name, "--from-stdin"], value).done();
    }
}

/// The program in a clean environment.
pub fn program(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_latchkeep"));
    command.args(args).env_clear();
    // Coverage tools need their variables back.
    command.envs(std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("LLVM_PROFILE")));
    command
}

/// Runs it to its end.
pub fn run(mut command: Command, stdin: &[u8]) -> Ran {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut to = child.stdin.take().unwrap();
    // A program that refuses before it reads closes its end.
    let _ = to.write_all(stdin);
    drop(to);
    let output = child.wait_with_output().unwrap();
    let ran = Ran {
        code: output.status.code().expect("it should end by itself"),
        out: output.stdout,
        err: String::from_utf8(output.stderr).unwrap(),
    };
    assert!(!ran.err.contains("panicked"), "{}", ran.err);
    ran
}

impl Ran {
    #[track_caller]
    pub fn done(self) -> Self {
        assert_eq!(self.code, 0, "{}", self.err);
        self
    }

    /// Holds a failure to its exit code, and its message to texts that have to be in it.
    #[track_caller]
    pub fn failed(self, code: i32, texts: &[&str]) -> Self {
        assert_eq!(self.code, code, "out: {}\nerr: {}", self.text(), self.err);
        for text in texts {
            assert!(self.err.contains(text), "{text:?} is not in: {}", self.err);
        }
        self
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.out.clone()).unwrap()
    }

    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.out).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }
}

/// Gives every file below a directory.
pub fn files_below(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files_below(&path)) } else { found.push(path) }
    }
    found
}
