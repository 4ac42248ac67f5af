//! What the tester makes of histories written by hand: it explains what is right, and finds what is wrong.

use stateright::semantics::{ConsistencyTester, LinearizabilityTester};

use super::one_secret::{Answer, Call, OneSecret};
use super::plain::{Ask, Mode, Which};

/// Beginnings and answers of calls, by thread, in the order of time.
enum Step {
    Begins(u8, Call),
    Ends(u8, Answer),
}
use Step::{Begins, Ends};

fn is_explained(steps: Vec<Step>) -> bool {
    let mut tester = LinearizabilityTester::new(OneSecret::new("first"));
    for step in steps {
        match step {
            Begins(thread, call) => drop(tester.on_invoke(thread, call).unwrap()),
            Ends(thread, answer) => drop(tester.on_return(thread, answer).unwrap()),
        }
    }
    tester.is_consistent()
}

fn call(ask: Ask) -> Call {
    Call::Ask(ask, None)
}

fn rotate() -> Call {
    call(Ask::Rotate { secret: 0, data: "second".to_owned() })
}

fn read() -> Call {
    call(Ask::Read { secret: 0, which: Which::Current })
}

fn place() -> Call {
    let names = vec!["billing".to_owned()];
    call(Ask::Place { secret: 0, which: Which::Current, names, until: None, mode: Mode::Keep })
}

fn destroy() -> Call {
    call(Ask::DestroyData { secret: 0, which: Which::Current })
}

fn data(text: &str, revision: Option<u64>) -> Answer {
    Answer::Read(text.to_owned(), revision)
}

#[test]
fn a_stale_read_is_found() {
    let during = |read_is: &str, revision| {
        let ends = [Ends(1, data(read_is, Some(revision))), Ends(0, Answer::Done(Some(7 - revision)))];
        [Begins(0, rotate()), Begins(1, read())].into_iter().chain(ends).collect()
    };
    assert!(is_explained(during("first", 3)), "a read beside the rotation may come before it");
    assert!(is_explained(during("second", 4)), "or behind it");
    assert!(!is_explained(during("first", 4)), "but not both");
    let after = |text, revision| {
        vec![
            Begins(0, rotate()),
            Ends(0, Answer::Done(Some(3))),
            Begins(1, read()),
            Ends(1, data(text, Some(revision))),
        ]
    };
    assert!(is_explained(after("second", 4)));
    assert!(!is_explained(after("first", 4)), "what was answered before the read began is seen by it");
}

#[test]
fn a_lock_and_a_destruction_that_both_succeed_are_found() {
    let both = |placed: Answer, destroyed: Answer| {
        vec![Begins(0, place()), Begins(1, destroy()), Ends(0, placed), Ends(1, destroyed)]
    };
    let refused = |code: &str| Answer::Refused(code.to_owned());
    assert!(is_explained(both(Answer::Done(Some(3)), refused("secret_version_locked"))));
    assert!(is_explained(both(refused("version_data_unavailable"), Answer::Done(Some(3)))));
    assert!(!is_explained(both(Answer::Done(Some(3)), Answer::Done(Some(4)))));
    assert!(!is_explained(both(refused("version_data_unavailable"), refused("secret_version_locked"))), "no reason");
}

#[test]
fn a_call_without_an_answer_may_have_been_done_or_not_but_not_before_it_began() {
    let seen = |revision, locks: &[&str]| {
        let locks = locks.iter().map(|name| (*name).to_owned()).collect();
        Answer::Seen(Some((revision, vec![(1, true, locks)])))
    };
    let look = |answer| vec![Begins(0, place()), Begins(1, Call::Look), Ends(1, answer)];
    assert!(is_explained(look(seen(2, &[]))));
    assert!(is_explained(look(seen(3, &["billing"]))));
    assert!(!is_explained(vec![Begins(1, Call::Look), Ends(1, seen(3, &["billing"])), Begins(0, place())]));
}

#[test]
fn a_refusal_for_a_revision_that_was_the_right_one_is_found() {
    let Call::Ask(ask, _) = rotate() else { unreachable!() };
    let refused = |expected| {
        let call = Call::Ask(ask.clone(), Some(expected));
        vec![Begins(0, call), Ends(0, Answer::Refused("revision_mismatch".to_owned()))]
    };
    assert!(is_explained(refused(3)));
    assert!(!is_explained(refused(2)));
}
