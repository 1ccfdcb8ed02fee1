//! The client of the Reoclo automation API: its contract, requests with retries, and errors.

pub(crate) mod budget;
pub(crate) mod changes;
pub(crate) mod client;
pub(crate) mod contract;
pub(crate) mod credential;
pub(crate) mod deadline;
pub(crate) mod error;
pub(crate) mod identifier;
mod quota;
mod rate;
pub(crate) mod retry;
pub(crate) mod url;
