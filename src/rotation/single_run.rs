//! Owns a single run of the worker: all that is due, with as many issuers asked at a time as a started worker asks, until nothing is.
//!
//! Threads are begun when more than one secret waits for somebody outside, and end with the run. Read next: [`super::dispatch`].

use std::sync::Arc;

use crate::engine::sync::{JoinHandle, Receiver, Sender, bounded};
use crate::engine::threads::spawn;
use crate::error::Error;

use super::claims::Claim;
use super::failure::Failure;
use super::stop_signal::StopSignal;
use super::worker::Core;

/// How many steps were done for a secret, or what failed.
type Done = Result<u64, Error>;

/// The secrets of a run for which somebody outside is asked, and the threads that do.
struct Hands<'a> {
    core: &'a Arc<Core>,
    stopped: StopSignal,
    given: (Sender<Claim>, Receiver<Claim>),
    answers: (Arc<Sender<Done>>, Receiver<Done>),
    threads: Vec<JoinHandle<()>>,
    out: usize,
    steps: u64,
    failed: Failure,
}

impl Core {
    /// Does all that is due, until nothing is; gives how many steps that were, or what failed. Damaged data of one secret keeps no other
    /// from its turn.
    pub(crate) fn run_due(self: &Arc<Self>) -> Result<u64, Error> {
        let _turn = self.turn()?;
        let mut hands = Hands::of(self);
        // What time ends may be what something waited for.
        self.engine.settle_if_there_is_room()?;
        while !hands.failed.ends_run() && !hands.stopped.is_told() {
            let due = self.due(self.options.threads.saturating_sub(hands.out));
            if due.is_empty() && hands.out == 0 {
                break;
            }
            // Before those that the store makes itself, so that nobody outside is waited for meanwhile.
            hands.give(due.elsewhere);
            hands.note(self.rotate_all(due.here, &hands.stopped));
            hands.wait();
        }
        hands.end()
    }
}

impl<'a> Hands<'a> {
    fn of(core: &'a Arc<Core>) -> Self {
        let most = core.options.threads;
        let (given, (answer, answers)) = (bounded(most), bounded(most));
        let answers = (Arc::new(answer), answers);
        Self {
            core,
            stopped: core.single.begin(),
            given,
            answers,
            threads: Vec::new(),
            out: 0,
            steps: 0,
            failed: Failure::none(),
        }
    }

    /// Has secrets worked on; the only one in the caller's own thread, and each for which the system gives no thread.
    fn give(&mut self, secrets: Vec<Claim>) {
        let is_alone = secrets.len() == 1 && self.out == 0;
        for taken in secrets {
            if is_alone || !self.has_thread() {
                let done = self.core.work_on(taken.secret, &self.stopped);
                drop(taken);
                self.note(done);
            } else if self.given.0.send(taken).is_ok() {
                self.out = self.out.saturating_add(1);
            }
        }
    }

    /// Begins one more thread where all that there are have something to do; tells whether there is any.
    fn has_thread(&mut self) -> bool {
        if self.out >= self.threads.len() && self.threads.len() < self.core.options.threads {
            let (core, given, answers) = (Arc::clone(self.core), self.given.1.clone(), Arc::clone(&self.answers.0));
            let stopped = self.stopped.clone();
            let run = move || {
                for taken in &given {
                    let answer = Answer { answers: &answers, done: None };
                    let done = core.work_on(taken.secret, &stopped);
                    // Whoever hears of it may take the secret up again.
                    drop(taken);
                    answer.give(done);
                }
            };
            self.threads.extend(spawn("latchkeep-run", run));
        }
        !self.threads.is_empty()
    }

    /// Waits for an answer, if any is out, and takes all that have come.
    fn wait(&mut self) {
        if self.out > 0
            && let Ok(done) = self.answers.1.recv()
        {
            self.answered(done);
        }
        while let Ok(done) = self.answers.1.try_recv() {
            self.answered(done);
        }
    }

    fn answered(&mut self, done: Done) {
        self.out = self.out.saturating_sub(1);
        self.note(done);
    }

    fn note(&mut self, done: Done) {
        match done {
            Ok(steps) => self.steps = self.steps.saturating_add(steps),
            Err(error) => self.failed.note(error),
        }
    }

    /// Waits for all that is out, and ends the threads.
    fn end(mut self) -> Result<u64, Error> {
        while self.out > 0 {
            self.wait();
        }
        let Self { given, threads, steps, failed, .. } = self;
        drop(given);
        for thread in threads {
            // A thread that panicked has nothing left to end.
            let _ = thread.join();
        }
        failed.or(steps)
    }
}

/// What is said of a secret that was given to a thread, in any case.
struct Answer<'a> {
    answers: &'a Sender<Done>,
    done: Option<Done>,
}

impl Answer<'_> {
    fn give(mut self, done: Done) {
        self.done = Some(done);
    }
}

impl Drop for Answer<'_> {
    fn drop(&mut self) {
        let done = self.done.take().unwrap_or_else(|| Err(Error::internal("a thread of the worker panicked")));
        // The run waits for as many answers as it gave secrets.
        let _ = self.answers.send(done);
    }
}
