//! Owns the walk along a log: records go in one by one, each is held to the rules before it is taken in.
//!
//! An erased body, or an event of a later release, hides what became of its secret: from there on it is held to what headers
//! and the records that are seen tell, until it is restated. Memory is that of the secrets which are there, whatever the length of
//! the log. Read next: [`super`].

mod place;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::super::batch::remember;
use super::super::event::{Event, GroupCreated, GroupDeleted, GroupRestated, GroupUpdated, StoreRestored};
use super::super::event_shape::Kind;
use super::super::evolve::evolve;
use super::super::id::{LogId, SecretId};
use super::super::incarnation::Incarnation;
use super::super::limits;
use super::super::position::Position;
use super::super::rebase::Rebased;
use super::super::record::{Record, Subject};
use super::super::secret::Secret;
use super::super::state::State;
use super::super::step::{HiddenRecord, Step, evolve_step};
use super::super::time::Timestamp;
use super::flaw::{self, FLAWS_MAX};
use super::gathered::Gathered;
use super::hidden::{Hidden, HiddenGroups};
use super::illegal::Illegal;
use super::restating::Restating;
use super::secret::settled;
use super::{AcceptedStep, Flaw, IllegalStep, Rule, Sight, check};

/// Follows a log record by record, holds each to the rules, and keeps the steps that they do not allow.
#[derive(Clone, Debug)]
pub(crate) struct Walk {
    state: State,
    begin: Begin,
    sight: Sight,
    hidden: BTreeMap<SecretId, Hidden>,
    hidden_groups: HiddenGroups,
    hidden_ever: u64,
    touched: Vec<SecretId>,
    /// Whether the batch has a restore and no signing key yet.
    awaits_key: bool,
    restating: Restating,
    gathered: Gathered,
    /// Whether a later release than 0.1 wrote some record so far.
    is_newer: bool,
    /// What an earlier release wrote in error, the first thousand.
    flaws: Vec<Flaw>,
    /// Whether what is followed is held to the rules.
    is_checked: bool,
    illegal: Illegal,
}

/// Where a walk begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Begin {
    /// At the first record of this log.
    Genesis(LogId),
    /// In the middle: secrets made before are hidden.
    Slice,
    /// At a state that saw everything.
    State,
}

impl Walk {
    /// Begins at the first record of a log.
    pub(crate) fn from_genesis(log_id: LogId) -> Self {
        Self::begin(Begin::Genesis(log_id), State::default())
    }

    /// Begins in the middle of a log, where nothing of what came before is known.
    pub(crate) fn from_slice(first: Position) -> Self {
        let mut state = State::default();
        state.whole.log_size = first;
        Self::begin(Begin::Slice, state)
    }

    /// Begins at a state that saw everything before it.
    pub(crate) fn from_state(state: State) -> Self {
        Self::begin(Begin::State, state)
    }

    /// Begins at a state of which parts have seen more than others: nothing is held to the rules.
    pub(crate) fn from_rows(state: State) -> Self {
        Self { is_checked: false, ..Self::begin(Begin::State, state) }
    }

    fn begin(begin: Begin, state: State) -> Self {
        let sees_all = begin != Begin::Slice;
        Self {
            state,
            begin,
            sight: Sight { whole: sees_all, groups: sees_all },
            hidden: BTreeMap::new(),
            hidden_groups: if sees_all { HiddenGroups::default() } else { HiddenGroups::unknown() },
            hidden_ever: 0,
            touched: Vec::new(),
            awaits_key: false,
            restating: Restating::default(),
            gathered: Gathered::default(),
            is_newer: false,
            flaws: Vec::new(),
            is_checked: true,
            illegal: Illegal::default(),
        }
    }

    /// Accepts illegal steps at these positions.
    pub(crate) fn accept(&mut self, positions: BTreeSet<Position>) {
        self.illegal.ask(positions);
    }

    /// Takes the next record in, legal or not.
    ///
    /// # Errors
    ///
    /// [`IllegalStep`] when the rules do not allow it. It is kept among the illegal steps, and the walk can go on.
    pub(crate) fn apply(&mut self, record: &Record) -> Result<(), IllegalStep> {
        let before = self.state.log_size();
        self.step(record).map_err(|rule| {
            // Where it is the whole batch that breaks a rule, the record is in already.
            if self.state.log_size() == before {
                self.force(record);
            }
            self.keep(record.position, rule)
        })
    }

    /// Takes a record in whose event cannot be read, legal or not.
    ///
    /// # Errors
    ///
    /// [`IllegalStep`] when a record cannot have this header here. It is kept, as for [`apply`](Self::apply).
    pub(crate) fn apply_hidden(&mut self, record: &HiddenRecord) -> Result<(), IllegalStep> {
        let checked = self.check_hidden(record);
        self.take_hidden(record);
        checked
            .and_then(|()| if record.ends_batch { self.settle() } else { Ok(()) })
            .map_err(|rule| self.keep(record.position, rule))
    }

    /// Takes what lies at a position in, legal or not.
    pub(crate) fn follow(&mut self, step: &Step) {
        let _ = match step {
            step if !self.is_checked => {
                evolve_step(&mut self.state, step);
                return;
            }
            Step::Told(record) => self.apply(record),
            Step::Erased(erased) => self.apply_hidden(&erased.hidden()),
        };
    }

    /// Tells whether what is followed is held to the rules: it saw everything from where it began.
    pub(crate) const fn is_checked(&self) -> bool {
        self.is_checked
    }

    fn keep(&mut self, position: Position, rule: Rule) -> IllegalStep {
        let step = IllegalStep { position, rule };
        self.illegal.note(step);
        step
    }

    /// Takes a record in that the rules do not allow, as a store does that replays it; the rest of its batch cannot be held to
    /// standing together any more.
    fn force(&mut self, record: &Record) {
        self.gathered.hide();
        self.is_newer |= is_newer(&record.event);
        evolve(&mut self.state, record);
        if let Some(subject) = record.subject {
            let is_over =
                matches!(record.event, Event::SecretDeleted(_)) || self.state.secret(subject.secret).is_some();
            if is_over {
                self.hidden.remove(&subject.secret);
            } else if let Some(hidden) = self.hidden.get_mut(&subject.secret) {
                hidden.revision = subject.revision;
            }
        }
    }

    /// Gives the first step that is not legal and that nobody has accepted.
    pub(crate) fn illegal(&self) -> Option<IllegalStep> {
        self.illegal.first()
    }

    /// Tells whether more steps are illegal than can be accepted; what comes next need not be looked at.
    pub(crate) const fn is_beyond(&self) -> bool {
        self.illegal.is_beyond()
    }

    /// Gives the illegal steps that were accepted, in the order in which they were.
    pub(crate) fn accepted(&self) -> &[AcceptedStep] {
        self.illegal.accepted()
    }

    /// Gives what an earlier release wrote in error: the first thousand.
    pub(crate) fn flaws(&self) -> &[Flaw] {
        &self.flaws
    }

    /// Gives what became of the store, but for secrets of which not everything was seen.
    pub(crate) const fn state(&self) -> &State {
        &self.state
    }

    /// Gives the same, to be changed by what is no record.
    pub(crate) const fn state_mut(&mut self) -> &mut State {
        &mut self.state
    }

    /// Gives the same, whole.
    pub(crate) fn into_state(self) -> State {
        self.state
    }

    /// Tells whether every record so far was seen, from the first of the log on, and so held to every rule.
    pub(crate) const fn has_seen_all(&self) -> bool {
        self.hidden_ever == 0 && self.sight.whole && self.sight.groups
    }

    /// Tells whether every event about settings, key slots and epochs was seen.
    pub(crate) const fn sees_whole(&self) -> bool {
        self.sight.whole
    }

    /// Tells whether a secret is known in part only: the rest follows in the same batch.
    pub(crate) fn is_coming_back(&self, id: SecretId) -> bool {
        self.restating.is_coming_back(id)
    }

    /// Counts the secrets of which not everything was seen.
    pub(crate) fn hidden_secrets(&self) -> usize {
        self.hidden.len().saturating_add(self.restating.coming_back())
    }

    /// Counts all secrets that were hidden at some time.
    pub(crate) const fn hidden_ever(&self) -> u64 {
        self.hidden_ever
    }

    fn step(&mut self, record: &Record) -> Result<(), Rule> {
        self.check_header(record)?;
        if record.index == 0 {
            self.gathered = Gathered::default();
        }
        if let Some(subject) = record.subject
            && !self.sees(record, subject.secret, subject.revision)?
        {
            self.gathered.hide();
            self.follow_hidden(record, subject)?;
        } else {
            self.take(record)?;
        }
        if record.ends_batch() { self.settle() } else { Ok(()) }
    }

    /// Holds a record of which everything was seen to the rules, and takes it in.
    fn take(&mut self, record: &Record) -> Result<(), Rule> {
        check(&self.state, record, self.sight)?;
        self.hidden_groups.check(&self.state, record)?;
        let was = record.subject.and_then(|subject| self.hidden.get(&subject.secret));
        self.restating.check(&self.state, record, was)?;
        if !self.sight.whole || record.event.audited_secret().is_some_and(|id| self.hidden.contains_key(&id)) {
            self.gathered.hide();
        }
        self.gathered.take(&self.state, record, self.is_newer)?;
        self.is_newer |= is_newer(&record.event);
        let flaw = flaw::before(&self.state, record);
        evolve(&mut self.state, record);
        let flaw = flaw.or_else(|| flaw::after(&self.state, record)).filter(|_| self.flaws.len() < FLAWS_MAX);
        self.flaws.extend(flaw.map(|kind| Flaw { position: record.position, kind }));
        self.touched.extend(record.subject.map(|subject| subject.secret));
        if let Some(subject) = record.subject.filter(|_| matches!(record.event, Event::SecretRestated(_))) {
            self.hidden.remove(&subject.secret);
        }
        if let Some(hidden) = record.event.audited_secret().and_then(|id| self.hidden.get_mut(&id)) {
            hidden.trace(record);
        }
        if let Event::StoreRestored(event) = &record.event {
            self.awaits_key = true;
            self.illegal.accept(event, record.position);
            self.hidden.values_mut().filter(|_| !event.with_data).for_each(|hidden| hidden.lose_data(record));
        }
        if let Event::SigningKeySet(_) = &record.event {
            self.awaits_key = false;
        }
        if let Event::ClockRebased(event) = &record.event {
            let (rebased, all) = (Rebased::of(event, record), &self.state.whole.rebased);
            self.hidden.values_mut().for_each(|hidden| hidden.rebase(&rebased, all));
        }
        Ok(())
    }

    fn take_hidden(&mut self, record: &HiddenRecord) {
        self.is_newer |= Event::label_of(record.number).is_none();
        match record.subject {
            None => {
                self.sight = Sight { whole: self.sight.whole && is_of_groups(record), groups: false };
                self.hidden_groups.take(record);
            }
            Some(subject) => {
                let hidden = self.hide(subject, |before| Hidden::begin(before, record, subject.revision));
                hidden.take_erased(record, subject.revision);
            }
        }
        self.gathered.hide();
        self.passed(record.position, record.recorded_at);
    }

    /// Notes that a batch was answered under a key, for whoever does not keep the answers themselves.
    pub(crate) fn note_answer(&mut self, last: &Record) {
        remember(&mut self.state, std::slice::from_ref(last));
    }

    /// Follows a secret of which not everything was seen.
    fn follow_hidden(&mut self, record: &Record, subject: Subject) -> Result<(), Rule> {
        let Subject { secret: id, revision } = subject;
        let (state, sight) = (&self.state, self.sight);
        if let Some(hidden) = self.hidden.get_mut(&id) {
            hidden.name(&record.event);
            hidden.check(state, record, sight)?;
        }
        if let Event::SecretDeleted(_) = &record.event {
            self.hidden.remove(&id);
        } else {
            self.hide(subject, |_| Hidden::unknown(revision));
            let whole = &self.state.whole;
            if let Some(hidden) = self.hidden.get_mut(&id) {
                hidden.take((record, revision), whole);
            }
        }
        self.state.whole.writer_epoch = record.context.writer_epoch;
        self.passed(record.position, record.recorded_at);
        Ok(())
    }

    /// Takes a secret out of sight. Its name may be another by now, and its group's count is wrong.
    fn hide(&mut self, subject: Subject, begin: impl FnOnce(Option<Arc<Secret>>) -> Hidden) -> &mut Hidden {
        let Subject { secret: id, revision } = subject;
        let before = self.state.take_out(id);
        self.sight.groups = false;
        let (restating, hidden_ever) = (&mut self.restating, &mut self.hidden_ever);
        self.hidden.entry(id).or_insert_with(|| {
            *hidden_ever = hidden_ever.saturating_add(1);
            restating.give_back(id, revision).unwrap_or_else(|| begin(before))
        })
    }

    const fn passed(&mut self, position: Position, time: Timestamp) {
        self.state.whole.log_size = position.next();
        self.state.whole.last_at = time;
    }

    /// Holds the secrets of a batch to their bounds behind it.
    fn settle(&mut self) -> Result<(), Rule> {
        if self.state.secrets.len().saturating_add(self.hidden.len()) > limits::SECRETS_MAX {
            return Err(Rule::TooManySecrets);
        }
        if std::mem::take(&mut self.awaits_key) {
            return Err(Rule::RestoreWithoutKey);
        }
        self.restating.settle(&self.state)?;
        let state = &self.state;
        self.touched.drain(..).filter_map(|id| state.secret(id)).try_for_each(|secret| settled(secret))?;
        std::mem::take(&mut self.gathered).check(&self.state, self.is_newer)
    }
}

/// Gives the state behind a batch that follows a state which saw everything; the writer asks before it appends.
///
/// # Errors
///
/// [`IllegalStep`] when the rules do not allow the batch.
pub(crate) fn after(state: &State, batch: &[Record]) -> Result<State, IllegalStep> {
    let mut walk = Walk { is_newer: true, ..Walk::from_state(state.clone()) };
    batch.iter().try_for_each(|record| walk.apply(record))?;
    Ok(walk.into_state())
}

/// Tells whether release 0.1 cannot have written an event.
fn is_newer(event: &Event) -> bool {
    let names_incarnation = |restored: &StoreRestored| restored.incarnation != Incarnation::ORIGINAL;
    event.is_newer() || matches!(event, Event::StoreRestored(restored) if names_incarnation(restored))
}

/// Tells whether a record of the whole store can only be one about groups, the ones whose bodies are erased.
const fn is_of_groups(record: &HiddenRecord) -> bool {
    matches!(
        record.number,
        <GroupCreated as Kind>::NUMBER
            | <GroupUpdated as Kind>::NUMBER
            | <GroupDeleted as Kind>::NUMBER
            | <GroupRestated as Kind>::NUMBER
    )
}
