//! Owns looking at the store as it is or was: the moment that a command shows, and how that is said.
//!
//! Read next: [`super::find`].

use latchkeep::audit::AsOf;
use latchkeep::{Moment, view};
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
        view::stretches_words(moment.stretches()).iter().for_each(failure::note);
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
            fields.insert("as_of".to_owned(), json!(view::Moment::from(&self.moment)));
        }
    }
}
