//! Tests of whole steps on the host, and what must hold for all inputs, responses and states.

mod main_step;
mod many_logins;
mod post_step;
#[cfg(not(target_arch = "wasm32"))] // proptest does not build for wasm
mod properties;
mod request_budget;
mod request_faults;
mod shown;

use crate::host::Response;
use crate::host::fake::{FakeHost, response};

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

/// A string in the JSON body of a request.
fn field<'a>(body: &'a str, name: &str) -> &'a str {
    let rest = body.split_once(&format!("\"{name}\":\"")).map_or("", |(_, rest)| rest);
    rest.split('"').next().unwrap_or_default()
}

fn rate_limited(retry_after_s: u32) -> Response {
    let mut rejection = response(429, r#"{"detail":"Rate limit exceeded"}"#);
    rejection.headers.push(("retry-after", retry_after_s.to_string()));
    rejection
}
