//! Owns `latchkeep clock`: what time the store goes by, and the word of a person that the clock is right.
//!
//! Read next: [`super::status`].

use std::time::Duration;

use latchkeep::{ClockBounds, ClockStanding, ClockStatus, Secret, Status, view};
use serde_json::json;

use super::clock_rebase::{self, Forecast, put_rebased};
use super::summary::counted;
use crate::exit::Exit;
use crate::failure::{self, Failure};
use crate::prompt;
use crate::scene::Scene;
use crate::shown;
use crate::times::shown as shown_time;

/// Bounds for somebody who has said that the clock is right.
pub(super) fn believed() -> ClockBounds {
    ClockBounds { ahead_at_open: Duration::MAX, ..ClockBounds::default() }
}

/// A clock that is behind by less is only late: it catches up before anybody asks.
const WORTH_A_WORD: Duration = Duration::from_secs(60);

/// Says what is wrong with the clock, if something is.
pub(crate) fn doubt(clock: &ClockStatus) -> Option<String> {
    let (shown, now) = (shown_time(clock.shown), shown_time(clock.now));
    match clock.standing {
        ClockStanding::Steady => None,
        ClockStanding::Behind(by) if by < WORTH_A_WORD => None,
        ClockStanding::Behind(_) => {
            let help = match clock.is_far_behind() {
                true if clock.can_be_rebased() => ", or until latchkeep clock rebase",
                true => "; it was rebased 64 times, as often as it can be: a backup of before helps",
                false => "",
            };
            Some(format!(
                "the clock shows {shown}, before the last record of {now}: the store's time stands still until then{help}"
            ))
        }
        ClockStanding::Ahead(_) => Some(format!(
            "the clock shows {shown}, too far ahead of what the store knows: it goes by {now}, and nothing ends by the clock until the \
             time is confirmed"
        )),
    }
}

/// Says that the store was restored in a time that has not come, if it was: fencing tokens of other restores may be smaller.
pub(super) fn early_incarnation(status: &Status) -> Option<String> {
    status.early_incarnation().map(|time| {
        format!(
            "the incarnation of the store, {}, is a time that has not come, {}: until then another restore of that backup, or of \
             an earlier one, gives fencing tokens that are not larger; have what compares them forget those of this store after it",
            status.incarnation,
            shown_time(time)
        )
    })
}

const fn exit(clock: &ClockStatus) -> Exit {
    if clock.is_ahead() { Exit::TimeUnconfirmed } else { Exit::Done }
}

pub(super) fn show(scene: &mut Scene) -> Result<Exit, Failure> {
    let clock = scene.store().clock();
    let forecast = Forecast::of(scene)?;
    let ends: Vec<_> = scene.store().ends_when_clock_is_confirmed().iter().map(|secret| name(secret)).collect();
    if scene.out.is_json() {
        let mut fields = shown::object(view::Clock::from(&clock));
        fields.insert("ends_when_confirmed".to_owned(), json!(ends));
        fields.insert("moves_when_rebased".to_owned(), forecast.to_json());
        put_rebased(&scene.store().clock_rebased(), &mut fields);
        scene.out.json(&fields.into())?;
        return Ok(exit(&clock));
    }
    let rebased = scene.store().clock_rebased();
    let facts: Vec<_> = facts(&clock).into_iter().chain(clock_rebase::facts(&rebased)).collect();
    scene.out.facts(&facts)?;
    for line in notes(&clock, &ends, forecast) {
        scene.out.line(line)?;
    }
    Ok(exit(&clock))
}

/// Says what a confirmation or a rebase leads to, and what to do.
fn notes(clock: &ClockStatus, ends: &[String], forecast: Forecast) -> Vec<String> {
    let mut notes: Vec<String> = ends.iter().map(|name| ends_when_confirmed(name)).collect();
    if clock.can_be_rebased() {
        notes.extend(forecast.lines().into_iter().chain(forecast.warnings()));
        notes.push("compare the clock with another one; set it, or, if it is right: latchkeep clock rebase".to_owned());
    } else {
        notes.extend(forecast.incarnation);
    }
    if clock.is_ahead() {
        notes
            .push("compare the clock with another one; set it, or, if it is right: latchkeep clock confirm".to_owned());
    }
    notes
}

fn ends_when_confirmed(name: &str) -> String {
    format!("something of it ends as soon as the clock is confirmed: {name}")
}

fn name(secret: &Secret) -> String {
    secret.metadata.name.to_string()
}

fn facts(clock: &ClockStatus) -> Vec<(&'static str, String)> {
    let words = doubt(clock).unwrap_or_else(|| "the store goes by it".to_owned());
    let mut facts = vec![("clock", shown_time(clock.shown)), ("store", shown_time(clock.now)), ("standing", words)];
    facts.extend(clock.held.map(|held| {
        let observed = shown_time(held.observed_at);
        ("not believed", format!("since {}, when the clock showed {observed}", shown_time(held.at)))
    }));
    facts
}

pub(super) fn confirm(scene: &mut Scene, is_sure: bool) -> Result<Exit, Failure> {
    let (clock, ending) = (scene.store().clock(), scene.store().ends_when_clock_is_confirmed());
    let ends = ending.len();
    if clock.is_ahead() && !is_sure {
        for secret in &ending {
            failure::note(ends_when_confirmed(&name(secret)));
        }
        let (shown, now) = (shown_time(clock.shown), shown_time(clock.now));
        let warning = format!(
            "the store will go by {shown}, which the clock shows, in place of {now}, and end for good what has ended by then"
        );
        prompt::confirm_by_person(&warning, "confirm")?;
    }
    let receipt = scene.session.confirm_clock()?;
    let (confirmed, clock) = (receipt.events > 0, scene.store().clock());
    if scene.out.is_json() {
        scene.out.json(&json!({ "confirmed": confirmed, "now": clock.now }))?;
    } else if confirmed {
        let secrets = counted(u64::try_from(ends).unwrap_or(u64::MAX), "secret");
        scene.out.line(format!("the time is {}; something of {secrets} ends now", shown_time(clock.now)))?;
    } else {
        scene.out.line("there is nothing to confirm: the clock is not ahead of what the store knows")?;
    }
    Ok(Exit::Done)
}
