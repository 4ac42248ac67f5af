//! A worker of one thread has room for one call to an issuer at a time: each step gives its room back before it needs it again.

use std::sync::mpsc;
use std::time::Duration;

use super::job_runner::NotBegun;
use super::world::{HOUR, World};
use crate::RotationWorker;
use crate::domain::name::Reason;
use crate::domain::rotation::IssuerClass;
use crate::issuer::kit::{ModelFault, ModelIssuer, ModelMethod};

/// Runs a worker of so many threads once; a run that does not end is given up.
fn run(world: &World, threads: usize) {
    let worker = RotationWorker::new(&world.store, world.options().threads(threads));
    let (send, done) = mpsc::channel();
    let running = worker.clone();
    std::thread::spawn(move || send.send(running.run_due().is_ok()));
    assert_eq!(done.recv_timeout(Duration::from_secs(60)), Ok(true), "the run ends");
}

/// Giving one up held a room while it asked for another: there was none, so it was asked again at once, without end.
#[test]
fn what_is_made_is_given_up_by_a_worker_of_one_thread_whoever_made_it() {
    for class in IssuerClass::ALL {
        for (threads, by_jobs) in [(1, false), (2, false), (1, true), (2, true)] {
            if by_jobs && !class.takes_jobs() {
                continue;
            }
            let what = format!("{class}, {threads} threads, by jobs: {by_jobs}");
            let model = ModelIssuer::new(*class).fault(ModelMethod::Verify, 0, ModelFault::Refuse);
            let world = if by_jobs { World::new(model).by_jobs() } else { World::new(model) };
            run(&world, threads);
            world.end_jobs();
            run(&world, threads);
            assert!(world.get().rotation.as_deref().is_some_and(|open| open.credential().is_some()), "{what}");
            world.ops().abort_rotation(world.secret, Reason::of("another day")).unwrap();
            if let Some(jobs) = &world.jobs {
                jobs.fault_soon(0, NotBegun);
            }
            for _ in 0..4 {
                run(&world, threads);
                world.end_jobs();
                world.clock.advance(HOUR);
            }
            assert_eq!((&world.get().rotation, world.model.existing().len()), (&None, 0), "{what}");
        }
    }
}
