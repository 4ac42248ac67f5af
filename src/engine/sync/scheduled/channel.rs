//! Owns bounded channels with the interface of `crossbeam-channel`, plain or scheduled by shuttle.
//!
//! A scheduled channel is a queue whose every use is a point of the schedule. A thread that has to wait parks until the
//! queue changes. So a schedule in which no thread can continue shows as a deadlock. Read next: [`super::exploring`].

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{RecvError, RecvTimeoutError, SendError, SendTimeoutError, TryRecvError, TrySendError};
use shuttle::thread::Thread;

use super::exploring::{Patience, pause};
use super::is_scheduled;
use crate::engine::sync::First;

pub(crate) enum Sender<T> {
    Plain(crossbeam_channel::Sender<T>),
    Scheduled(Sending<T>),
}

pub(crate) enum Receiver<T> {
    Plain(crossbeam_channel::Receiver<T>),
    Scheduled(Receiving<T>),
}

/// Makes a channel with this capacity; one with capacity 0 can only be closed.
pub(crate) fn bounded<T>(room: usize) -> (Sender<T>, Receiver<T>) {
    if is_scheduled() {
        let state = State { queue: VecDeque::new(), room, senders: 1, receivers: 1, parked: Vec::new() };
        let channel = Arc::new(Channel(parking_lot::Mutex::new(state)));
        (Sender::Scheduled(Sending(Arc::clone(&channel))), Receiver::Scheduled(Receiving(channel)))
    } else {
        let (send, receive) = crossbeam_channel::bounded(room);
        (Sender::Plain(send), Receiver::Plain(receive))
    }
}

/// Receives from the first of two channels that has something; from the first one only if it is given.
pub(crate) fn first_of<A, B>(one: Option<&Receiver<A>>, other: &Receiver<B>, patience: Duration) -> First<A, B> {
    match (one, other) {
        (None | Some(Receiver::Plain(_)), Receiver::Plain(other)) => {
            let never = crossbeam_channel::never();
            let one = one.map_or(&never, Receiver::plain);
            crossbeam_channel::select! {
                recv(one) -> got => First::One(got),
                recv(other) -> got => First::Other(got),
                default(patience) => First::Neither,
            }
        }
        (None, Receiver::Scheduled(other)) => first_of_scheduled(None, &other.0, patience),
        (Some(Receiver::Scheduled(one)), Receiver::Scheduled(other)) => {
            first_of_scheduled(Some(&*one.0), &other.0, patience)
        }
        _ => panic!("channels of two worlds"),
    }
}

fn first_of_scheduled<A, B>(one: Option<&Channel<A>>, other: &Channel<B>, patience: Duration) -> First<A, B> {
    let mut patience = Patience::new(patience);
    loop {
        pause();
        // The order of the checks is random, as with real channels.
        let other_first = super::chance(2) == 0;
        for is_other in [other_first, !other_first] {
            if is_other {
                if let Some(got) = gone_or(other.try_take()) {
                    return First::Other(got);
                }
            } else if let Some(got) = one.and_then(|one| gone_or(one.try_take())) {
                return First::One(got);
            }
        }
        let is_over = patience.wait_unless(|me| {
            // The thread registers with both, so that a change of either ends the wait; a change before that is seen
            // here.
            let is_waiting = one.is_none_or(|one| one.park_if_empty(me));
            other.park_if_empty(me) && is_waiting
        });
        if is_over {
            return First::Neither;
        }
    }
}

fn gone_or<T>(taken: Result<T, TryRecvError>) -> Option<Result<T, RecvError>> {
    match taken {
        Ok(value) => Some(Ok(value)),
        Err(TryRecvError::Disconnected) => Some(Err(RecvError)),
        Err(TryRecvError::Empty) => None,
    }
}

pub(crate) struct Channel<T>(parking_lot::Mutex<State<T>>);

struct State<T> {
    queue: VecDeque<T>,
    room: usize,
    senders: usize,
    receivers: usize,
    /// Threads that wait for a change.
    parked: Vec<Thread>,
}

impl<T> Channel<T> {
    /// Makes a change, and wakes the threads that wait for one.
    fn change<R>(&self, change: impl FnOnce(&mut State<T>) -> R) -> R {
        let mut state = self.0.lock();
        let result = change(&mut state);
        let parked = std::mem::take(&mut state.parked);
        drop(state);
        if is_scheduled() {
            parked.iter().for_each(Thread::unpark);
        }
        result
    }

    fn try_take(&self) -> Result<T, TryRecvError> {
        {
            let state = self.0.lock();
            if state.queue.is_empty() {
                return Err(if state.senders == 0 { TryRecvError::Disconnected } else { TryRecvError::Empty });
            }
        }
        Ok(self.change(|state| state.queue.pop_front()).expect("nobody else ran since"))
    }

    /// Registers a thread that waits for something to receive; returns whether it has to wait.
    fn park_if_empty(&self, me: &Thread) -> bool {
        let mut state = self.0.lock();
        state.parked.push(me.clone());
        state.queue.is_empty() && state.senders > 0
    }

    fn try_put(&self, value: T) -> Result<(), TrySendError<T>> {
        {
            let state = self.0.lock();
            assert!(state.room > 0, "a channel without room is not scheduled");
            if state.receivers == 0 {
                return Err(TrySendError::Disconnected(value));
            }
            if state.queue.len() >= state.room {
                return Err(TrySendError::Full(value));
            }
        }
        self.change(|state| state.queue.push_back(value));
        Ok(())
    }

    fn park_if_full(&self, me: &Thread) -> bool {
        let mut state = self.0.lock();
        state.parked.push(me.clone());
        state.queue.len() >= state.room && state.receivers > 0
    }
}

pub(crate) struct Sending<T>(Arc<Channel<T>>);

impl<T> Drop for Sending<T> {
    fn drop(&mut self) {
        self.0.change(|state| state.senders -= 1);
    }
}

pub(crate) struct Receiving<T>(Arc<Channel<T>>);

impl<T> Drop for Receiving<T> {
    fn drop(&mut self) {
        let nobody_takes_them = self.0.change(|state| {
            state.receivers -= 1;
            if state.receivers == 0 { std::mem::take(&mut state.queue) } else { VecDeque::new() }
        });
        drop(nobody_takes_them);
    }
}

impl<T> Sender<T> {
    pub(crate) fn send(&self, value: T) -> Result<(), SendError<T>> {
        let channel = match self {
            Self::Plain(sender) => return sender.send(value),
            Self::Scheduled(sending) => &sending.0,
        };
        let mut value = value;
        loop {
            pause();
            value = match channel.try_put(value) {
                Ok(()) => return Ok(()),
                Err(TrySendError::Disconnected(value)) => return Err(SendError(value)),
                Err(TrySendError::Full(value)) => value,
            };
            Patience::endless().wait_unless(|me| channel.park_if_full(me));
        }
    }

    pub(crate) fn send_timeout(&self, value: T, patience: Duration) -> Result<(), SendTimeoutError<T>> {
        let channel = match self {
            Self::Plain(sender) => return sender.send_timeout(value, patience),
            Self::Scheduled(sending) => &sending.0,
        };
        let (mut value, mut patience) = (value, Patience::new(patience));
        loop {
            pause();
            value = match channel.try_put(value) {
                Ok(()) => return Ok(()),
                Err(TrySendError::Disconnected(value)) => return Err(SendTimeoutError::Disconnected(value)),
                Err(TrySendError::Full(value)) => value,
            };
            if patience.wait_unless(|me| channel.park_if_full(me)) {
                return Err(SendTimeoutError::Timeout(value));
            }
        }
    }

    pub(crate) fn try_send(&self, value: T) -> Result<(), TrySendError<T>> {
        match self {
            Self::Plain(sender) => sender.try_send(value),
            Self::Scheduled(sending) => {
                pause();
                sending.0.try_put(value)
            }
        }
    }
}

impl<T> Receiver<T> {
    fn plain(&self) -> &crossbeam_channel::Receiver<T> {
        match self {
            Self::Plain(receiver) => receiver,
            Self::Scheduled(_) => panic!("channels of two worlds"),
        }
    }

    pub(crate) fn recv(&self) -> Result<T, RecvError> {
        match self {
            Self::Plain(receiver) => receiver.recv(),
            Self::Scheduled(receiving) => receiving.recv(Patience::endless()).map_err(|_| RecvError),
        }
    }

    pub(crate) fn recv_timeout(&self, patience: Duration) -> Result<T, RecvTimeoutError> {
        match self {
            Self::Plain(receiver) => receiver.recv_timeout(patience),
            Self::Scheduled(receiving) => receiving.recv(Patience::new(patience)),
        }
    }

    pub(crate) fn try_recv(&self) -> Result<T, TryRecvError> {
        match self {
            Self::Plain(receiver) => receiver.try_recv(),
            Self::Scheduled(receiving) => {
                pause();
                receiving.0.try_take()
            }
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Self::Plain(receiver) => receiver.is_empty(),
            Self::Scheduled(receiving) => {
                pause();
                receiving.0.0.lock().queue.is_empty()
            }
        }
    }
}

/// Receives until the channel is closed and empty.
pub(crate) struct Taking<'a, T>(&'a Receiver<T>);

impl<T> Iterator for Taking<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.0.recv().ok()
    }
}

impl<'a, T> IntoIterator for &'a Receiver<T> {
    type Item = T;
    type IntoIter = Taking<'a, T>;

    fn into_iter(self) -> Taking<'a, T> {
        Taking(self)
    }
}

impl<T> Receiving<T> {
    fn recv(&self, mut patience: Patience) -> Result<T, RecvTimeoutError> {
        loop {
            pause();
            match self.0.try_take() {
                Ok(value) => return Ok(value),
                Err(TryRecvError::Disconnected) => return Err(RecvTimeoutError::Disconnected),
                Err(TryRecvError::Empty) => {}
            }
            if patience.wait_unless(|me| self.0.park_if_empty(me)) {
                return Err(RecvTimeoutError::Timeout);
            }
        }
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Self {
        match self {
            Self::Plain(receiver) => Self::Plain(receiver.clone()),
            Self::Scheduled(receiving) => {
                receiving.0.change(|state| state.receivers += 1);
                Self::Scheduled(Receiving(Arc::clone(&receiving.0)))
            }
        }
    }
}
