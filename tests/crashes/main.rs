//! Processes that die and stand still, and what the next one finds.

mod databases;
mod environment;
mod expected;
mod locks;
mod matrix;
mod pauses;
mod process;
mod refusals;
mod step;
mod threads;
