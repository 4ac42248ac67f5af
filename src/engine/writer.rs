//! Owns the order of all commands: the only thread that decides and appends.
//!
//! It works on a snapshot of its own, ahead of what is durable. While one group is being committed the next one grows.
//! A group is sent as soon as the committer is free. Every answer, also a refusal, waits for the group in which it was
//! decided, since it may depend on something that is not durable yet. Read next: [`super::group`],
//! [`super::committer`].

mod absence;
mod ending;
mod erasing;
mod remembering;
mod stamping;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::codec::keys;
use crate::domain::batch::receipt;
use crate::domain::clock::Note;
use crate::domain::command::{Command, Terms};
use crate::domain::decide::{Verdict, due_at, judge};
use crate::domain::event::Event;
use crate::domain::id::SecretId;
use crate::domain::name::Actor;
use crate::domain::position::{Position, WriterEpoch};
use crate::domain::receipt::Receipt;
use crate::domain::time::Timestamp;
use crate::domain::version::SealedRef;
use crate::error::Error;

use super::Shared;
use super::clock::monotonic;
use super::committer::{Committed, Work, commit};
use super::draw::Draw;
use super::group::{By, Group};
use super::queue::{Order, Payload, Request, Rewrapped};
use super::reply::{Done, Outcome, Reply};
use super::snapshot::Snapshot;
use super::sync::{First, Receiver, Sender, TryRecvError, first_of};

use absence::Absence;

/// How often the writer checks for work without a request: reads to record, time to pass, a poisoned store.
const TICK: Duration = Duration::from_secs(1);

/// Secrets whose lapses are handled at once, so that callers do not wait for them.
const LAPSES_AT_ONCE: usize = 256;

/// The writer's side of an open store.
pub(super) struct Writer {
    shared: Arc<Shared>,
    requests: Receiver<Request>,
    committer: Sender<Work>,
    reports: Receiver<Committed>,
    snapshot: Snapshot,
    group: Group,
    /// Whether the committer waits for the next group.
    is_free: bool,
    draw: Draw,
    epoch: WriterEpoch,
    audited_at: Instant,
    system: Terms,
    /// Callers that wait until nothing is due any more.
    settling: Vec<Reply>,
    absence: Absence,
    ending: Option<Ending>,
}

/// Whether there were reads to record.
#[derive(PartialEq, Eq)]
enum Recorded {
    Some,
    Nothing,
}

/// Why the writer ends.
enum Ending {
    Asked(Reply),
    Abandoned,
}

impl Writer {
    pub(super) fn new(
        shared: Arc<Shared>,
        requests: Receiver<Request>,
        committer: Sender<Work>,
        reports: Receiver<Committed>,
        system: Actor,
    ) -> Self {
        let snapshot = Snapshot::clone(&shared.published.load());
        let (opened_at, lease_grace) = (shared.now(), shared.lease_grace);
        Self {
            epoch: snapshot.state.whole.writer_epoch.next(),
            group: Group::new(snapshot.end.size),
            shared,
            requests,
            committer,
            reports,
            snapshot,
            is_free: true,
            draw: Draw::new(),
            audited_at: monotonic(),
            system: Terms::by(system),
            settling: Vec::new(),
            absence: Absence::until(opened_at, lease_grace),
            ending: None,
        }
    }

    /// Runs until a caller asks it to end, or no sender of requests is left.
    pub(super) fn run(mut self) {
        while self.ending.is_none() {
            self.wait();
            self.drain();
            if self.shared.poison.why().is_some() {
                self.give_up();
            } else {
                self.pass_time();
                self.send_if_free();
            }
        }
        self.end();
    }

    /// Waits for a request, for the committer, or until it is time to check for work.
    fn wait(&mut self) {
        // With a full group, only the committer can make progress.
        let requests = if self.group.is_full() { None } else { Some(&self.requests) };
        match first_of(requests, &self.reports, self.patience()) {
            First::One(Ok(request)) => self.handle(request),
            First::One(Err(_)) => self.ending = Some(Ending::Abandoned),
            First::Other(committed) => self.take_committed(committed.unwrap_or(Committed::Failed)),
            First::Neither => {}
        }
    }

    /// Returns how long time makes nothing due.
    fn patience(&self) -> Duration {
        if !self.settling.is_empty() && !self.group.is_full() {
            return Duration::ZERO;
        }
        let now = self.look().now;
        // A lease that remains for now is due at every look.
        let next = self.snapshot.next_lapse().filter(|_| !self.absence.spares_some(now));
        next.map_or(TICK, |at| at.since(now).clamp(Duration::from_millis(1), TICK))
    }

    /// Takes the requests that have arrived; a request to end keeps its place in the queue.
    fn drain(&mut self) {
        while self.ending.is_none() && !self.group.is_full() {
            match self.requests.try_recv() {
                Ok(request) => self.handle(request),
                Err(TryRecvError::Empty) => return,
                Err(TryRecvError::Disconnected) => self.ending = Some(Ending::Abandoned),
            }
        }
    }

    fn handle(&mut self, request: Request) {
        if let Some(error) = self.shared.poison.error() {
            if let Some(reply) = request.refuse(error) {
                self.ending = Some(Ending::Asked(reply));
            }
            return;
        }
        match request {
            Request::Order(order) => self.decide(*order),
            Request::Rewrap(data_keys, reply) => {
                let outcome = self.rewrap(data_keys).map(|()| Ok(self.nothing_done(None)));
                self.group.answer(reply, outcome);
            }
            Request::Settle(reply) => self.settling.push(reply),
            Request::Stop(reply) => self.ending = Some(Ending::Asked(reply)),
        }
    }

    fn decide(&mut self, order: Order) {
        if let Command::EraseBodies { .. } = order.command {
            return self.erase(order);
        }
        let Order { command, terms, payload, reply } = order;
        let outcome = self.try_decide(&command, &terms, payload);
        self.group.answer(reply, outcome);
    }

    fn try_decide(&mut self, command: &Command, terms: &Terms, payload: Payload) -> Outcome {
        if let Command::RebaseClock(_) = command {
            return self.rebase(terms);
        }
        let now = self.stamp_for(command)?;
        self.absence.look(now);
        for secret in command.secrets() {
            self.lapse_if_due(secret, now)?;
            self.make_room();
        }
        self.find_room(terms, now)?;
        match judge(&self.snapshot.state, command, terms, now) {
            Verdict::Accept(decision) if decision.events.is_empty() => Ok(Ok(self.nothing_done(decision.secret))),
            Verdict::Accept(decision) => {
                let takes_data = decision.takes_data;
                let needs_rows = takes_data || command.brings_rows();
                let payload = if needs_rows { payload } else { Payload::None };
                let receipt = self.append_with(decision.events, payload, terms, now)?;
                Ok(Ok(Done { receipt, takes_data }))
            }
            Verdict::Refuse(refusal, event) => {
                if let Some(event) = event {
                    self.append(vec![(None, event)], terms, now)?;
                }
                Ok(Err(refusal))
            }
            Verdict::Remembered(outcome) => Ok(outcome.map(|receipt| Done { receipt, takes_data: false })),
        }
    }

    fn append(
        &mut self,
        events: Vec<(Option<SecretId>, Event)>,
        terms: &Terms,
        now: Timestamp,
    ) -> Result<Receipt, Error> {
        self.append_with(events, Payload::None, terms, now)
    }

    fn append_with(
        &mut self,
        events: Vec<(Option<SecretId>, Event)>,
        payload: Payload,
        terms: &Terms,
        now: Timestamp,
    ) -> Result<Receipt, Error> {
        let by = By { terms, now, writer_epoch: self.epoch };
        let records = self.group.append(&mut self.snapshot, events, payload, &by, &mut self.draw)?;
        let last = records.last().ok_or_else(|| Error::internal("a command led to no event where one was due"))?;
        Ok(receipt(&records, last, self.snapshot.state.whole.incarnation()))
    }

    /// Returns the answer to a command that had nothing to change.
    fn nothing_done(&self, secret: Option<SecretId>) -> Done {
        let whole = &self.snapshot.state.whole;
        let receipt = Receipt {
            position: Position::new(whole.log_size.get().saturating_sub(1)),
            events: 0,
            incarnation: whole.incarnation(),
            recorded_at: whole.last_at,
            secret,
            revision: secret.and_then(|id| self.snapshot.state.secret(id)).map(|secret| secret.revision),
            version: None,
            remembered: false,
        };
        Done { receipt, takes_data: false }
    }

    /// Replaces wrapped data keys whose data still exists.
    fn rewrap(&mut self, data_keys: Vec<Rewrapped>) -> Result<(), Error> {
        for Rewrapped { secret, version, data_key, wrapped } in data_keys {
            let secret = self.snapshot.state.secret(secret);
            let is_there = |(id, sealed): (_, &SealedRef)| id == version && sealed.data_key == data_key;
            if secret.is_some_and(|secret| secret.sealed().any(is_there)) {
                self.group.batch.put(keys::data_key(data_key), wrapped)?;
            }
        }
        Ok(())
    }

    /// Does what time has made due, and records reads that returned data.
    fn pass_time(&mut self) {
        let worked = self.try_pass_time();
        if let Err(error) = worked {
            self.shared.poison.set(&error.to_string());
        }
    }

    fn try_pass_time(&mut self) -> Result<(), Error> {
        let judged = self.look();
        // The change of trust in the clock does not wait for a command.
        if matches!(judged.note, Some(Note::Held | Note::Confirmed(_))) && !self.group.is_full() {
            self.stamp_by(judged)?;
        }
        let now = judged.now;
        let at_once = if self.group.is_full() { 0 } else { LAPSES_AT_ONCE };
        self.absence.look(now);
        let due = self.lapsed(now, at_once);
        let mut is_last = due.len() < at_once;
        if !due.is_empty() {
            let now = self.stamp()?;
            for secret in due {
                // Each may have a thousand leases that end at once; what does not fit is done in the next group.
                if self.group.is_full() {
                    is_last = false;
                    break;
                }
                self.lapse_if_due(secret, now)?;
            }
        }
        if is_last {
            self.answer_settling();
        }
        if self.audited_at.elapsed() >= TICK {
            self.record_access()?;
        }
        Ok(())
    }

    /// Returns up to `limit` secrets on which time has work to do, the longest overdue first.
    fn lapsed(&self, now: Timestamp, limit: usize) -> Vec<SecretId> {
        if !self.absence.spares_some(now) {
            return self.snapshot.lapsed(now, limit);
        }
        let state = &self.snapshot.state;
        let waits = |id: &SecretId| state.secret(*id).is_some_and(|secret| self.absence.spares(secret, now));
        self.snapshot.lapsed(now, usize::MAX).into_iter().filter(|id| !waits(id)).take(limit).collect()
    }

    /// Answers the callers that wait until nothing is due, once the work for them is durable.
    fn answer_settling(&mut self) {
        for reply in std::mem::take(&mut self.settling) {
            let outcome = Ok(Ok(self.nothing_done(None)));
            self.group.answer(reply, outcome);
        }
    }

    /// Does what time has made due on a secret at the caller's stamp: a later stamp would be after that of the caller's
    /// command.
    fn lapse_if_due(&mut self, secret: SecretId, now: Timestamp) -> Result<(), Error> {
        let state = &self.snapshot.state;
        let found = state.secret(secret).filter(|secret| !self.absence.spares(secret, now));
        let due = found.and_then(|secret| due_at(state, secret));
        if due.is_some_and(|at| at <= now) {
            self.run_own(&Command::Lapse { secret }, now)?;
        }
        Ok(())
    }

    fn record_access(&mut self) -> Result<Recorded, Error> {
        self.audited_at = monotonic();
        if self.shared.access.is_empty() {
            return Ok(Recorded::Nothing);
        }
        let now = self.stamp()?;
        let reads = self.shared.access.take(now);
        self.run_own(&Command::RecordAccess { reads }, now).map(|()| Recorded::Some)
    }

    /// Decides a command of the store's own, at a stamp.
    fn run_own(&mut self, command: &Command, now: Timestamp) -> Result<(), Error> {
        let terms = self.system.clone();
        match judge(&self.snapshot.state, command, &terms, now) {
            Verdict::Accept(decision) if decision.events.is_empty() => Ok(()),
            Verdict::Accept(decision) => self.append(decision.events, &terms, now).map(drop),
            // The store asks for what is due alone; what is refused all the same waits, and is asked for again.
            Verdict::Refuse(..) | Verdict::Remembered(_) => Ok(()),
        }
    }

    fn send_if_free(&mut self) {
        if self.is_free && !self.group.is_empty() {
            self.send();
        }
    }

    fn send(&mut self) {
        let durable = self.shared.published.with(|snapshot| snapshot.saved.mark());
        if let Err(error) = self.group.close(&mut self.snapshot, durable, &*self.shared.storage) {
            return self.take_back(&|| Error::not_written(&error.to_string()));
        }
        let group = std::mem::replace(&mut self.group, Group::new(self.snapshot.end.size));
        let work = Work {
            batch: group.batch,
            keyring: group.keyring,
            replies: group.replies,
            snapshot: Arc::new(self.snapshot.clone()),
        };
        if work.replies.len() <= 1 && self.requests.is_empty() {
            // Nothing else can be done meanwhile, and another thread would only have to be woken.
            let committed = catch_unwind(AssertUnwindSafe(|| commit(&self.shared, work)));
            return self.take_committed(committed.unwrap_or(Committed::Failed));
        }
        self.is_free = false;
        if let Err(unsent) = self.committer.send(work) {
            self.shared.poison.set("the thread that commits has ended");
            unsent.into_inner().fail(&self.shared.poison);
        }
    }

    fn take_committed(&mut self, committed: Committed) {
        self.is_free = true;
        match committed {
            Committed::Durable => {}
            // Later decisions depend on what was not written.
            Committed::NotWritten(unwritten) => self.take_back(&|| unwritten.error()),
            Committed::Failed => {
                self.shared.poison.set("a commit ended without an answer");
                self.give_up();
            }
        }
    }

    /// Takes back everything that is decided and not durable, and answers every caller with an error. None of it may be
    /// on its way to the disk.
    fn take_back(&mut self, error: &dyn Fn() -> Error) {
        self.answer_all(error);
        self.snapshot = Snapshot::clone(&self.shared.published.load());
        self.group = Group::new(self.snapshot.end.size);
    }

    /// Sends a full group to the disk before more is decided.
    fn make_room(&mut self) {
        if self.group.is_full() {
            self.settle();
        }
    }

    /// Answers every caller in the group with an error.
    fn answer_all(&mut self, error: impl Fn() -> Error) {
        let waiting = std::mem::take(&mut self.group.replies).into_iter().map(|(reply, _)| reply);
        for reply in waiting.chain(std::mem::take(&mut self.settling)) {
            reply.give(Err(error()));
        }
    }

    fn give_up(&mut self) {
        let shared = Arc::clone(&self.shared);
        self.answer_all(|| shared.poison.error().unwrap_or_else(Error::closed));
        self.group = Group::new(self.snapshot.end.size);
    }

    /// Waits until all groups are committed.
    fn settle(&mut self) {
        loop {
            if !self.is_free {
                let committed = self.reports.recv().unwrap_or(Committed::Failed);
                self.take_committed(committed);
            } else if self.shared.poison.why().is_some() {
                return self.give_up();
            } else if self.group.is_empty() {
                return;
            } else {
                self.send();
            }
        }
    }
}
