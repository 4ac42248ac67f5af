//! Owns `latchkeep watch`: telling what users hear of, as it comes, and running a program for it.
//!
//! Read next: [`crate::seen`], for how far it has come.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::Ordering;
use std::time::Duration;

use latchkeep::{Event, LogEntry, Notification, Position, ResumePoint, Secret, SecretId, Store, Timestamp, Watched};
use serde_json::{Value, json};

use super::log::{self, Known};
use super::summary;
use crate::args::{Watch, WatchFrom};
use crate::exit::Exit;
use crate::failure::{self, Failure};
use crate::out::bold;
use crate::prompt;
use crate::scene::Scene;
use crate::seen::Seen;
use crate::times::shown as shown_time;

/// How long it waits for a record before it looks whether somebody wants it to end.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// How often it looks which secrets expire soon.
const WARN_EVERY: Duration = Duration::from_secs(60);

pub(crate) fn run(args: &Watch, scene: &mut Scene) -> Result<Exit, Failure> {
    let interrupted = prompt::noted_interrupts()?;
    let store = scene.store().clone();
    let seen = args.state.as_deref().map(|path| Seen::open(path, &store)).transpose()?;
    let mut watch = begin(args, &store, seen.as_ref().and_then(|seen| seen.point))?;
    let about = args.secret.as_deref().map(|named| log::subject(scene, named)).transpose()?;
    let warned = warned_until(seen.as_ref().and_then(|seen| seen.warned), watch.next_position(), &store);
    let mut teller = Teller { args, about, known: Known::of(scene), seen, warned, scene };
    let patience = if args.until_end { Duration::ZERO } else { LOOK_EVERY };
    while !interrupted.load(Ordering::SeqCst) {
        let heeded = match watch.next_within(patience)? {
            Watched::Entry(entry) => teller.take(&entry, watch.resume_point()),
            Watched::Quiet => teller.catch_up(watch.resume_point()),
            Watched::Ended => {
                teller.catch_up(watch.resume_point())?;
                break;
            }
        };
        // A program that was interrupted along with us has not failed; it comes again.
        match heeded {
            Err(_) if interrupted.load(Ordering::SeqCst) => break,
            heeded => heeded?,
        }
    }
    Ok(Exit::Done)
}

/// Begins where the last watch had come to, or where the arguments say.
fn begin(args: &Watch, store: &Store, kept: Option<ResumePoint>) -> Result<latchkeep::Watch, Failure> {
    let from = match args.from {
        Some(WatchFrom::Position(position)) => position,
        None if args.until_end => Position::FIRST,
        Some(WatchFrom::Now) | None => store.status()?.log_size,
    };
    let Some(point) = kept else { return Ok(store.watch(from)?) };
    match store.watch_from(&point) {
        Err(error) => match error.begin_at().filter(|_| args.accept_restore) {
            Some(restored) => Ok(store.watch(restored)?),
            None => Err(error.into()),
        },
        Ok(watch) => Ok(watch),
    }
}

/// Gives up to when expiries were warned of, in the time that the store goes by now. An earlier watch may have come further in a time
/// that the clock was rebased from since, or in one that left no record.
fn warned_until(kept: Option<Timestamp>, from: Position, store: &Store) -> Timestamp {
    let (rebased, now) = (store.clock_rebased(), store.clock().now);
    let since = rebased.iter().filter(|rebased| rebased.position >= from);
    since.fold(kept.unwrap_or(now), |until, rebased| until.min(rebased.observed_at)).min(now)
}

/// What is told: as JSON, and in columns.
struct Told {
    json: Value,
    columns: Vec<String>,
    is_refusal: bool,
}

/// Tells what happened, and remembers what was told.
struct Teller<'a> {
    args: &'a Watch,
    about: Option<SecretId>,
    known: Known,
    seen: Option<Seen>,
    /// Up to when expiries were warned of.
    warned: Timestamp,
    scene: &'a mut Scene,
}

impl Teller<'_> {
    /// Tells of a record, if it is asked for.
    fn take(&mut self, entry: &LogEntry, next: ResumePoint) -> Result<(), Failure> {
        if let LogEntry::Known(record) = entry {
            self.known.learn(record);
        }
        if self.about.is_some() && entry.secret() != self.about {
            return Ok(());
        }
        let notification = match entry {
            LogEntry::Known(record) => self.scene.store().notification(record)?,
            _ => None,
        };
        if !self.args.all && !notification.is_some_and(|found| self.is_asked_for(found)) {
            return Ok(());
        }
        let told = self.told(entry, notification);
        self.tell(&told)?;
        self.keep(next)
    }

    fn is_asked_for(&self, notification: Notification) -> bool {
        self.args.only.is_empty() || self.args.only.contains(&notification)
    }

    /// All that is durable was told: warns of what expires soon, and remembers what nothing was told of.
    fn catch_up(&mut self, next: ResumePoint) -> Result<(), Failure> {
        // A clock that is set meanwhile may show a time that the store does not go by.
        let now = self.scene.store().clock().now;
        if self.args.until_end || now.since(self.warned) >= WARN_EVERY {
            if self.is_asked_for(Notification::SecretAboutToExpire) {
                for secret in self.scene.store().secrets() {
                    if self.about.is_none_or(|about| about == secret.id) {
                        for days in secret.expiry_warnings(self.warned, now) {
                            self.tell(&warning(&secret, days))?;
                        }
                    }
                }
            }
            self.warned = self.warned.max(now);
        }
        self.keep(next)
    }

    /// Remembers how far it has come, once what was told is out.
    fn keep(&mut self, next: ResumePoint) -> Result<(), Failure> {
        if self.seen.is_some() || !self.args.until_end {
            self.scene.out.flush()?;
        }
        self.seen.as_mut().map_or(Ok(()), |seen| seen.keep(next, self.warned))
    }

    fn told(&self, entry: &LogEntry, notification: Option<Notification>) -> Told {
        let name = entry.secret().map(|id| self.known.name(id));
        let (mut json, columns, is_refusal) = match entry {
            LogEntry::Known(record) => {
                let event = &record.event;
                let columns = [
                    record.position.to_string(),
                    shown_time(record.recorded_at),
                    record.context.actor.to_string(),
                    name.clone().unwrap_or_default(),
                    notification.map(|found| found.to_string()).unwrap_or_default(),
                    event.label().to_owned(),
                    summary::of(event, self.known.numbers()),
                ];
                (log::to_json(entry), columns, event.refusal().is_some())
            }
            _ => (log::to_json(entry), opaque_columns(entry, name.clone().unwrap_or_default()), false),
        };
        if let Value::Object(fields) = &mut json {
            fields.insert("secret".to_owned(), json!(name));
            fields.insert("notification".to_owned(), json!(notification.map(Notification::label)));
        }
        Told { json, columns: columns.into(), is_refusal }
    }

    /// Shows it, or hands it to the program.
    fn tell(&mut self, told: &Told) -> Result<(), Failure> {
        if let Some((program, arguments)) = self.args.run.split_first() {
            return match hand(program, arguments, &told.json) {
                Err(failure) if self.args.keep_going && failure.exit() == Exit::Failed => {
                    failure::warn(failure.message());
                    Ok(())
                }
                handed => handed,
            };
        }
        let out = &mut self.scene.out;
        if out.is_json() {
            return out.line(&told.json);
        }
        if !out.is_terminal() {
            let columns: Vec<String> = told.columns.iter().map(|text| text.replace(['\n', '\r', '\t'], " ")).collect();
            return out.line(columns.join("\t"));
        }
        let heard = |at: usize, text: &String| match at {
            4 if told.is_refusal => crate::out::red(text),
            4 => bold(text),
            _ => text.clone(),
        };
        let shown: Vec<String> = told.columns.iter().enumerate().map(|(at, text)| heard(at, text)).collect();
        out.line(shown.join("  "))
    }
}

fn opaque_columns(entry: &LogEntry, name: String) -> [String; 7] {
    let LogEntry::Opaque { position, recorded_at, context, event_type, erased, .. } = entry else {
        return Default::default();
    };
    let label = Event::label_of(*event_type).map_or_else(|| format!("event {event_type}"), str::to_owned);
    let why = if *erased { "its body was erased" } else { "a later release wrote it" };
    let (time, actor) = (shown_time(*recorded_at), context.actor.to_string());
    [position.to_string(), time, actor, name, String::new(), label, why.to_owned()]
}

/// What is told of a secret that expires soon; no record leads to it.
fn warning(secret: &Secret, days: u16) -> Told {
    let (name, notification) = (secret.metadata.name.to_string(), Notification::SecretAboutToExpire);
    let end = secret.expires_at();
    let what = match (days, end.map(shown_time)) {
        (0, end) => format!("expires at {}", end.unwrap_or_default()),
        (days, end) => format!("{days} days before {}", end.unwrap_or_default()),
    };
    let json = json!({
        "position": null, "event": null, "secret_id": secret.id, "secret": name, "notification": notification.label(),
        "data": { "days": days, "expires_at": end },
    });
    let blank = String::new;
    let columns = vec![blank(), blank(), blank(), name, notification.to_string(), blank(), what];
    Told { json, columns, is_refusal: false }
}

/// Runs a program with the JSON on its stdin, and waits for it.
fn hand(program: &str, arguments: &[String], json: &Value) -> Result<(), Failure> {
    let failed = |error: &std::io::Error| Failure::io("run", Path::new(program), error);
    let mut child =
        Command::new(program).args(arguments).stdin(Stdio::piped()).spawn().map_err(|error| failed(&error))?;
    if let Some(mut stdin) = child.stdin.take() {
        // A program that does not read is no failure: how it ends counts.
        let _ = stdin.write_all(format!("{json}\n").as_bytes());
    }
    let status = child.wait().map_err(|error| failed(&error))?;
    if status.success() {
        return Ok(());
    }
    let at = json.get("position").and_then(Value::as_u64).map(|at| format!(" on record {at}")).unwrap_or_default();
    let message = format!("{program} failed{at}: {status}");
    let hint = "the next watch with the same --state, or --from that record, begins there; --keep-going goes on";
    Err(Failure::new(Exit::Failed, "program_failed", message).hint(hint))
}
