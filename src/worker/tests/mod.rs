//! The protocol under fire. Afterwards a worker that knows nothing goes on, and what the protocol promises must hold.

mod adoption;
mod ends;
mod fire;
mod hand_out;
mod here;
mod holds;
mod in_place;
mod job_runner;
mod jobs;
mod looks;
mod outages;
#[cfg(feature = "postgres")]
mod real;
mod restored;
mod room;
mod rules;
mod schedules;
mod slow;
mod sweeps;
mod timers;
mod unread;
mod world;
