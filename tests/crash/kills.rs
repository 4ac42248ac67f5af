//! A writer is killed under load, again and again; a copy of what it left is checked each time.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use super::checker::check;
use super::dice::{Dice, seed_of};
use super::support::{Campaign, copy_dir};

/// One store, and what its writers have printed so far.
struct Victim {
    dir: tempfile::TempDir,
    campaign: Campaign,
    acked: String,
    dice: Dice,
}

impl Victim {
    fn new(seed: u64, number: u64) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let campaign = Campaign {
            dir: dir.path().join("store"),
            seed: seed.wrapping_add(number),
            threads: 1 + number % 3,
            steps_per_open: 12,
            opens: 1_000,
        };
        Self { dir, campaign, acked: String::new(), dice: Dice::new(seed, [number, 1]) }
    }

    /// Starts a writer, kills it when it has printed so many lines, and keeps what it printed before.
    fn kill_after(&mut self, lines: usize) {
        let acked = self.dir.path().join("acked");
        std::fs::write(&acked, &self.acked).unwrap();
        let mut command = self.campaign.process("write");
        let mut child = command.env("CRASH_ACKED", &acked).stdout(Stdio::piped()).spawn().unwrap();
        let mut printed = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        let mut seen = 0;
        while seen < lines {
            line.clear();
            assert_ne!(printed.read_line(&mut line).unwrap(), 0, "the writer ended by itself:\n{}", self.acked);
            assert!(!line.starts_with("stop") && !line.starts_with("FAIL"), "{line}");
            seen += usize::from(line.starts_with("begin") || line.starts_with("ack"));
            self.acked.push_str(&line);
        }
        self.kill(child, printed);
    }

    /// Starts a writer on nothing and kills it while it makes the store, once there is a file of that name, or the
    /// store.
    fn kill_in_creation(&mut self, once: &str) {
        let mut child = self.campaign.process("write").stdout(Stdio::piped()).spawn().unwrap();
        let printed = BufReader::new(child.stdout.take().unwrap());
        let (moment, made) = (self.dir.path().join(once), &self.campaign.dir);
        while !moment.exists() && !made.exists() && child.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        self.kill(child, printed);
    }

    fn kill(&mut self, mut child: std::process::Child, mut printed: impl BufRead) {
        child.kill().unwrap();
        child.wait().unwrap();
        let mut rest = String::new();
        printed.read_to_string(&mut rest).unwrap();
        self.acked.push_str(&rest);
        self.acked.push('\n');
    }

    /// Checks a copy of what is left, and notes the steps that came through unacknowledged.
    fn check(&mut self) {
        let copy = self.dir.path().join("copy");
        std::fs::create_dir_all(&copy).unwrap();
        for name in ["store", "store.new"] {
            if self.dir.path().join(name).exists() {
                copy_dir(&self.dir.path().join(name), &copy.join(name)).unwrap();
            }
        }
        let who = (self.campaign.seed, self.campaign.threads);
        let checked = check(&copy.join("store"), &self.acked, who);
        let checked = checked.unwrap_or_else(|how| panic!("{who:?} {how}\n{}", self.acked));
        for ack in checked.found {
            self.acked.push_str(&ack.to_string());
        }
        std::fs::remove_dir_all(&copy).unwrap();
    }
}

#[test]
fn a_store_that_is_killed_round_after_round_loses_nothing() {
    let seed = seed_of("kills of one store", 20_261_123);
    for number in 0..4 {
        let mut victim = Victim::new(seed, number);
        for _ in 0..10 {
            let lines = 2 + victim.dice.below(70);
            victim.kill_after(lines);
            victim.check();
        }
    }
}

#[test]
fn a_store_that_is_killed_young_is_whole_or_not_there() {
    let seed = seed_of("kills of young stores", 41);
    let moments = [
        "store.new",
        "store.new/lock",
        "store.new/anchor",
        "store.new/ballast",
        "store.new/rows",
        "store.new/rows/db",
        "store.new/rows/conf",
        "store.new/rows/blobs",
        "store",
    ];
    for (number, moment) in (100..).zip(moments) {
        let mut victim = Victim::new(seed, number);
        victim.kill_in_creation(moment);
        victim.check();
        let lines = 1 + victim.dice.below(6);
        victim.kill_after(lines);
        victim.check();
    }
}
