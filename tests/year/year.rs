//! Owns a year: a store, what lies around it, and the steps in which time passes.
//!
//! Read next: [`super::events`].

use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use latchkeep::{
    Actor, Interval, OutsideId, RotationWorker, SecretBytes, SecretId, Session, Store, StoreOptions, Timestamp, Unlock,
    VersionNumber,
};

use super::chance::Chance;
use super::consumer::{Consumer, Hold, Style};
use super::population::{CONSUMERS, Planned, planned};
use super::world::{DAY, HOUR, World};

/// What a year begins with.
#[derive(Clone, Copy)]
pub(crate) struct Begin {
    pub(crate) seed: u64,
    /// How many secrets there are at first.
    pub(crate) secrets: u64,
    /// How long it is, before the three quiet weeks.
    pub(crate) days: u64,
}

/// How many lines a failing year tells, unless the environment says otherwise.
pub(crate) fn lines(usual: usize) -> usize {
    super::number_of("LATCHKEEP_LINES").map_or(usual, |lines| usize::try_from(lines).unwrap())
}

/// What happened how often.
pub(crate) type Met = BTreeMap<&'static str, u64>;

/// A secret as whoever made it knows it.
pub(crate) struct Known {
    pub(crate) issuer: Option<&'static str>,
    pub(crate) interval: Option<Interval>,
    /// Whether no lock and no consumer can hold it back.
    pub(crate) is_free: bool,
    pub(crate) is_gone: bool,
    /// The current version when it was last looked at.
    pub(crate) seen: Option<VersionNumber>,
}

/// A year of life.
pub(crate) struct Year {
    begin: Begin,
    pub(crate) chance: Chance,
    pub(crate) world: World,
    /// Where stores lie; none for one in memory.
    pub(crate) dir: Option<tempfile::TempDir>,
    pub(crate) place: u32,
    pub(crate) store: Store,
    pub(crate) consumers: Vec<Consumer>,
    pub(crate) known: BTreeMap<SecretId, Known>,
    pub(crate) made: u64,
    pub(crate) next_timer: Timestamp,
    timer_secs: u64,
    /// When everything last went as it should not.
    pub(crate) troubled_at: Timestamp,
    /// What a person has to end outside once nobody uses it, since the store cannot know of it.
    pub(crate) notes: BTreeSet<(&'static str, OutsideId)>,
    /// Whether some may be listed outside that the store does not know of, since it was restored.
    pub(crate) has_strangers: bool,
    /// When backups are taken, and when the store is lost, the next one last.
    pub(crate) disasters: Vec<(Timestamp, Timestamp)>,
    pub(crate) backup: Option<Vec<u8>>,
    pub(crate) met: Met,
    diary: Vec<String>,
}

pub(crate) fn unlock(byte: u8) -> Unlock {
    Unlock::bytes(SecretBytes::copy_from(&[byte; 32]))
}

impl Year {
    pub(crate) fn begin(begin: Begin) -> Self {
        let Begin { seed, secrets, days } = begin;
        let (world, mut chance) = (World::new(seed), Chance::new(seed));
        let dir = seed.is_multiple_of(4).then(directory);
        let store = options(&world, dir.as_ref(), 0).create().unwrap();
        let consumers = CONSUMERS.map(|name| Consumer { name, dead_until: None, is_leaving: false, holds: Vec::new() });
        let now = world.now();
        let mut disasters: Vec<_> = (0..chance.below(3))
            .map(|_| {
                let lost = chance.between(20 * DAY, (days - 35) * DAY);
                let backup = lost - chance.between(HOUR, 8 * DAY);
                (now.plus(Duration::from_secs(backup)), now.plus(Duration::from_secs(lost)))
            })
            .collect();
        disasters.sort_by(|one, other| other.cmp(one));
        // Each begins when the one before is over.
        disasters.dedup_by(|next, earlier| next.0.since(earlier.1) == Duration::ZERO && next.0 < earlier.1);
        let mut year = Self {
            begin,
            timer_secs: chance.one_of(&[DAY, DAY, DAY, 6 * HOUR]),
            chance,
            world,
            dir,
            place: 0,
            store,
            consumers: consumers.into(),
            known: BTreeMap::new(),
            made: 0,
            next_timer: now,
            troubled_at: now,
            notes: BTreeSet::new(),
            has_strangers: false,
            disasters,
            backup: None,
            met: Met::new(),
            diary: Vec::new(),
        };
        (0..secrets).for_each(|_| year.make_secret());
        year
    }

    pub(crate) fn options(&self) -> StoreOptions {
        options(&self.world, self.dir.as_ref(), self.place)
    }

    pub(crate) fn ops(&self) -> Session {
        self.store.acting_as(Actor::parse("ops").unwrap())
    }

    pub(crate) fn worker(&mut self) -> RotationWorker {
        let threads = self.chance.one_of(&[1, 1, 1, 3]);
        RotationWorker::new(&self.store, self.world.options(threads))
    }

    /// Notes what happens, for whoever reads of a failure.
    pub(crate) fn note(&mut self, what: &'static str, details: String) {
        *self.met.entry(what).or_default() += 1;
        self.diary.push(format!("{}: {what} {details}", self.world.now()));
    }

    /// Notes that something goes wrong for so long.
    pub(crate) fn trouble(&mut self, secs: u64) {
        self.troubled_at = self.troubled_at.max(self.world.in_secs(secs));
    }

    /// Makes one more secret, and says who uses it.
    pub(crate) fn make_secret(&mut self) {
        let Planned { new, issuer, interval, users } = planned(self.made, &mut self.chance);
        self.made += 1;
        let id = self.ops().create(new).unwrap().secret.unwrap();
        let is_free = users.iter().all(|(_, style)| *style == Style::Reader);
        for (at, style) in users {
            let outside = issuer.map(|issuer| std::sync::Arc::clone(&self.world.outsides[issuer]));
            self.consumers[at].holds.push(Hold::new(id, outside, style));
        }
        self.known.insert(id, Known { issuer, interval, is_free, is_gone: false, seen: None });
    }

    pub(crate) fn pass(&self, secs: u64) {
        self.world.clock.advance(Duration::from_secs(secs));
    }

    /// Lets the consumers do what they do at one of their moments.
    pub(crate) fn consume(&mut self) {
        for consumer in &mut self.consumers {
            consumer.protect_found(&self.store, &self.world);
            consumer.live(&self.store, &self.world, &mut self.chance);
        }
        let ops = self.ops();
        self.world.jobs.run(&ops);
    }

    /// Runs the worker once, as a timer does.
    pub(crate) fn run_once(&mut self) {
        let worker = self.worker();
        self.run(&worker);
        self.met.entry("run").and_modify(|runs| *runs += 1).or_insert(1);
        if self.chance.of_1000(200) {
            let swept = worker.sweep().unwrap();
            assert!(swept.strangers.is_empty() || self.has_strangers, "{swept:?}");
        }
    }

    /// Does what is due; a run that does not end is a fault.
    fn run(&self, worker: &RotationWorker) {
        let (send, done) = std::sync::mpsc::channel();
        let running = worker.clone();
        let thread = std::thread::spawn(move || send.send(running.run_due()));
        // Many short waits: a machine that stops the process for some minutes uses up one of them.
        let over = (0..240).find_map(|_| match done.recv_timeout(Duration::from_millis(500)) {
            Err(RecvTimeoutError::Timeout) => None,
            over => Some(over),
        });
        match over {
            Some(Ok(run)) => drop(run.unwrap()),
            // It panicked.
            Some(Err(_)) => {}
            None => panic!("a run does not end: {:#?}", self.left()),
        }
        thread.join().unwrap().unwrap();
    }

    fn step(&mut self) {
        let until_timer = self.next_timer.since(self.world.now()).as_secs() + 1;
        let hop = (self.chance.between(1, 15) * HOUR).min(until_timer);
        self.pass(hop);
        self.consume();
        if self.world.now() >= self.next_timer {
            self.fire();
        }
        self.happen();
        self.check();
    }

    /// The timer fires: now and then late, or not at all.
    fn fire(&mut self) {
        let late = self.chance.below(40) * 60;
        self.next_timer = self.world.in_secs(self.timer_secs + late - 20 * 60);
        if self.chance.of_1000(40) {
            self.note("timer missed", String::new());
            self.trouble(self.timer_secs);
            return;
        }
        self.run_once();
        self.mend();
        if self.chance.of_1000(150) {
            self.look_after();
        }
    }

    /// Lives the whole year, three quiet weeks behind it, and checks what is left.
    pub(crate) fn live(mut self) -> Met {
        self.run_once();
        let end = self.world.in_secs(self.begin.days * DAY);
        while self.world.now() < end {
            self.step();
        }
        self.calm_down();
        self.met.insert("records", self.store.status().unwrap().log_size.get());
        self.check_end();
        std::mem::take(&mut self.met)
    }

    /// Three weeks in which nothing goes wrong.
    fn calm_down(&mut self) {
        self.note("calm", String::new());
        self.disasters.clear();
        self.world.outsides.values().for_each(|outside| outside.be_reliable());
        for consumer in &mut self.consumers {
            consumer.dead_until = None;
        }
        for quarter in 0..21 * 4 {
            self.consumers.iter_mut().for_each(|consumer| consumer.is_leaving = quarter > 17 * 4);
            self.pass(6 * HOUR);
            if quarter % 4 == 0 {
                self.consumers.iter_mut().for_each(Consumer::hurry);
            }
            self.consume();
            self.run_once();
            self.mend();
            self.look_after();
            self.check();
        }
        // What rotates daily is never done: it is looked at when it is.
        for _ in 0..24 {
            self.pass(HOUR);
            self.consumers.iter_mut().for_each(Consumer::hurry);
            self.consume();
            self.run_once();
            if self.left().is_empty() {
                break;
            }
        }
    }
}

fn directory() -> tempfile::TempDir {
    // In memory where the system has such a place: what is tested here is not the disk.
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

fn options(world: &World, dir: Option<&tempfile::TempDir>, place: u32) -> StoreOptions {
    let options = match dir {
        Some(dir) => StoreOptions::new(dir.path().join(place.to_string()), unlock(7)),
        None => StoreOptions::in_memory(unlock(7)),
    };
    options.clock(world.clock.clone()).cache_bytes(1_024 * 1_024)
}

impl Drop for Year {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let from = self.diary.len().saturating_sub(lines(40));
            println!("the last that happened: {:#?}", &self.diary[from..]);
            let Begin { seed, secrets, days } = self.begin;
            println!(
                "LATCHKEEP_SEED={seed} LATCHKEEP_SECRETS={secrets} LATCHKEEP_DAYS={days} cargo test --test year -- --ignored"
            );
        }
    }
}
