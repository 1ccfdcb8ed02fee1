//! Tests of whole steps on the host, and what must hold for all inputs, responses and states.

mod main_step;
mod many_logins;
mod post_step;
#[cfg(not(target_arch = "wasm32"))] // proptest does not build for wasm
mod properties;
mod request_budget;
mod request_faults;

use crate::host::fake::FakeHost;

const ID: &str = "0b8f7a52-5c3e-4a8e-9d0c-3f1f7f6d2a11";
const RUNNING: (u16, &str) = (200, r#"{"status":"running"}"#);
const SUCCEEDED: (u16, &str) =
    (200, r#"{"status":"completed","server_name":"web-1","result":{"exit_code":0,"stdout":"Login Succeeded\n"}}"#);
const DENIED: (u16, &str) =
    (200, r#"{"status":"failed","result":{"exit_code":1,"stderr":"Error: denied: tok-hunter22\n"}}"#);

/// A host with the inputs of vault mode.
fn vault() -> FakeHost {
    FakeHost::default().with_env(&[("GITHUB_STATE", "/state")]).with_inputs(&[
        ("api_key", "rca_key"),
        ("server_id", ID),
        ("credential_id", ID),
    ])
}
