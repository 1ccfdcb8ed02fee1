//! The client of the Reoclo automation API: its contract, requests with retries, and errors.

pub(crate) mod client;
pub(crate) mod contract;
pub(crate) mod credential;
pub(crate) mod deadline;
pub(crate) mod error;
pub(crate) mod identifier;
pub(crate) mod retry;
pub(crate) mod url;
