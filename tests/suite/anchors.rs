//! Anchors: what host code does on the store's thread, and what a file that keeps checkpoints refuses.

use std::os::unix::fs::PermissionsExt;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use latchkeep::ledger::SignedCheckpoint;
use latchkeep::{AnchorError, AnchorFile, AnchorPace, CheckpointAnchor, FileAnchor, Position, Store};

use crate::support::{Home, arbitrary, session, unlock};

/// Anchors at each look.
fn at_once() -> AnchorPace {
    AnchorPace { records: 1, interval: Duration::from_millis(1), ..AnchorPace::default() }
}

/// Runs a closure for each checkpoint, and tells of it.
struct Calls<F>(F, SyncSender<()>);

impl<F: Fn(&SignedCheckpoint) -> Result<(), AnchorError> + Send + Sync + 'static> CheckpointAnchor for Calls<F> {
    fn take(&self, checkpoint: &SignedCheckpoint) -> Result<(), AnchorError> {
        // The test may have ended by then.
        let _ = self.1.send(());
        (self.0)(checkpoint)
    }
}

fn calls<F>(take: F) -> (Calls<F>, Receiver<()>)
where
    F: Fn(&SignedCheckpoint) -> Result<(), AnchorError> + Send + Sync + 'static,
{
    let (send, taken) = sync_channel(1_024);
    (Calls(take, send), taken)
}

/// Waits until a problem is shown that has these words in it.
#[track_caller]
fn problem_of(store: &Store, words: &str) {
    let since = std::time::Instant::now();
    while since.elapsed() < Duration::from_secs(60) {
        let problem = store.status().unwrap().anchor_problem;
        if problem.is_some_and(|problem| problem.contains(words)) {
            return;
        }
        store.settle().unwrap();
        std::thread::yield_now();
    }
    panic!("no problem with {words:?} is shown");
}

/// A panic once ended the thread: nothing was anchored any more, and nothing said so.
#[test]
fn an_anchor_that_panics_is_a_problem_and_is_asked_again() {
    let home = Home::new();
    let (anchor, taken) = calls(|_| panic!("the anchor of a test panics"));
    let store = home.options().anchoring(anchor).anchor_pace(at_once()).create().unwrap();
    taken.recv().unwrap();
    problem_of(&store, "the anchor panicked");
    taken.recv().unwrap();
    arbitrary(&session(&store), "token", "one");
    store.close().unwrap();
}

/// A close once waited for ever.
#[test]
fn an_anchor_that_hangs_does_not_hang_the_close() {
    let home = Home::new();
    let (never, until) = sync_channel::<()>(0);
    let until = Mutex::new(until);
    let (anchor, taken) = calls(move |_| {
        let _ = until.lock().unwrap().recv();
        Ok(())
    });
    let pace = AnchorPace { close_max: Duration::from_millis(200), ..at_once() };
    let store = home.options().anchoring(anchor).anchor_pace(pace).create().unwrap();
    taken.recv().unwrap();
    arbitrary(&session(&store), "token", "one");
    problem_of(&store, "has not answered");
    let closed = store.close().unwrap_err();
    assert_eq!(closed.code(), "anchor_silent");
    let again = home.options().open().unwrap();
    assert_eq!(again.status().unwrap().tally.secrets, 1, "all of it is durable");
    drop(never);
}

/// It once joined its own thread.
#[test]
fn an_anchor_may_close_the_store_and_drop_its_last_handle() {
    for closes in [true, false] {
        let home = Home::new();
        let held: Arc<Mutex<Option<Store>>> = Arc::default();
        let (gone, is_gone) = sync_channel(1_024);
        let (last, is_last) = sync_channel::<()>(1);
        let is_last = Mutex::new(is_last);
        let (anchor, _taken) = calls({
            let held = Arc::clone(&held);
            move |_: &SignedCheckpoint| {
                if let Some(store) = held.lock().unwrap().take() {
                    is_last.lock().unwrap().recv().unwrap();
                    if closes {
                        store.close().unwrap();
                    }
                    drop(store);
                    gone.send(()).unwrap();
                }
                Ok(())
            }
        });
        let store = home.options().anchoring(anchor).anchor_pace(at_once()).create().unwrap();
        *held.lock().unwrap() = Some(store.clone());
        arbitrary(&session(&store), "token", "one");
        drop(store);
        last.send(()).unwrap();
        is_gone.recv().unwrap();
        assert_eq!(home.options().open().unwrap().status().unwrap().tally.secrets, 1);
    }
}

fn sizes(path: &std::path::Path) -> Vec<u64> {
    let text = std::fs::read(path).unwrap();
    let file = AnchorFile::read(text.as_slice()).unwrap();
    file.checkpoints().map(|note| note.lines().nth(1).unwrap().parse().unwrap()).collect()
}

#[test]
fn a_file_is_for_its_owner_alone_and_no_link_is_followed() {
    let home = Home::new();
    let file = home.dir.path().join("anchored");
    home.options().anchoring(FileAnchor::new(&file)).create().unwrap().close().unwrap();
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let (victim, link) = (home.dir.path().join("victim"), home.dir.path().join("link"));
    std::fs::write(&victim, "").unwrap();
    std::os::unix::fs::symlink(&victim, &link).unwrap();
    let store = home.options().anchoring(FileAnchor::new(&link)).anchor_pace(at_once()).open().unwrap();
    arbitrary(&session(&store), "token", "one");
    problem_of(&store, "");
    store.close().unwrap();
    assert_eq!(std::fs::read(&victim).unwrap(), b"");
}

/// A rolled back store once appended a second root for a size, and from then on passed.
#[test]
fn a_file_refuses_what_contradicts_its_newest_checkpoint() {
    let home = Home::new();
    let file = home.dir.path().join("anchored");
    let anchored = || home.options().anchoring(FileAnchor::new(&file)).anchor_pace(at_once());
    let store = home.create();
    let mut backup = Vec::new();
    store.backup(&mut backup, &unlock(8), |_| {}).unwrap();
    arbitrary(&session(&store), "one", "1");
    store.close().unwrap();
    let store = anchored().open().unwrap();
    arbitrary(&session(&store), "two", "2");
    store.close().unwrap();
    let before = sizes(&file);
    let beside = home.dir.path().join("restored");
    let options = || latchkeep::StoreOptions::new(&beside, unlock(7)).clock(home.clock.clone());
    let restored = options().anchoring(FileAnchor::new(&file)).anchor_pace(at_once());
    let (restored, _) = restored.restore(std::io::Cursor::new(backup), &unlock(8), |_| {}).unwrap();
    problem_of(&restored, "nothing was appended");
    for number in 0..6 {
        arbitrary(&session(&restored), &format!("other-{number}"), "x");
    }
    problem_of(&restored, "another root");
    restored.close().unwrap();
    assert_eq!(sizes(&file), before);
    let read = || AnchorFile::read(std::fs::read(&file).unwrap().as_slice()).unwrap();
    assert!(options().expecting_anchored(&read()).open_read_only().is_err());

    let store = options().anchoring(FileAnchor::new(&file)).anchor_pace(at_once()).open().unwrap();
    for restore in store.restores().unwrap() {
        FileAnchor::new(&file).accept(&restore).unwrap();
    }
    arbitrary(&session(&store), "after", "x");
    store.close().unwrap();
    assert!(sizes(&file).last() > before.last(), "it goes on with the restored log");
    let store = options().expecting_anchored(&read()).open().unwrap();
    assert!(store.verify_anchored(&read()).unwrap() > Position::new(*before.last().unwrap()));
    store.close().unwrap();
    let original = home.options().expecting_anchored(&read()).open_read_only();
    assert_eq!(original.err().unwrap().code(), "invalid_checkpoint", "the original does not know the new key");
}

/// Two restores of one backup within one second have the same incarnation.
#[test]
fn an_accepted_restore_is_no_other_of_the_same_second() {
    let home = Home::new();
    let store = home.create();
    let mut backup = Vec::new();
    store.backup(&mut backup, &unlock(8), |_| {}).unwrap();
    store.close().unwrap();
    let restored = |name: &str| {
        let options = latchkeep::StoreOptions::new(home.dir.path().join(name), unlock(7)).clock(home.clock.clone());
        options.restore(std::io::Cursor::new(&backup), &unlock(8), |_| {}).unwrap().0
    };
    let (one, other) = (restored("one"), restored("other"));
    let (accepted, same) = (one.restores().unwrap().remove(0), other.restores().unwrap().remove(0));
    assert_eq!((accepted.restored, accepted.incarnation), (same.restored, same.incarnation));
    assert!(!accepted.covers(&same) && accepted.verifier_key.is_some());
    let file = AnchorFile::read(format!("{accepted}\n").as_bytes()).unwrap();
    assert_eq!(file.restores(), std::slice::from_ref(&accepted));
    one.verify_anchored(&file).unwrap();
    assert_eq!(other.verify_anchored(&file).err().unwrap().code(), "forked");

    // A checkpoint without its log is held to the key.
    let path = home.dir.path().join("anchored");
    let anchor = FileAnchor::new(&path);
    anchor.accept(&accepted).unwrap();
    assert!(anchor.take(&other.checkpoint().unwrap()).is_err());
    anchor.take(&one.checkpoint().unwrap()).unwrap();
    assert_eq!(sizes(&path).len(), 1);
}
