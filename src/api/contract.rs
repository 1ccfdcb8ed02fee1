//! Requests and responses as the API documents them. Nothing is sent from here.
//!
//! Source: the public documentation of the automation API (`/api/automation/`, `/guides/api-keys/`).

use super::credential::Credential;
use super::identifier::{OperationId, RegistryType, RegistryUrl};
use crate::host::Host;
use crate::host::json::{self, Lenient, Object};
use crate::runner::context::{CiRun, RunContext};
use serde::de::{DeserializeOwned, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;

/// The calls that the action makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ApiCall {
    VaultLogin,
    PassthroughLogin,
    Status,
    Logout,
}

impl fmt::Display for ApiCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::VaultLogin | Self::PassthroughLogin => "Login request",
            Self::Status => "Status request",
            Self::Logout => "Logout request",
        })
    }
}

/// A request: the call, its path below the API's base, and its JSON body.
pub(crate) struct ApiRequest {
    pub(crate) call: ApiCall,
    pub(crate) path: String,
    pub(crate) body: Option<String>,
}

/// Body of `POST /registry-auth/login`.
#[derive(Serialize)]
struct VaultLogin<'a> {
    server_id: &'a str,
    credential_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    run_id: Option<&'a str>,
    run_context: &'a RunContext,
}

/// Body of `POST /registry-auth/login-direct`.
#[derive(Serialize)]
struct PassthroughLogin<'a> {
    server_id: &'a str,
    registry_url: &'a str,
    username: &'a str,
    access_token: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    run_id: Option<&'a str>,
    run_context: &'a RunContext,
}

/// Body of `POST /registry-auth/logout`.
#[derive(Serialize)]
struct Logout<'a> {
    server_id: &'a str,
    registry_url: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    run_id: Option<&'a str>,
    run_context: &'a RunContext,
}

pub(crate) fn login(host: &impl Host, server_id: &str, credential: &Credential, run: &CiRun) -> ApiRequest {
    let (run_id, run_context) = (run.id.as_deref(), &run.context);
    match credential {
        Credential::Vault { credential_id } => {
            let body = VaultLogin { server_id, credential_id, run_id, run_context };
            post(host, ApiCall::VaultLogin, "/registry-auth/login", &body)
        }
        Credential::Passthrough { username, access_token, registry } => {
            let body = PassthroughLogin {
                server_id,
                registry_url: registry,
                username,
                access_token: access_token.expose(),
                run_id,
                run_context,
            };
            post(host, ApiCall::PassthroughLogin, "/registry-auth/login-direct", &body)
        }
    }
}

/// `GET /operations/{operation_id}`
pub(crate) fn status(operation_id: &OperationId) -> ApiRequest {
    ApiRequest { call: ApiCall::Status, path: format!("/operations/{operation_id}"), body: None }
}

pub(crate) fn logout(host: &impl Host, server_id: &str, registry_url: &str, run: &CiRun) -> ApiRequest {
    let body = Logout { server_id, registry_url, run_id: run.id.as_deref(), run_context: &run.context };
    post(host, ApiCall::Logout, "/registry-auth/logout", &body)
}

fn post(host: &impl Host, call: ApiCall, path: &str, body: &impl Serialize) -> ApiRequest {
    ApiRequest { call, path: path.to_owned(), body: Some(host.to_json(body)) }
}

/// A response that must have a certain type.
pub(crate) trait ApiResponse: DeserializeOwned {
    /// What an error says about a response of the wrong type. It never contains values of the response.
    const UNEXPECTED: &'static str;

    /// What an empty body, or JSON without any of the fields, means; `None` if it is invalid.
    fn without_fields() -> Option<Self> {
        None
    }
}

/// The response to a login request. With its registry the login can be undone, even if the rest is invalid.
#[derive(Debug, Deserialize)]
pub(crate) struct LoginResponse {
    pub(crate) registry_url: RegistryUrl,
    #[serde(default, deserialize_with = "json::valid_or_none")]
    pub(crate) operation_id: Option<OperationId>,
    #[serde(default, deserialize_with = "json::valid_or_none")]
    pub(crate) registry_type: Option<RegistryType>,
}

impl ApiResponse for LoginResponse {
    const UNEXPECTED: &'static str = "registry_url is missing or invalid";
}

/// What an operation does on the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OperationKind {
    Login,
    Logout,
}

impl OperationKind {
    /// The `operation_type` of the other kind. Further types may exist, such as one for each request.
    fn other_type(self) -> &'static str {
        match self {
            Self::Login => "registry_logout",
            Self::Logout => "registry_login",
        }
    }
}

/// The response to a status request.
#[derive(Debug, Deserialize)]
pub(crate) struct Operation {
    pub(crate) status: OperationStatus,
    #[serde(default, deserialize_with = "json::valid_or_none")]
    operation_id: Option<String>,
    #[serde(default, deserialize_with = "json::valid_or_none")]
    operation_type: Option<String>,
    #[serde(default, deserialize_with = "json::valid_or_none")]
    server_id: Option<String>,
    #[serde(default, deserialize_with = "json::valid_or_none")]
    pub(crate) server_name: Option<String>,
    #[serde(default, deserialize_with = "json::object_or_none")]
    result: Option<OperationResult>,
}

impl ApiResponse for Operation {
    const UNEXPECTED: &'static str = "status or result (exit_code, stdout, stderr) is missing or invalid";
}

impl Operation {
    pub(crate) fn has_ended(&self) -> bool {
        self.status != OperationStatus::Running
    }

    /// Whether it is the operation that was requested, of this kind, on the server that it was requested for.
    pub(crate) fn is_for(&self, kind: OperationKind, operation_id: &OperationId, server_id: &str) -> bool {
        self.operation_id.as_deref().is_none_or(|id| id == operation_id.as_str())
            && self.operation_type.as_deref().is_none_or(|name| name != kind.other_type())
            && self.server_id.as_deref().is_none_or(|id| id.eq_ignore_ascii_case(server_id))
    }

    pub(crate) fn exit_code(&self) -> Option<i64> {
        self.result.as_ref().and_then(|result| result.exit_code)
    }

    pub(crate) fn stdout(&self) -> &str {
        self.result.as_ref().and_then(|result| result.stdout.as_deref()).unwrap_or_default()
    }

    pub(crate) fn stderr(&self) -> &str {
        self.result.as_ref().and_then(|result| result.stderr.as_deref()).unwrap_or_default()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub(crate) enum OperationStatus {
    /// Also every status that is unknown here, such as `queued`.
    Running,
    Completed,
    Failed,
    Timeout,
}

impl From<String> for OperationStatus {
    fn from(status: String) -> Self {
        match status.as_str() {
            "completed" => Self::Completed,
            "failed" => Self::Failed,
            "timeout" => Self::Timeout,
            _ => Self::Running,
        }
    }
}

/// The result of the docker command that the agent ran on the server. All fields are missing if it could not run it.
#[derive(Debug, Deserialize)]
pub(crate) struct OperationResult {
    exit_code: Option<i64>,
    stdout: Option<String>,
    stderr: Option<String>,
}

/// The response to a logout request.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct LogoutResponse {
    /// An instance that does not return it has completed the logout.
    #[serde(default, deserialize_with = "json::valid_or_none")]
    pub(crate) status: Option<OperationStatus>,
    #[serde(default, deserialize_with = "json::valid_or_none")]
    pub(crate) operation_id: Option<OperationId>,
}

impl ApiResponse for LogoutResponse {
    const UNEXPECTED: &'static str = "it is not a logout response";

    fn without_fields() -> Option<Self> {
        Some(Self::default())
    }
}

/// The body of an error: `{"detail": "text"}`.
#[derive(Deserialize)]
struct ErrorResponse {
    detail: String,
}

/// The body of a validation error: `{"detail": [{"loc": ["body", "a", 0], "msg": "text"}]}`.
#[derive(Deserialize)]
struct ValidationErrorResponse {
    detail: Vec<Lenient<Object<ValidationError>>>,
}

#[derive(Deserialize)]
struct ValidationError {
    #[serde(default, deserialize_with = "json::valid_or_none")]
    loc: Option<Vec<Lenient<Location>>>,
    msg: String,
}

/// A part of the path of an invalid field.
struct Location(String);

impl<'de> Deserialize<'de> for Location {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameOrIndex;

        impl Visitor<'_> for NameOrIndex {
            type Value = Location;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a field name or an index")
            }

            fn visit_str<E>(self, name: &str) -> Result<Location, E> {
                Ok(Location(name.to_owned()))
            }

            fn visit_i64<E>(self, index: i64) -> Result<Location, E> {
                Ok(Location(index.to_string()))
            }

            fn visit_u64<E>(self, index: u64) -> Result<Location, E> {
                Ok(Location(index.to_string()))
            }
        }

        deserializer.deserialize_any(NameOrIndex)
    }
}

/// The API's explanation of an error, as received; empty if the body has neither documented form.
pub(crate) fn error_detail(host: &impl Host, body: &str) -> String {
    if let Ok(ErrorResponse { detail }) = host.read_json(body) {
        return detail;
    }
    let Ok(ValidationErrorResponse { detail }) = host.read_json(body) else { return String::new() };
    let errors = detail.into_iter().filter_map(|Lenient(error)| error).map(|Object(error)| error);
    let errors = errors.filter(|error| !error.msg.is_empty()).map(|error| error.to_string());
    errors.collect::<Vec<_>>().join("; ")
}

impl fmt::Display for ValidationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = self.loc.iter().flatten().filter_map(|Lenient(part)| part.as_ref());
        let path: Vec<&str> = parts.map(|Location(part)| part.as_str()).collect();
        match path.as_slice() {
            [] | ["body"] => f.write_str(&self.msg),
            ["body", path @ ..] | path => write!(f, "{}: {}", path.join("."), self.msg),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::codec::Codec;
    use crate::host::fake::FakeHost;
    use crate::host::json::JsonError;
    use crate::runner::secret::Secret;

    fn keys(request: ApiRequest) -> Vec<String> {
        let body: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&request.body.unwrap()).unwrap();
        body.into_iter().map(|(name, _)| name).collect()
    }

    fn parse<T: ApiResponse>(body: &str) -> Result<T, JsonError> {
        FakeHost::default().read_json(body)
    }

    #[test]
    fn bodies_have_exactly_the_documented_fields() {
        let host = FakeHost::default().with_env(&[("GITHUB_RUN_ID", "42")]);
        let run = CiRun::read(&host);
        let vault = Credential::Vault { credential_id: "c".into() };
        assert_eq!(keys(login(&host, "s", &vault, &run)), ["credential_id", "run_context", "run_id", "server_id"]);
        let passthrough = Credential::Passthrough {
            username: "u".into(),
            access_token: Secret::new("t"),
            registry: "ghcr.io".into(),
        };
        assert_eq!(
            keys(login(&host, "s", &passthrough, &run)),
            ["access_token", "registry_url", "run_context", "run_id", "server_id", "username"]
        );
        let body = login(&host, "s", &passthrough, &run).body.unwrap();
        assert!(body.contains(r#""username":"u","access_token":"t""#), "{body}");
        assert_eq!(keys(logout(&host, "s", "ghcr.io", &run)), ["registry_url", "run_context", "run_id", "server_id"]);
        let outside_ci = CiRun::read(&FakeHost::default());
        assert!(!keys(logout(&host, "s", "ghcr.io", &outside_ci)).contains(&"run_id".to_owned()));
    }

    #[test]
    fn keeps_the_registry_if_the_rest_is_invalid() {
        for rest in ["", r#","operation_id":7"#, r#","operation_id":[],"registry_type":{"a":1}"#] {
            let response: LoginResponse = parse(&format!(r#"{{"registry_url":"ghcr.io"{rest}}}"#)).unwrap();
            assert_eq!(response.registry_url.as_str(), "ghcr.io");
            assert_eq!((response.operation_id, response.registry_type), (None, None), "{rest}");
        }
    }

    #[test]
    fn rejects_a_login_response_without_a_valid_registry() {
        for body in [
            "{}",
            "null",
            r#"["op-1","ghcr.io","ghcr"]"#,
            r#"{"registry_url":7}"#,
            r#"{"registry_url":"a b"}"#,
            r#"{"registry_url":"-D"}"#,
            r#"{"registry_url":"ghcr.io\n"}"#,
        ] {
            assert_eq!(parse::<LoginResponse>(body).unwrap_err(), JsonError::Type, "{body}");
        }
    }

    #[test]
    fn unknown_status_means_running() {
        for (status, expected) in [
            ("queued", OperationStatus::Running),
            ("running", OperationStatus::Running),
            ("completed", OperationStatus::Completed),
            ("failed", OperationStatus::Failed),
            ("timeout", OperationStatus::Timeout),
        ] {
            let operation: Operation = parse(&format!(r#"{{"status":"{status}"}}"#)).unwrap();
            assert_eq!(operation.status, expected);
            assert_eq!(operation.has_ended(), expected != OperationStatus::Running, "{status}");
        }
    }

    #[test]
    fn rejects_an_operation_with_wrong_types() {
        for body in [
            "{}",
            r#"{"status":7}"#,
            r#"{"status":{"completed":null}}"#,
            r#"["completed","web-1",{"exit_code":0}]"#,
            r#"{"status":"failed","result":[]}"#,
            r#"{"status":"completed","result":[0,"",""]}"#,
            r#"{"status":"completed","result":{"exit_code":"0"}}"#,
            r#"{"status":"completed","result":{"exit_code":0.5}}"#,
            r#"{"status":"completed","result":{"exit_code":0,"stdout":[]}}"#,
        ] {
            assert_eq!(parse::<Operation>(body).unwrap_err(), JsonError::Type, "{body:?}");
        }
    }

    #[test]
    fn null_counts_as_missing() {
        for body in [r#"{"status":"failed","result":null}"#, r#"{"status":"failed","result":{"exit_code":null}}"#] {
            let operation: Operation = parse(body).unwrap();
            assert_eq!(operation.exit_code(), None, "{body:?}");
        }
    }

    #[test]
    fn ignores_a_server_name_that_is_not_a_string() {
        let operation: Operation = parse(r#"{"status":"running","server_name":["web-1"]}"#).unwrap();
        assert_eq!(operation.server_name, None);
    }

    fn detail(body: &str) -> String {
        error_detail(&FakeHost::default(), body)
    }

    #[test]
    fn reads_both_forms_of_detail() {
        assert_eq!(detail(r#"{"detail":"Invalid\nAPI key"}"#), "Invalid\nAPI key");
        assert_eq!(
            detail(
                r#"{"detail":[{"loc":["body","server_id"],"msg":"not a UUID","type":"uuid"},7,{"loc":["body","a",0,{}],"msg":"x"},{"msg":"y"}]}"#
            ),
            "server_id: not a UUID; a.0: x; y"
        );
        assert_eq!(
            detail(r#"{"detail":[{"loc":null,"msg":"a"},{"loc":"body","msg":"b"},{"msg":""},[["body","x"],"list"]]}"#),
            "a; b"
        );
    }

    #[test]
    fn shows_no_other_body() {
        for body in [r#""secret""#, "null", r#"{"error":"x"}"#, r#"{"detail":{"a":1}}"#, r#"[{"detail":"x"}]"#] {
            assert_eq!(detail(body), "", "{body}");
        }
    }
}
