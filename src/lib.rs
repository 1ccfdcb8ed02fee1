//! The core of `reoclo/docker-auth`: log a Reoclo managed server in to a container registry, and out again.
//!
//! Everything here is pure logic that runs on any machine, with one exception: [`js`], compiled for
//! WebAssembly only, which lends the logic a JavaScript host. `run` is the place to start reading.

// On the host nothing calls the recipes but the tests; what is dead in the product, the wasm build tells.
#![cfg_attr(not(target_arch = "wasm32"), allow(dead_code))]

mod api;
mod authority;
mod client;
mod error;
mod fleet;
mod host;
mod inputs;
#[cfg(target_arch = "wasm32")]
pub mod js;
mod json;
mod log;
mod login;
mod logout;
mod mask;
mod operation;
mod outputs;
mod poll;
mod preflight;
#[cfg(all(test, not(target_arch = "wasm32")))]
mod properties;
mod registry;
mod retry;
mod run;
mod run_context;
mod secret;
mod state;
mod summary;
mod text;

/// What `make fuzz` feeds with bytes from nowhere.
#[cfg(fuzzing)]
pub mod fuzz {
    /// Every reader of a reply's body.
    pub fn reply(body: &str) {
        let Some(reply) = crate::json::native::parse(body) else { return };
        let _ = crate::api::LoginReply::read(&reply).map(|login| login.accepted().is_ok());
        let _ = crate::api::Operation::read(&reply);
        neutraliser(&crate::api::detail(&reply));
    }

    /// The neutraliser; panics if its result could still be a command.
    pub fn neutraliser(text: &str) {
        for line in crate::text::neutral_lines(text) {
            assert!(!line.contains("::") && !line.contains("##[") && !line.chars().any(char::is_control), "{line:?}");
        }
    }
}
