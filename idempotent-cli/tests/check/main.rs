//! `idempotent check` as a process: against a sound server, against one for every fault, and within its limits.

mod command;
mod faults;
mod limits;
mod raw;
mod replies;
mod reports;
mod secrets;
mod server;
mod sound;
mod strange;
mod tls;
