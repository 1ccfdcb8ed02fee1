//! Reoclo: its API, and the network between it and the runner.

mod api;
mod exchange;
mod headers;
mod limit;
mod network;

pub(super) use exchange::{
    ACCESS_TOKEN, API_KEY, Exchange, Seen, Step, USERNAME, credential_id, server_id, server_name,
};
pub(super) use network::{Departure, Reoclo};
