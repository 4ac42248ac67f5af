//! Owns `latchkeep clock rebase`: what moves when a store goes by its clock again, what speaks against it, and the word of a person
//! that it is to.
//!
//! Read next: [`super::clock`].

use std::time::Duration;

use latchkeep::{ClockStatus, MovedEnd, MovedSecret, RebaseDoubt, Rebased, Refusal};
use serde_json::{Map, Value, json};

use super::summary::counted;
use crate::exit::Exit;
use crate::failure::{self, Failure};
use crate::prompt;
use crate::scene::Scene;
use crate::times::shown as shown_time;

/// Lines of one kind that people are shown; scripts get all.
const LINES_MAX: usize = 20;

/// What a rebase of the clock leads to.
pub(super) struct Forecast {
    clock: ClockStatus,
    moved: Vec<MovedSecret>,
    doubts: Vec<RebaseDoubt>,
    /// What is to be said of an incarnation of the wrong time.
    pub(super) incarnation: Option<String>,
}

impl Forecast {
    pub(super) fn of(scene: &Scene) -> Result<Self, Failure> {
        let store = scene.store();
        let (clock, moved) = (store.clock(), store.moved_when_clock_is_rebased());
        let incarnation = super::clock::early_incarnation(&store.status()?);
        Ok(Self { clock, moved, doubts: store.doubts_of_rebase()?, incarnation })
    }

    fn name(moved: &MovedSecret) -> String {
        moved.before.metadata.name.to_string()
    }

    /// Gives the ends that move, each with the name of its secret.
    fn ends(&self) -> Vec<(String, MovedEnd)> {
        self.moved.iter().flat_map(|moved| moved.ends().into_iter().map(|end| (Self::name(moved), end))).collect()
    }

    /// Counts what moves.
    fn counts(&self) -> [u64; 3] {
        let number = |count| u64::try_from(count).unwrap_or(u64::MAX);
        let ends = self.ends();
        let leases = ends.iter().filter(|(_, end)| end.lock.is_some()).count();
        let rotations = self.moved.iter().filter(|moved| moved.moves_a_rotation()).count();
        [number(leases), number(ends.len().saturating_sub(leases)), number(rotations)]
    }

    /// Counts what moves, in words.
    fn counted(&self) -> String {
        let [leases, credentials, rotations] = self.counts();
        let (leases, credentials) = (counted(leases, "lease"), counted(credentials, "dynamic credential"));
        format!("the ends of {leases} and {credentials}, and {}", counted(rotations, "rotation"))
    }

    /// Names the secrets whose current version was made in the wrong time.
    fn names(&self) -> Vec<String> {
        self.moved.iter().filter(|moved| moved.moves_current()).map(Self::name).collect()
    }

    /// Names the secrets that were changed in the wrong time, with the expiry that they keep.
    fn kept(&self) -> Vec<(String, latchkeep::Timestamp)> {
        self.moved.iter().filter_map(|moved| Some((Self::name(moved), moved.kept_expiry()?))).collect()
    }

    /// Says what becomes of the time, and of what, a line each.
    pub(super) fn lines(&self) -> Vec<String> {
        let (shown, now) = (self.clock.shown, self.clock.now);
        let falls = format!(
            "a rebase has the time of the store fall from {} to {}, by {}",
            shown_time(now),
            shown_time(shown),
            length(now.since(shown))
        );
        let moved = format!("when the clock is rebased, {} move", self.counted());
        let ends = self.ends().into_iter().map(|(name, end)| self.end(&name, &end));
        let rotates = |moved: &MovedSecret| {
            let (before, after) = (moved.before.next_rotation_at()?, moved.after.next_rotation_at()?);
            let is_moved = before != after;
            is_moved.then(|| {
                format!("{}: rotates at {} in place of {}", Self::name(moved), shown_time(after), shown_time(before))
            })
        };
        let rotations = self.moved.iter().filter_map(rotates);
        let all = [falls, moved].into_iter().chain(some(ends)).chain(some(rotations)).chain(some(self.made()));
        all.chain(some(self.kept_lines())).chain(self.of_dates()).chain(self.incarnation.clone()).collect()
    }

    fn end(&self, name: &str, end: &MovedEnd) -> String {
        let what = end.lock.as_ref().map_or_else(|| "its credential".to_owned(), |lock| format!("lease {lock}"));
        let at_once = if end.after <= self.clock.shown { ", at once" } else { "" };
        let (version, before, after) = (end.version, shown_time(end.before), shown_time(end.after));
        format!("{name}, version {version}: {what} ends at {after} in place of {before}{at_once}")
    }

    fn made(&self) -> impl Iterator<Item = String> {
        self.names().into_iter().map(|name| format!("its current version was made in the wrong time: {name}"))
    }

    fn kept_lines(&self) -> impl Iterator<Item = String> {
        self.kept().into_iter().map(|(name, end)| {
            format!(
                "{name}: it still expires at {}; if a length was given in the wrong time, give it anew: latchkeep secret update {name} \
                 --expires LENGTH",
                shown_time(end)
            )
        })
    }

    /// Says what the log does not tell of leases, where some move.
    fn of_dates(&self) -> Option<String> {
        let line = "the log does not tell a lease until a date from one of a length: each keeps the length that was left of it; renew \
                    those that were to last until a date";
        (self.counts()[0] > 0).then(|| line.to_owned())
    }

    /// Says what speaks against the time that the clock shows, a line each.
    pub(super) fn warnings(&self) -> impl Iterator<Item = String> {
        let shown = self.clock.shown;
        self.doubts.iter().map(move |doubt| format!("the clock may be wrong: {}", words(doubt, shown)))
    }

    pub(super) fn to_json(&self) -> Value {
        let [leases, credentials, rotations] = self.counts();
        let end = |(secret, end): (String, MovedEnd)| {
            let MovedEnd { version, lock, before, after, .. } = end;
            json!({ "secret": secret, "version": version, "lock": lock, "before": before, "after": after })
        };
        let kept = |(secret, expires_at)| json!({ "secret": secret, "expires_at": expires_at });
        json!({
            "leases": leases,
            "credentials": credentials,
            "rotations": rotations,
            "current_versions_of": self.names(),
            "ends": self.ends().into_iter().map(end).collect::<Vec<_>>(),
            "expiries_kept": self.kept().into_iter().map(kept).collect::<Vec<_>>(),
            "doubts": self.doubts,
        })
    }
}

/// Gives some lines, and how many there are besides.
fn some(lines: impl Iterator<Item = String>) -> impl Iterator<Item = String> {
    let mut lines: Vec<String> = lines.collect();
    let more = lines.len().saturating_sub(LINES_MAX);
    lines.truncate(LINES_MAX);
    lines.into_iter().chain((more > 0).then(|| format!("and {more} more of these: latchkeep clock show --json")))
}

/// Says a length of time in days, hours and minutes.
fn length(length: Duration) -> String {
    let minutes = length.as_secs().div_euclid(60);
    let (days, hours) = (minutes.div_euclid(24 * 60), minutes.div_euclid(60).rem_euclid(24));
    match (days, hours) {
        (0, 0) => counted(minutes, "minute"),
        (0, hours) => format!("{} {}", counted(hours, "hour"), counted(minutes.rem_euclid(60), "minute")),
        (days, hours) => format!("{} {}", counted(days, "day"), counted(hours, "hour")),
    }
}

fn words(doubt: &RebaseDoubt, shown: latchkeep::Timestamp) -> String {
    let shown_at = shown_time(shown);
    match doubt {
        RebaseDoubt::BeforeStretch { begins_at } => {
            let begins_at = shown_time(*begins_at);
            format!("{shown_at} is before {begins_at}, when the log began or its clock was last rebased")
        }
        RebaseDoubt::BeforeRecords { position, recorded_at, steps_to } => {
            let (recorded_at, steps_to) = (shown_time(*recorded_at), shown_time(*steps_to));
            format!(
                "{shown_at} is before records up to {position}, of {recorded_at}, behind which the time steps to {steps_to}"
            )
        }
        RebaseDoubt::BootTime { expected } => {
            let expected = shown_time(*expected);
            format!("by the time since the start of this machine it is {expected}, and not {shown_at}")
        }
        _ => format!("the log tells something against {shown_at}"),
    }
}

/// Tells where the clock was rebased, for scripts.
pub(super) fn put_rebased(rebased: &[Rebased], fields: &mut Map<String, Value>) {
    fields.insert("rebased".to_owned(), json!(rebased));
}

/// Tells where the clock was rebased, for people.
pub(super) fn facts(rebased: &[Rebased]) -> impl Iterator<Item = (&'static str, String)> {
    rebased.iter().map(|it| {
        let (before, after) = (shown_time(it.before), shown_time(it.observed_at));
        ("rebased", format!("at record {}, from {before} to {after}", it.position))
    })
}

/// Says why the clock is not rebased: nothing that was given is wrong, the clock does not stand so.
fn not_rebased(error: latchkeep::Error, clock: &ClockStatus) -> Failure {
    match error.refusal() {
        Some(refusal @ Refusal::InvalidArgument { .. }) => {
            let exit = if clock.is_ahead() { Exit::TimeUnconfirmed } else { Exit::Conflict };
            Failure::new(exit, "not_rebased", refusal.to_string())
        }
        _ => error.into(),
    }
}

pub(super) fn rebase(scene: &mut Scene, is_sure: bool) -> Result<Exit, Failure> {
    let forecast = Forecast::of(scene)?;
    let clock = forecast.clock;
    if clock.can_be_rebased() {
        if !scene.out.is_json() {
            forecast.lines().iter().for_each(failure::note);
        }
        forecast.warnings().for_each(failure::warn);
        if !is_sure {
            let (shown, now) = (shown_time(clock.shown), shown_time(clock.now));
            let warning = format!("the store will go by {shown}, which the clock shows, in place of {now}");
            prompt::confirm_by_person(&warning, "rebase")?;
        }
    }
    let receipt = scene.session.rebase_clock().map_err(|error| not_rebased(error, &clock))?;
    let now = scene.store().clock().now;
    if scene.out.is_json() {
        let position = receipt.position;
        scene.out.json(&json!({ "rebased": true, "position": position, "now": now, "moved": forecast.to_json() }))?;
    } else {
        scene.out.line(format!("the time is {}; {} were moved", shown_time(now), forecast.counted()))?;
        for line in some(forecast.made()) {
            scene.out.line(line)?;
        }
    }
    Ok(Exit::Done)
}
