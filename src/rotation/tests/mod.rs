//! The protocol under fire. Afterwards a worker that knows nothing goes on, and what the protocol promises must hold.

mod adoption;
mod damaged;
mod dispatch;
mod ends;
mod fire;
mod forced;
mod full;
mod hand_out;
mod holds;
mod in_place;
mod job_runner;
mod jobs;
mod outages;
mod own_data;
#[cfg(feature = "postgres")]
mod real;
mod restored;
mod room;
mod rules;
mod schedules;
mod slow;
mod still;
mod sweeps;
mod timers;
mod unread_answers;
mod world;
