//! Processes that die or stand still, and the state that the next process finds.

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
