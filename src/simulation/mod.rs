//! Deterministic simulation: the real steps, in a world where everything can go wrong, in virtual time. One seed gives one
//! job, with all of its faults, kills and other jobs. After each job, `judge` compares the true state of the servers with
//! what the action promises: see `docs/guarantees.md`.
//!
//! `make simulate` runs it; start reading at `tool`.

mod inputs;
mod job;
mod judge;
mod plan;
mod reoclo;
mod runner;
mod servers;
mod table;
mod tool;
