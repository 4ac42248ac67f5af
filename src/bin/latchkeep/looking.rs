//! Owns looking at the store as it is or was: the moment that a command shows, and how that is said.
//!
//! Read next: [`super::find`].

use latchkeep::Moment;
use latchkeep::audit::AsOf;
use serde_json::{Map, Value, json};

use crate::args::AsOfArg;
use crate::failure::{self, Failure};
use crate::scene::Scene;
use crate::times::shown;

/// What a command shows: the store now, or as it was.
pub(crate) struct Sight {
    pub(crate) moment: Moment,
    is_past: bool,
}

impl Sight {
    /// Takes a look. People are told of what moment, beside what is shown.
    pub(crate) fn of(scene: &Scene, args: AsOfArg) -> Result<Self, Failure> {
        let moment = scene.store().as_of(args.as_of.unwrap_or(AsOf::End))?;
        let sight = Self { moment, is_past: args.as_of.is_some() };
        if sight.is_past && !scene.out.is_json() {
            sight.tell();
        }
        Ok(sight)
    }

    fn tell(&self) {
        let Self { moment, .. } = self;
        failure::note(format!("as of {}, after {} records", shown(moment.time()), moment.size()));
        if moment.stretches() > 1 {
            failure::note(stretches(moment.stretches()));
        }
        let hidden: Vec<String> = moment.hidden().map(|id| id.to_string()).collect();
        if !hidden.is_empty() {
            failure::note(format!("not shown, since words about them were erased from the log: {}", hidden.join(", ")));
        }
        if moment.hides_groups() {
            failure::note("words about groups were erased from the log; there may have been others");
        }
    }

    /// Adds to JSON of what moment it is, where one was asked for.
    pub(crate) fn put(&self, fields: &mut Map<String, Value>) {
        if self.is_past {
            let Self { moment, .. } = self;
            let hidden: Vec<_> = moment.hidden().collect();
            let as_of = json!({
                "records": moment.size(),
                "time": moment.time(),
                "stretches": moment.stretches(),
                "hidden_secrets": hidden,
                "hides_groups": moment.hides_groups(),
            });
            fields.insert("as_of".to_owned(), as_of);
        }
    }
}

/// Says that a time lies in several stretches of a log.
pub(crate) fn stretches(count: usize) -> String {
    format!(
        "the clock was rebased: that time lies in {count} stretches of the log, and this is the newest; positions tell of the others"
    )
}
