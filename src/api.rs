//! Requests and replies of the Reoclo automation API; pure data, nothing is sent from here.
//!
//! Source: the public API documentation (`/api/automation/`, `/guides/api-keys/`).

use crate::authority;
use crate::inputs::Login;
use crate::run_context::RunContext;
use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use std::fmt;

const PREFIX: &str = "/api/automation/v1";

/// Where the API lives: an absolute http(s) URL, without trailing slashes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ApiUrl(String);

impl ApiUrl {
    /// Checks a URL; the error ends the sentence "api_url …".
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        let (scheme, rest) = text.trim().split_once("://").ok_or("is not an absolute http(s) URL")?;
        let scheme = scheme.to_ascii_lowercase();
        if scheme != "https" && scheme != "http" {
            return Err("is not an absolute http(s) URL");
        }
        let (host, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let host = authority::parse(host)?;
        if !authority::is_url_host(&host) {
            return Err("has a host that ends in a number and is not an IPv4 address");
        }
        if path.contains(['?', '#']) {
            return Err("has a query or fragment, which a base URL cannot have");
        }
        if path.chars().any(|c| c.is_whitespace() || c.is_control() || c == '\\') {
            return Err("has white space or a backslash inside");
        }
        Ok(Self(format!("{scheme}://{host}{}", path.trim_end_matches('/'))))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The host and port, for messages.
    pub(crate) fn host(&self) -> &str {
        self.0.split('/').nth(2).unwrap_or_default()
    }

    /// Whether the API key would cross a network unencrypted.
    pub(crate) fn is_exposed(&self) -> bool {
        self.0.starts_with("http:") && !authority::is_loopback(self.host())
    }

    pub(crate) fn to(&self, path: &str) -> String {
        format!("{}{PREFIX}{path}", self.0)
    }
}

/// The calls that the action makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call {
    VaultLogin,
    PassthroughLogin,
    Operation,
    Logout,
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::VaultLogin | Self::PassthroughLogin => "the login request",
            Self::Operation => "the question how the operation is doing",
            Self::Logout => "the logout request",
        })
    }
}

/// The body of every POST; what a call does not need is left out.
#[derive(Serialize)]
struct Body<'a> {
    server_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    credential_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    registry_url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    access_token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    run_id: Option<&'a str>,
    run_context: &'a RunContext,
}

/// A request of the API: what to call, where below the API's prefix, with which JSON.
pub(crate) struct ApiRequest {
    pub(crate) call: Call,
    pub(crate) path: String,
    pub(crate) json: Option<String>,
}

/// The CI run that a request is recorded under.
pub(crate) struct Run {
    pub(crate) id: Option<String>,
    pub(crate) context: RunContext,
}

pub(crate) fn login(server_id: &str, login: &Login, run: &Run) -> ApiRequest {
    let mut body = Body::for_server(server_id, run);
    let (call, path) = match login {
        Login::Vault { credential_id } => {
            body.credential_id = Some(credential_id);
            (Call::VaultLogin, "/registry-auth/login")
        }
        Login::Passthrough { username, access_token, registry } => {
            body.registry_url = Some(registry);
            body.username = Some(username);
            body.access_token = Some(access_token.expose());
            (Call::PassthroughLogin, "/registry-auth/login-direct")
        }
    };
    ApiRequest { call, path: path.to_owned(), json: Some(body.json()) }
}

pub(crate) fn operation(id: &OperationId) -> ApiRequest {
    ApiRequest { call: Call::Operation, path: format!("/operations/{}", id.0), json: None }
}

pub(crate) fn logout(server_id: &str, registry: &str, run: &Run) -> ApiRequest {
    let mut body = Body::for_server(server_id, run);
    body.registry_url = Some(registry);
    ApiRequest { call: Call::Logout, path: "/registry-auth/logout".to_owned(), json: Some(body.json()) }
}

impl<'a> Body<'a> {
    fn for_server(server_id: &'a str, run: &'a Run) -> Self {
        Self {
            server_id,
            credential_id: None,
            registry_url: None,
            username: None,
            access_token: None,
            run_id: run.id.as_deref(),
            run_context: &run.context,
        }
    }

    fn json(&self) -> String {
        // Strings and options of strings always serialise; an empty body would be refused by the API, not obeyed.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// An operation's id, known to be safe in a URL path, in a log line and in a state file.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct OperationId(String);

impl TryFrom<String> for OperationId {
    type Error = &'static str;

    fn try_from(id: String) -> Result<Self, Self::Error> {
        let safe = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
        if id.is_empty() || id.len() > 128 || !id.bytes().all(safe) {
            return Err("operation_id is not an id");
        }
        Ok(Self(id))
    }
}

impl fmt::Display for OperationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The registry that the API resolved, as the logout has to name it; known to be safe in an argument and in a script.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct RegistryUrl(String);

impl TryFrom<String> for RegistryUrl {
    type Error = &'static str;

    fn try_from(url: String) -> Result<Self, Self::Error> {
        let safe = |b: u8| b.is_ascii_alphanumeric() || b".-_:/[]".contains(&b);
        if url.is_empty() || url.len() > 512 || url.starts_with('-') || !url.bytes().all(safe) {
            return Err("registry_url is not a registry");
        }
        Ok(Self(url))
    }
}

impl RegistryUrl {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// The answer to a login. Its registry counts at once: with it the login can be undone, whatever the rest is worth.
#[derive(Debug, Deserialize)]
pub(crate) struct LoginReply {
    pub(crate) registry_url: RegistryUrl,
    #[serde(default)]
    operation_id: Value,
    #[serde(default)]
    registry_type: Value,
}

/// Whether this is one of the documented kinds of registry.
pub(crate) fn is_documented(registry_type: &str) -> bool {
    const KINDS: [&str; 7] =
        ["docker_hub", "ghcr", "aws_ecr", "google_artifact_registry", "azure_acr", "harbor", "generic"];
    KINDS.contains(&registry_type)
}

/// What else a login is answered with.
pub(crate) struct Accepted {
    pub(crate) operation_id: OperationId,
    pub(crate) registry_type: String,
}

impl LoginReply {
    /// The rest of the reply, or what is wrong with it.
    pub(crate) fn accepted(&self) -> Result<Accepted, &'static str> {
        let word = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
        let id = self.operation_id.as_str().ok_or("operation_id is not an id")?;
        Ok(Accepted {
            operation_id: OperationId::try_from(id.to_owned())?,
            registry_type: self
                .registry_type
                .as_str()
                .filter(|kind| (1..=64).contains(&kind.len()) && kind.bytes().all(word))
                .ok_or("registry_type is not a kind of registry")?
                .to_owned(),
        })
    }
}

/// An operation as the API reports it.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Operation {
    #[serde(default)]
    pub(crate) server_name: Option<String>,
    pub(crate) status: Status,
    #[serde(default, deserialize_with = "object_or_null")]
    pub(crate) result: Option<OperationResult>,
}

/// Where an operation stands. Words that are not known here mean that it still goes on.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub(crate) enum Status {
    Completed,
    Failed,
    Timeout,
    #[default]
    Running,
}

impl From<String> for Status {
    fn from(word: String) -> Self {
        match word.as_str() {
            "completed" => Self::Completed,
            "failed" => Self::Failed,
            "timeout" => Self::Timeout,
            _ => Self::Running,
        }
    }
}

/// What the program on the server did.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct OperationResult {
    #[serde(default)]
    pub(crate) exit_code: Option<i64>,
    #[serde(default)]
    stdout: Option<String>,
    #[serde(default)]
    stderr: Option<String>,
}

impl Operation {
    pub(crate) fn has_ended(&self) -> bool {
        self.status != Status::Running
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

/// Why a successful reply cannot be used.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unreadable {
    /// No JSON at all, or cut off: something between here and the API answered, or the connection broke.
    NotJson,
    /// JSON that the contract does not allow; says what is wrong with it.
    OffContract(String),
}

pub(crate) fn parse<T: DeserializeOwned>(body: &str) -> Result<T, Unreadable> {
    // By way of a map: serde would also take a list of the right values for an object.
    let reply: Map<String, Value> = serde_json::from_str(body)
        .map_err(|error| if error.is_data() { off_contract(&error) } else { Unreadable::NotJson })?;
    T::deserialize(Value::Object(reply)).map_err(|error| off_contract(&error))
}

fn off_contract(error: &serde_json::Error) -> Unreadable {
    // serde quotes the value that it did not expect; what was expected is enough.
    let error = error.to_string();
    Unreadable::OffContract(match error.split_once(", expected ") {
        Some((_, expected)) => format!("a value is not {expected}"),
        None => error,
    })
}

fn object_or_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<OperationResult>, D::Error> {
    let object = Option::<Map<String, Value>>::deserialize(deserializer)?;
    object.map(|object| OperationResult::deserialize(Value::Object(object)).map_err(D::Error::custom)).transpose()
}

/// The API's own explanation of a refusal, from both shapes of FastAPI's `detail`, as it came; empty when there is none.
/// A body of any other shape is never shown.
pub(crate) fn detail(body: &str) -> String {
    let reply: Value = serde_json::from_str(body).unwrap_or_default();
    match reply.get("detail") {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(fields)) => fields.iter().filter_map(field).collect::<Vec<_>>().join("; "),
        _ => String::new(),
    }
}

/// `{"loc": ["body", "server_id"], "msg": "not a UUID"}` as `server_id: not a UUID`.
fn field(field: &Value) -> Option<String> {
    let msg = field.get("msg")?.as_str()?;
    let loc = field.get("loc").and_then(Value::as_array).into_iter().flatten();
    let path: Vec<String> = loc
        .filter_map(|part| part.as_str().map(str::to_owned).or_else(|| part.as_u64().map(|index| index.to_string())))
        .skip_while(|part| part == "body")
        .collect();
    Some(if path.is_empty() { msg.to_owned() } else { format!("{}: {msg}", path.join(".")) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_api_url_is_absolute_http_and_loses_its_trailing_slashes() {
        for (text, url) in [
            ("https://api.reoclo.com", "https://api.reoclo.com"),
            (" HTTPS://API.Reoclo.com/// ", "https://api.reoclo.com"),
            ("http://[::1]:8080/reoclo/", "http://[::1]:8080/reoclo"),
        ] {
            assert_eq!(ApiUrl::parse(text).unwrap().as_str(), url);
        }
        for text in [
            "",
            "api.reoclo.com",
            "ftp://x",
            "https://",
            "https://u:p@host",
            "https://1.2.3.256",
            "https://1.2.3.4.5",
            "https://h/?q",
            "https://h/a b",
        ] {
            assert!(ApiUrl::parse(text).is_err(), "{text:?} was taken");
        }
    }

    #[test]
    fn plain_http_is_exposed_unless_it_is_loopback() {
        for (url, exposed) in [
            ("https://api.example.com", false),
            ("http://127.0.0.1:9", false),
            ("http://localhost", false),
            ("http://[::1]:1/x", false),
            ("http://10.0.0.1", true),
            ("http://api.example.com/x", true),
        ] {
            assert_eq!(ApiUrl::parse(url).unwrap().is_exposed(), exposed, "{url}");
        }
    }

    #[test]
    fn bodies_carry_the_fields_of_the_contract_and_no_others() {
        let run = Run { id: Some("42".into()), context: RunContext::read(&crate::host::fake::FakeHost::default()) };
        let keys = |request: ApiRequest| {
            let json: serde_json::Value = serde_json::from_str(&request.json.unwrap()).unwrap();
            let mut keys: Vec<String> = json.as_object().unwrap().keys().cloned().collect();
            keys.sort();
            keys
        };
        let vault = Login::Vault { credential_id: "c".into() };
        assert_eq!(keys(login("s", &vault, &run)), ["credential_id", "run_context", "run_id", "server_id"]);
        let direct = Login::Passthrough {
            username: "u".into(),
            access_token: crate::secret::Secret::new("t"),
            registry: "ghcr.io".into(),
        };
        assert_eq!(
            keys(login("s", &direct, &run)),
            ["access_token", "registry_url", "run_context", "run_id", "server_id", "username"]
        );
        assert_eq!(keys(logout("s", "ghcr.io", &run)), ["registry_url", "run_context", "run_id", "server_id"]);
    }

    #[test]
    fn an_operation_id_never_leaves_its_place_in_the_path() {
        for id in ["", "..", "../x", "a/b", "a?b", "a b", "a\\nb", "é", &"x".repeat(129)] {
            let body = format!(r#"{{"operation_id":"{id}","registry_url":"r","registry_type":"t"}}"#);
            assert!(parse::<LoginReply>(&body).unwrap().accepted().is_err(), "{id:?} was taken");
        }
    }

    #[test]
    fn unknown_status_words_mean_still_going_on() {
        for (word, ended) in [("queued", false), ("running", false), ("completed", true), ("failed", true)] {
            let operation: Operation = parse(&format!(r#"{{"status":"{word}"}}"#)).unwrap();
            assert_eq!(operation.has_ended(), ended, "{word}");
        }
    }

    #[test]
    fn tells_a_broken_reply_from_one_off_the_contract() {
        for body in ["", "<html>", r#"{"status":"run"#] {
            assert_eq!(parse::<Operation>(body).unwrap_err(), Unreadable::NotJson, "{body:?}");
        }
        for body in [
            "[]",
            "{}",
            r#"{"status":7}"#,
            r#"["web-1","completed",{"exit_code":0}]"#,
            r#"{"status":"failed","result":[]}"#,
            r#"{"status":"completed","result":{"exit_code":"0"}}"#,
        ] {
            assert!(matches!(parse::<Operation>(body), Err(Unreadable::OffContract(_))), "{body:?}");
        }
    }

    #[test]
    fn reads_both_shapes_of_detail_and_shows_no_other_body() {
        assert_eq!(detail(r#"{"detail":"Invalid\nAPI key"}"#), "Invalid\nAPI key");
        assert_eq!(
            detail(
                r#"{"detail":[{"loc":["body","server_id"],"msg":"not a UUID","type":"uuid"},{"loc":["body","a",0],"msg":"x"}]}"#
            ),
            "server_id: not a UUID; a.0: x"
        );
        for body in ["<html>secret</html>", "", r#"{"error":"x"}"#, r#"{"detail":{"a":1}}"#] {
            assert_eq!(detail(body), "", "{body}");
        }
    }
}
