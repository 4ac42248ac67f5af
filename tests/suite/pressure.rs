//! Many callers, a full queue, and the end of a store while it is busy: everybody is answered.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::mpsc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

use latchkeep::{Command, ErrorKind, Pending, SecretId, Session, Store, VersionRef};

use crate::support::{Gate, Home, arbitrary, lock, next, refused, session, sound};
use crate::walk::{receipt_matches, records, sound_log};

fn gated(home: &Home, queue_max: usize) -> (Store, Gate, SecretId) {
    let gate = Gate::new(home.clock.clone());
    let store = home.options().clock(gate.clone()).queue_max(queue_max).create().unwrap();
    let id = arbitrary(&session(&store), "token", "one");
    (store, gate, id)
}

fn fill(ops: &Session, id: SecretId, most: usize) -> Vec<Pending> {
    let mut taken = Vec::new();
    for number in 0..=most {
        match ops.try_submit(Command::place_lock(id, VersionRef::Current, lock(&format!("lock-{number}")))) {
            Ok(pending) => taken.push(pending),
            Err(error) => {
                assert_eq!((error.code(), error.kind()), ("busy", &ErrorKind::Unavailable));
                return taken;
            }
        }
    }
    panic!("the queue took {most} commands and more");
}

#[test]
fn a_full_queue_pushes_back_and_loses_nobody() {
    let home = Home::new();
    let (store, gate, id) = gated(&home, 4);
    let ops = session(&store);
    gate.shut();
    let taken = fill(&ops, id, 6);
    assert!(taken.len() >= 4);
    // Reads go on: they do not wait for the writer.
    assert_eq!(store.secret(id).unwrap().locks_total(), 0);
    let (patient, waits) = (ops.clone(), mpsc::channel());
    let waiting = thread::spawn(move || {
        waits.0.send(()).unwrap();
        patient.place_lock(id, VersionRef::Current, lock("patient"))
    });
    waits.1.recv().unwrap();
    gate.open();
    let count = taken.len();
    taken.into_iter().for_each(|pending| drop(pending.wait().unwrap()));
    waiting.join().unwrap().unwrap();
    assert_eq!(store.lock_status(id).unwrap().locks_total(), count + 1);
    sound_log(&store);
}

/// Wakes the thread that waits for a future.
struct Unpark(thread::Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn block_on<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

#[test]
fn an_answer_can_be_awaited_in_any_runtime() {
    let home = Home::new();
    let store = home.create();
    let ops = session(&store);
    let id = arbitrary(&ops, "token", "one");
    let work = async {
        let first = ops.submit(Command::rotate(id, next("two")))?;
        let second = ops.submit(Command::place_lock(id, VersionRef::Previous, lock("billing")))?;
        let receipts = [first.await?, second.await?];
        let refused = ops.submit(Command::rotate(id, next("three")))?.await;
        Ok::<_, latchkeep::Error>((receipts, refused))
    };
    let (receipts, third) = block_on(work).unwrap();
    refused(third, "secret_version_locked");
    let records = records(&store);
    receipts.iter().for_each(|receipt| receipt_matches(&records, receipt));
}

#[test]
fn a_command_whose_answer_nobody_waits_for_is_done_all_the_same() {
    let home = Home::new();
    let store = home.create();
    let ops = session(&store);
    let id = arbitrary(&ops, "token", "one");
    drop(ops.submit(Command::rotate(id, next("two"))).unwrap());
    store.settle().unwrap();
    assert_eq!(store.secret(id).unwrap().versions.len(), 2);
}

/// A second call to close used to take the disk away while the first one was still answering, so that commands in flight
/// failed that should have been made durable.
#[test]
fn closing_twice_at_once_answers_everything_in_flight() {
    let home = Home::new();
    let (store, gate, id) = gated(&home, 1_024);
    let ops = session(&store);
    gate.shut();
    let flying: Vec<_> = (0..200)
        .map(|number| ops.submit(Command::place_lock(id, VersionRef::Current, lock(&format!("l-{number}")))).unwrap())
        .collect();
    gate.wait_for_writer();
    let (done, closed) = mpsc::channel();
    let closers: Vec<_> = (0..2)
        .map(|_| {
            let (store, done) = (store.clone(), done.clone());
            thread::spawn(move || done.send(store.close()).unwrap())
        })
        .collect();
    let early = closed.recv_timeout(Duration::from_millis(300));
    assert!(early.is_err(), "a close came back while commands were not answered yet: {early:?}");
    gate.open();
    for pending in flying {
        pending.wait().unwrap();
    }
    closers.into_iter().for_each(|closer| closer.join().unwrap());
    closed.try_iter().for_each(|closed| closed.unwrap());
    let store = home.open();
    assert_eq!(store.lock_status(id).unwrap().locks_total(), 200);
    sound(&store);
}

#[test]
fn after_a_close_everything_is_answered_with_closed() {
    let home = Home::new();
    let store = home.create();
    let ops = session(&store);
    let id = arbitrary(&ops, "token", "one");
    ops.read(id, VersionRef::Current).unwrap();
    let other = store.clone();
    store.close().unwrap();
    store.close().unwrap();
    other.close().unwrap();
    refused(ops.rotate(id, next("two")), "closed");
    refused(ops.submit(Command::delete(id)).map(Pending::wait), "closed");
    refused(ops.try_submit(Command::delete(id)), "closed");
    refused(ops.read(id, VersionRef::Current), "closed");
    refused(ops.dry_run(&Command::delete(id)), "closed");
    refused(ops.roll_epoch(|_| {}), "closed");
    refused(store.settle(), "closed");
    refused(store.status(), "closed");
    refused(store.verify_log(|_| {}), "closed");
    home.open().close().unwrap();
}

#[test]
fn commands_and_closing_race_and_each_is_answered_truly() {
    for _ in 0..8 {
        let home = Home::new();
        let store = home.create();
        let ops = session(&store);
        let id = arbitrary(&ops, "token", "one");
        let callers: Vec<_> = (0..4)
            .map(|caller| {
                let ops = ops.clone();
                thread::spawn(move || {
                    let place =
                        |number: u32| ops.place_lock(id, VersionRef::Current, lock(&format!("l-{caller}-{number}")));
                    let answers = (0..).map(place).take_while(Result::is_ok);
                    answers.map(Result::unwrap).collect::<Vec<_>>()
                })
            })
            .collect();
        store.settle().unwrap();
        store.close().unwrap();
        let receipts: Vec<_> = callers.into_iter().flat_map(|caller| caller.join().unwrap()).collect();
        let store = home.open();
        assert!(store.lock_status(id).unwrap().locks_total() >= receipts.len(), "what was answered is there");
        let records = sound_log(&store);
        receipts.iter().for_each(|receipt| receipt_matches(&records, receipt));
    }
}
