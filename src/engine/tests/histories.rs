//! Random histories: at every position of the log, an open recovers, from saved state or from the log alone, the state
//! that was kept step by step. The store may end after any commit, also during a pass of saved state.

use super::shell::{Shell, step};

#[test]
fn what_is_rebuilt_from_the_log_is_what_was_kept_at_every_position() {
    let mut erased = 0;
    for seed in 1..=3 {
        let mut shell = Shell::new(seed);
        for number in 0..90 {
            step(&mut shell);
            shell.check_rebuild(&format!("seed {seed}, step {number}"));
        }
        erased += shell.erased;
    }
    assert!(erased > 20, "only {erased} bodies were erased");
}

#[test]
fn what_is_recovered_after_any_commit_is_what_was_kept_and_no_more_is_replayed_than_has_to_be() {
    let (mut reopened_in_a_pass, mut erased) = (0, 0);
    for seed in 1..=2 {
        let mut shell = Shell::new(seed);
        for _ in 0..90 {
            let create = shell.create();
            shell.run(&create);
        }
        for number in 0..240 {
            step(&mut shell);
            let what = format!("seed {seed}, step {number}");
            shell.check_recovery(&what);
            if number % 50 == 0 {
                shell.check_rebuild(&what);
            }
            // Sometimes the store ends, often twice in a short time.
            if shell.chance.below(24) == 0 || (shell.kept.saved.is_in_a_pass() && shell.chance.below(2) == 0) {
                shell.reopen();
            }
        }
        shell.check_rebuild("at the end");
        erased += shell.erased;
        assert!(shell.marks >= 3, "seed {seed}: only {} passes came to their end", shell.marks);
        reopened_in_a_pass += shell.reopened_in_a_pass;
        assert!(
            shell.kept.saved.behind(&shell.kept.end) < shell.kept.end.size.get() / 2,
            "an open replays the end only"
        );
    }
    assert!(reopened_in_a_pass >= 3, "only {reopened_in_a_pass} ends came in the middle of a pass");
    assert!(erased > 100, "only {erased} bodies were erased");
}
