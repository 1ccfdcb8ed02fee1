//! The inputs of a step.

use super::plan::{Plan, Use};
use super::reoclo::{ACCESS_TOKEN, API_KEY, USERNAME, credential_id, server_id};
use super::servers::REGISTRIES;

pub(super) const PARENT_API_KEY: &str = "rca_of-the-parent";
pub(super) const PARENT_API_URL: &str = "https://parent.example.com";

/// Those of the workflow.
pub(super) fn own(plan: &Plan, use_: &Use) -> serde_json::Value {
    let lines = |count: usize, line: &dyn Fn(usize) -> String| (0..count).map(line).collect::<Vec<_>>().join("\n");
    let registry = |at: usize| REGISTRIES[plan.credentials[at].registry].to_owned();
    let (yes_or_no, secret) =
        (|yes: bool| if yes { "true" } else { "false" }, |value| if use_.has_secrets { value } else { "" });
    let mut inputs = serde_json::json!({
        "api_key": secret(API_KEY),
        "server_id": lines(use_.servers, &server_id),
        "cleanup": yes_or_no(use_.cleanup),
        "timeout": use_.timeout_s.to_string(),
        "if_missing": if use_.if_missing_skips { "skip" } else { "fail" },
        "job_summary": yes_or_no(use_.job_summary),
    });
    let credential = if use_.is_vault {
        serde_json::json!({ "credential_id": lines(use_.credentials, &credential_id) })
    } else {
        serde_json::json!({
            "username": USERNAME,
            "access_token": secret(ACCESS_TOKEN),
            "registry_url": lines(use_.credentials, &registry),
        })
    };
    if let (Some(inputs), serde_json::Value::Object(credential)) = (inputs.as_object_mut(), credential) {
        inputs.extend(credential);
    }
    inputs
}

/// Another step's inputs: what the state has may not be taken from them.
pub(super) fn of_parent(cleans_up: bool) -> serde_json::Value {
    serde_json::json!({
        "api_key": PARENT_API_KEY,
        "api_url": PARENT_API_URL,
        "server_id": server_id(999),
        "credential_id": credential_id(999),
        "cleanup": if cleans_up { "true" } else { "false" },
        "job_summary": "true",
    })
}
