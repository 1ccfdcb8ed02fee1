//! Requests and replies of the Reoclo automation API; pure data, nothing is sent from here.
//!
//! Source: the public API documentation (`/api/automation/`, `/guides/api-keys/`).

use crate::authority;
use crate::inputs::Login;
use crate::json::Json;
use crate::run_context::RunContext;
use crate::text;
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

/// A request of the API: what to call, where below the API's prefix, with which body.
pub(crate) struct ApiRequest {
    pub(crate) call: Call,
    pub(crate) path: String,
    pub(crate) body: Option<Json>,
}

/// The CI run that a request is recorded under.
pub(crate) struct Run {
    pub(crate) id: Option<String>,
    pub(crate) context: RunContext,
}

pub(crate) fn login(server_id: &str, login: &Login, run: &Run) -> ApiRequest {
    match login {
        Login::Vault { credential_id } => {
            let fields = [("credential_id", credential_id.as_str())];
            post(Call::VaultLogin, "/registry-auth/login", server_id, &fields, run)
        }
        Login::Passthrough { username, access_token, registry } => {
            let fields =
                [("registry_url", registry.as_str()), ("username", username), ("access_token", access_token.expose())];
            post(Call::PassthroughLogin, "/registry-auth/login-direct", server_id, &fields, run)
        }
    }
}

pub(crate) fn operation(id: &OperationId) -> ApiRequest {
    ApiRequest { call: Call::Operation, path: format!("/operations/{}", id.0), body: None }
}

pub(crate) fn logout(server_id: &str, registry: &str, run: &Run) -> ApiRequest {
    post(Call::Logout, "/registry-auth/logout", server_id, &[("registry_url", registry)], run)
}

fn post(call: Call, path: &str, server_id: &str, fields: &[(&str, &str)], run: &Run) -> ApiRequest {
    let mut body = vec![("server_id".to_owned(), server_id.into()), ("run_context".to_owned(), run.context.json())];
    body.extend(run.id.as_deref().map(|id| ("run_id".to_owned(), id.into())));
    body.extend(fields.iter().map(|(name, text)| ((*name).to_owned(), (*text).into())));
    ApiRequest { call, path: path.to_owned(), body: Some(Json::Object(body)) }
}

/// An operation's id, known to be safe in a URL path, in a log line and in a state file.
#[derive(Debug, Clone, PartialEq, Eq)]
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

impl OperationId {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for OperationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The registry that the API resolved, as the logout has to name it; known to be safe in an argument and in a script.
#[derive(Debug, Clone, PartialEq, Eq)]
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

/// What is wrong with a reply, as an end of the sentence "… JSON that the automation API does not promise: …".
pub(crate) type Flaw = &'static str;

/// The answer to a login. Its registry counts at once: with it the login can be undone, whatever the rest is worth.
#[derive(Debug)]
pub(crate) struct LoginReply {
    pub(crate) registry_url: RegistryUrl,
    operation_id: Option<String>,
    registry_type: Option<String>,
}

/// Whether this is one of the documented kinds of registry.
pub(crate) fn is_documented(registry_type: &str) -> bool {
    const KINDS: [&str; 7] =
        ["docker_hub", "ghcr", "aws_ecr", "google_artifact_registry", "azure_acr", "harbor", "generic"];
    KINDS.contains(&registry_type)
}

/// What else a login is answered with.
#[derive(Clone)]
pub(crate) struct Accepted {
    pub(crate) operation_id: OperationId,
    pub(crate) registry_type: String,
}

impl LoginReply {
    pub(crate) fn read(reply: &Json) -> Result<Self, Flaw> {
        let text = |name| reply.get(name).and_then(Json::as_text).map(str::to_owned);
        Ok(Self {
            registry_url: RegistryUrl::try_from(text("registry_url").ok_or("registry_url is not a registry")?)?,
            operation_id: text("operation_id"),
            registry_type: text("registry_type"),
        })
    }

    /// The rest of the reply, or what is wrong with it.
    pub(crate) fn accepted(&self) -> Result<Accepted, Flaw> {
        let word = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
        Ok(Accepted {
            operation_id: OperationId::try_from(self.operation_id.clone().unwrap_or_default())?,
            registry_type: self
                .registry_type
                .as_deref()
                .filter(|kind| (1..=64).contains(&kind.len()) && kind.bytes().all(word))
                .ok_or("registry_type is not a kind of registry")?
                .to_owned(),
        })
    }
}

/// An operation as the API reports it.
#[derive(Debug, Default)]
pub(crate) struct Operation {
    pub(crate) server_name: Option<String>,
    pub(crate) status: Status,
    /// What the program on the server ended with and printed; empty where it did not run.
    pub(crate) exit_code: Option<i64>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Where an operation stands. Words that are not known here mean that it still goes on.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    Completed,
    Failed,
    Timeout,
    #[default]
    Running,
}

impl Operation {
    pub(crate) fn read(reply: &Json) -> Result<Self, Flaw> {
        let status = match reply.get("status").and_then(Json::as_text).ok_or("status is not a word")? {
            "completed" => Status::Completed,
            "failed" => Status::Failed,
            "timeout" => Status::Timeout,
            _ => Status::Running,
        };
        let result = reply.get("result");
        if result.is_some_and(|result| !result.is_object()) {
            return Err("result is not an object");
        }
        let field = |name| result.and_then(|result| result.get(name));
        let printed = |name, flaw| match field(name) {
            None => Ok(String::new()),
            Some(text) => text.as_text().map(str::to_owned).ok_or(flaw),
        };
        Ok(Self {
            server_name: reply.get("server_name").and_then(Json::as_text).map(str::to_owned),
            status,
            exit_code: match field("exit_code") {
                None => None,
                Some(Json::Integer(code)) => Some(*code),
                Some(_) => return Err("exit_code is not an integer"),
            },
            stdout: printed("stdout", "stdout is not a text")?,
            stderr: printed("stderr", "stderr is not a text")?,
        })
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.status != Status::Running
    }
}

/// The API's own explanation of a refusal, from both shapes of FastAPI's `detail`, as it came; empty when there is none.
/// A body of any other shape is never shown.
pub(crate) fn detail(reply: &Json) -> String {
    match reply.get("detail") {
        Some(Json::Text(text)) => text.clone(),
        Some(Json::List(problems)) => {
            let mut detail = String::new();
            for problem in problems {
                let Some(msg) = problem.get("msg").and_then(Json::as_text) else { continue };
                let field = field(problem);
                let told = if field.is_empty() { msg.to_owned() } else { format!("{field}: {msg}") };
                text::append(&mut detail, "; ", &told);
            }
            detail
        }
        _ => String::new(),
    }
}

/// The field that a problem with a request's body is about: `a.0` for `{"loc": ["body", "a", 0], …}`.
fn field(problem: &Json) -> String {
    let mut field = String::new();
    for part in problem.get("loc").and_then(Json::as_list).unwrap_or_default() {
        match part {
            Json::Text(name) if field.is_empty() && name == "body" => {}
            Json::Text(name) => text::append(&mut field, ".", name),
            Json::Integer(index) => text::append(&mut field, ".", &index.to_string()),
            _ => {}
        }
    }
    field
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::native;

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
            let Some(Json::Object(fields)) = request.body else { panic!("no object") };
            let mut keys: Vec<String> = fields.into_iter().map(|(name, _)| name).collect();
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
            assert!(LoginReply::read(&native::parse(&body).unwrap()).unwrap().accepted().is_err(), "{id:?} was taken");
        }
    }

    #[test]
    fn unknown_status_words_mean_still_going_on() {
        for (word, ended) in [("queued", false), ("running", false), ("completed", true), ("failed", true)] {
            let operation: Operation = Operation::read(&Json::of(&[("status", word)])).unwrap();
            assert_eq!(operation.has_ended(), ended, "{word}");
        }
    }

    #[test]
    fn refuses_an_operation_off_the_contract_and_says_what_is_wrong() {
        for (body, flaw) in [
            ("{}", "status is not a word"),
            (r#"{"status":7}"#, "status is not a word"),
            (r#"["web-1","completed",{"exit_code":0}]"#, "status is not a word"),
            (r#"{"status":"failed","result":[]}"#, "result is not an object"),
            (r#"{"status":"completed","result":{"exit_code":"0"}}"#, "exit_code is not an integer"),
            (r#"{"status":"completed","result":{"exit_code":0.5}}"#, "exit_code is not an integer"),
            (r#"{"status":"completed","result":{"exit_code":0,"stdout":[]}}"#, "stdout is not a text"),
        ] {
            assert_eq!(Operation::read(&native::parse(body).unwrap()).unwrap_err(), flaw, "{body:?}");
        }
        for body in [r#"{"status":"failed","result":null}"#, r#"{"status":"failed","result":{"exit_code":null}}"#] {
            assert!(Operation::read(&native::parse(body).unwrap()).is_ok(), "{body:?}");
        }
    }

    #[test]
    fn reads_both_shapes_of_detail_and_shows_no_other_body() {
        let detail = |body| super::detail(&native::parse(body).unwrap());
        assert_eq!(detail(r#"{"detail":"Invalid\nAPI key"}"#), "Invalid\nAPI key");
        assert_eq!(
            detail(
                r#"{"detail":[{"loc":["body","server_id"],"msg":"not a UUID","type":"uuid"},{"loc":["body","a",0],"msg":"x"}]}"#
            ),
            "server_id: not a UUID; a.0: x"
        );
        for body in [r#""secret""#, "null", r#"{"error":"x"}"#, r#"{"detail":{"a":1}}"#] {
            assert_eq!(detail(body), "", "{body}");
        }
    }
}
