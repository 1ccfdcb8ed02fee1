//! The core of `reoclo/docker-auth`: logs servers that Reoclo manages in to container registries, and out again.
//!
//! [`step`] has the two steps and is the place to start reading. The logic knows no JavaScript and runs on any machine.
//! Only [`js`], which is compiled for WebAssembly alone, does: it implements the port in [`host`].
//!
//! `page` is for a page that writes workflows, and not part of the action.
//!
//! Imports go one way: host ← runner, registry ← api ← inputs ← login ← step ← js. `make lint` checks it.

// Without the boundary only tests call the steps. The wasm build of the action reports dead code.
#![cfg_attr(not(all(target_arch = "wasm32", feature = "action")), allow(dead_code))]
// What the page calls is public for it alone.
#![cfg_attr(not(feature = "page"), allow(unreachable_pub))]

mod api;
mod host;
mod inputs;
#[cfg(all(target_arch = "wasm32", feature = "action"))]
pub mod js;
mod login;
#[cfg(any(test, feature = "page"))]
pub mod page;
mod registry;
mod runner;
#[cfg(all(test, not(target_arch = "wasm32")))] // proptest does not build for wasm
#[allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]
mod simulation;
mod step;
#[cfg(test)]
#[allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]
mod tests;

/// The entry points of `make fuzz`.
#[cfg(fuzzing)]
pub mod fuzz {
    use crate::api::contract::{self, LoginResponse, LogoutResponse, Operation};
    use crate::host::codec::Codec;
    use crate::host::fake::FakeHost;

    /// Deserializes every kind of response body, and sanitizes what an error shows.
    pub fn response(body: &str) {
        let host = FakeHost::default();
        let _ = host.read_json::<LoginResponse>(body);
        let _ = host.read_json::<Operation>(body);
        let _ = host.read_json::<LogoutResponse>(body);
        sanitizer(&contract::error_detail(&host, body));
    }

    /// Sanitizes a text; panics if the result could still be a command.
    pub fn sanitizer(text: &str) {
        let line = crate::runner::text::sanitize(text);
        assert!(!line.contains("::") && !line.contains("##[") && !line.chars().any(char::is_control), "{line:?}");
    }
}
