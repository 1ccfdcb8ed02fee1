//! Everything that can go wrong, each with a title, a cause and what to do about it.

use crate::api::{Call, Flaw, OperationId};
use crate::inputs::Problem;
use crate::registry::Kind;
use crate::retry::{self, DENIALS, is_tls};
use crate::text;
use thiserror::Error;

/// A failure that ends the step (in main) or becomes its one warning (in post).
#[derive(Debug, Error)]
pub(crate) enum Error {
    #[error("{}", told(.0))]
    Inputs(Vec<Problem>),
    /// The API answered, and its answer is no.
    #[error("Reoclo at {host} answered {status} to {call}{}", said(.detail))]
    Refused { call: Call, host: String, status: u16, detail: String, retry_after_ms: Option<u32> },
    /// Never followed: the API key must not travel to another address.
    #[error("Reoclo at {host} answered {call} with a redirect ({status}){}, and the API key must not follow one.", .to.as_ref().map(|to| format!(" to {to}")).unwrap_or_default())]
    Redirected { call: Call, host: String, status: u16, to: Option<String> },
    #[error("{host} answered {call} with something that is not JSON, or only half of it.")]
    NotJson { call: Call, host: String },
    #[error("{host} answered {call} with JSON that the automation API does not promise: {flaw}.")]
    OffContract { call: Call, host: String, flaw: Flaw },
    #[error("{host} answered {call} with more than {limit_mib} MiB.")]
    TooLarge { call: Call, host: String, limit_mib: usize },
    #[error("{host} could not be reached for {call}: {}.", coded(.code, .message))]
    Unreachable { call: Call, host: String, code: String, message: String },
    #[error("{host} did not answer {call} within {seconds} s.")]
    NoAnswer { call: Call, host: String, seconds: u32 },
    /// Another login of the step has met what would be in the way of this one, too, or has used up its time.
    #[error("Reoclo was not asked for it: {}.", if *.in_time { "what is wrong with another login is wrong with this one, too" } else { "the time was up before its turn came" })]
    NotTried { in_time: bool },
    /// The runner asked the step to stop.
    #[error("The step was stopped while {progress}.")]
    Cancelled { progress: String },
    #[error("The login did not end within {timeout_s} s: {}.", progress.trim_end_matches('.'))]
    DeadlinePassed { timeout_s: u32, progress: String },
    #[error("docker login {registry} on {server} ended with exit code {exit_code}{} (operation {operation_id}).", words(.output))]
    DockerFailed { registry: String, server: String, exit_code: i64, output: String, operation_id: OperationId },
    /// An end that is neither a success nor a failure of docker's; `ran` tells whether docker may have logged in.
    #[error("docker login {registry} on {server} {how}{} (operation {operation_id}).", words(.output))]
    Unclear {
        registry: String,
        server: String,
        how: &'static str,
        ran: bool,
        output: String,
        operation_id: OperationId,
    },
    #[error("docker login {registry} on {server} took longer than Reoclo allows (operation {operation_id}).")]
    AgentTimedOut { registry: String, server: String, operation_id: OperationId },
}

impl Error {
    /// A few words for the head of an annotation.
    pub(crate) fn title(&self) -> &'static str {
        match self {
            Self::Inputs(_) => "Bad input",
            Self::Refused { status: 401, .. } => "Reoclo does not accept the API key",
            Self::Refused { status: 403, .. } => "The API key is not allowed to do this",
            Self::Refused { status: 404, detail, .. } if names_no_id(detail) => "No automation API answers here",
            Self::Refused { status: 404, .. } => "Reoclo does not know this id",
            Self::Refused { status: 422, .. } => "Reoclo does not accept the request",
            Self::Refused { status: 429, .. } => "Too many requests",
            Self::Refused { status: 500.., .. } => "Reoclo had an error",
            Self::Refused { .. } => "Reoclo refused the request",
            Self::Redirected { .. } => "Redirect refused",
            Self::NotJson { .. } | Self::OffContract { .. } | Self::TooLarge { .. } => "Unexpected answer from the API",
            Self::Unreachable { .. } | Self::NoAnswer { .. } => "Reoclo cannot be reached",
            Self::DeadlinePassed { .. } | Self::AgentTimedOut { .. } => "Timed out",
            Self::Cancelled { .. } => "Cancelled",
            Self::NotTried { .. } => "Not tried",
            Self::DockerFailed { .. } | Self::Unclear { .. } => "Docker login failed",
        }
    }

    /// What a user can do about it; one sentence, after "Fix:".
    pub(crate) fn fix(&self) -> String {
        match self {
            Self::Inputs(_) => "correct the step's `with:` block; nothing was sent.".to_owned(),
            Self::Refused { call, status, detail, .. } => refusal_fix(*call, *status, detail),
            Self::Redirected { .. } => "set api_url to the address that the API itself answers at.".to_owned(),
            Self::NotJson { .. } | Self::OffContract { .. } | Self::TooLarge { .. } => {
                "check that api_url is the base URL of a Reoclo instance and that no proxy or login page answers in its place.".to_owned()
            }
            Self::Unreachable { code, .. } => unreachable_fix(code).to_owned(),
            Self::NoAnswer { .. } => "check the network between this runner and Reoclo, then run the job again.".to_owned(),
            Self::DeadlinePassed { .. } => {
                "see whether the server is online in Reoclo, or raise the timeout input; the post step says what becomes of the login.".to_owned()
            }
            Self::NotTried { in_time: true } => "mend what is named above, and run the job again.".to_owned(),
            Self::NotTried { in_time: false } => {
                "see whether the servers of the other logins are online in Reoclo, or raise the timeout input.".to_owned()
            }
            Self::Cancelled { .. } => {
                "run the job again when you want the login; the post step says what becomes of this one.".to_owned()
            }
            Self::DockerFailed { registry, output, .. } | Self::Unclear { registry, output, .. } => {
                docker_fix(registry, output).to_owned()
            }
            Self::AgentTimedOut { .. } => {
                "check that the server can reach the registry (DNS, firewall, proxy), then run the job again.".to_owned()
            }
        }
    }

    /// Cause, then remedy.
    pub(crate) fn explained(&self) -> String {
        format!("{self} Fix: {}", self.fix())
    }

    /// Whether every other login of the step would fail of the same, now as well as later: the key is not accepted, or
    /// what answers at api_url is not the API.
    pub(crate) fn concerns_all(&self) -> bool {
        match self {
            Self::Refused { status, .. } => *status == 401,
            Self::Redirected { .. } => true,
            Self::Unreachable { .. } => !retry::is_transient(self),
            _ => false,
        }
    }

    /// Whether the message itself names server and registry.
    pub(crate) fn names_login(&self) -> bool {
        matches!(self, Self::DockerFailed { .. } | Self::Unclear { .. } | Self::AgentTimedOut { .. })
    }

    /// Whether the way to the API failed, and not what was asked of it.
    pub(crate) fn is_of_the_network(&self) -> bool {
        retry::is_transient(self) && !matches!(self, Self::DockerFailed { .. })
    }

    /// Whether it is certain that this failure left no login on the server, so that a logout could only
    /// take away somebody else's.
    pub(crate) fn leaves_no_login(&self) -> bool {
        match self {
            Self::Inputs(_) | Self::NotTried { .. } | Self::DockerFailed { .. } => true,
            // A gateway says these of a request that it may have passed on.
            Self::Refused { status: 408 | 499 | 500.., .. } | Self::Redirected { status: 300 | 303, .. } => false,
            Self::Refused { call, .. } | Self::Redirected { call, .. } => *call != Call::Operation,
            Self::Unclear { ran, .. } => !ran,
            Self::Unreachable { call, code, .. } => *call != Call::Operation && never_sent(code),
            Self::NotJson { .. }
            | Self::OffContract { .. }
            | Self::TooLarge { .. }
            | Self::NoAnswer { .. }
            | Self::DeadlinePassed { .. }
            | Self::Cancelled { .. }
            | Self::AgentTimedOut { .. } => false,
        }
    }
}

fn told(problems: &[Problem]) -> String {
    let mut told = String::new();
    for Problem { input, rule } in problems {
        text::append(&mut told, " ", &format!("{input} {rule}."));
    }
    told
}

fn said(detail: &str) -> String {
    if detail.is_empty() { ".".to_owned() } else { format!(": {}.", detail.trim_end_matches('.')) }
}

fn words(output: &str) -> String {
    if output.is_empty() { String::new() } else { format!(": {output}") }
}

/// Node's messages mostly begin with their code; that of EPROTO is a dump of OpenSSL's.
fn coded(code: &str, message: &str) -> String {
    if message.is_empty() || code == "EPROTO" {
        code.to_owned()
    } else if message.contains(code) {
        message.to_owned()
    } else {
        format!("{code}: {message}")
    }
}

/// FastAPI says exactly this, and others say nothing, when there is no such route at all.
fn names_no_id(detail: &str) -> bool {
    detail.is_empty() || detail == "Not Found"
}

fn refusal_fix(call: Call, status: u16, detail: &str) -> String {
    match (status, call) {
        (401, _) => "check api_key: it must be a current automation key, made on the instance that api_url names \
                     (dashboard: API Keys, Automation Keys)."
            .to_owned(),
        (403, Call::VaultLogin) => "open the key in the dashboard: Allowed Operations must include registry_login, Allowed \
                                    Servers this server_id, and its allowed credentials this credential_id; an IP \
                                    allow-list must include this runner."
            .to_owned(),
        (403, Call::PassthroughLogin) => "open the key in the dashboard: Allowed Operations must include registry_login, Allowed \
                                          Servers this server_id, and allow_registry_passthrough must be on; an IP \
                                          allow-list must include this runner."
            .to_owned(),
        (403, Call::Logout) => "open the key in the dashboard: Allowed Operations must include registry_logout.".to_owned(),
        (403, Call::Operation) => "open the key in the dashboard: its Allowed Servers must still include this server.".to_owned(),
        (404, _) if names_no_id(detail) => {
            "check api_url: no automation API answers at this address.".to_owned()
        }
        (404, Call::VaultLogin) => {
            "check server_id and credential_id: copy both UUIDs again from the dashboard of the tenant that api_key belongs to.".to_owned()
        }
        (404, Call::PassthroughLogin | Call::Logout) => {
            "check server_id: copy the UUID again from the dashboard of the tenant that api_key belongs to.".to_owned()
        }
        (404, Call::Operation) => "look the operation up in the Reoclo dashboard: the API no longer knows it.".to_owned(),
        (407, _) => "put the proxy's user name and password into http_proxy, or add the host of api_url to no_proxy.".to_owned(),
        (422, _) => "correct the field that the answer names.".to_owned(),
        (429, _) => "wait, or raise the key's rate limit in the dashboard.".to_owned(),
        (500.., _) => "run the job again; if it stays, look at the status of your Reoclo instance.".to_owned(),
        _ if detail.is_empty() => "look for this request in the logs of what answers at api_url.".to_owned(),
        _ => "do what the answer says; it comes from the API.".to_owned(),
    }
}

/// How the codes of a proxy that fails begin, before the API has heard anything.
const PROXY: &str = "ERR_PROXY";

/// Failures of a connection before any byte of the request left, by Node's and OpenSSL's codes.
fn never_sent(code: &str) -> bool {
    const CODES: [&str; 7] = [
        "ECONNREFUSED",
        "ENOTFOUND",
        "EAI_AGAIN",
        "EHOSTUNREACH",
        "ENETUNREACH",
        "ERR_CONNECT_TIMEOUT",
        "ERR_INVALID_URL",
    ];
    CODES.contains(&code) || is_tls(code) || code.starts_with(PROXY)
}

fn unreachable_fix(code: &str) -> &'static str {
    match code {
        "ERR_PROXY_INVALID" => "correct or unset this variable; nothing was sent.",
        code if code.starts_with(PROXY) => {
            "check the proxy's address, user name and password, or add the host of api_url to no_proxy."
        }
        "ERR_INVALID_URL" => "correct api_url: it is not a URL.",
        "ENOTFOUND" | "EAI_AGAIN" => "check the host in api_url and this runner's DNS.",
        "EPROTO" => "check scheme and port in api_url: what answers there speaks no TLS.",
        "ECONNREFUSED" => "check host and port in api_url, and that Reoclo is running there.",
        code if is_tls(code) => {
            "give the CA of a private certificate in ca_certificate or NODE_EXTRA_CA_CERTS, or correct the host in api_url; verification is never turned off."
        }
        _ => "check the network between this runner and Reoclo, then run the job again.",
    }
}

/// What docker's own words usually mean, at this registry or at any.
fn docker_fix(registry: &str, output: &str) -> &'static str {
    let output = output.to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| output.contains(word));
    if says(&["docker.sock", "docker daemon"]) {
        "let the user that Reoclo's agent runs as use docker on the server."
    } else if let Some(hint) = Kind::of(registry).hint(&output) {
        hint
    } else if says(&DENIALS) {
        "check the user name and the token or password of this credential, and that the token has not expired."
    } else if says(&["server gave http response to https client", "certificate", "x509"]) {
        "make the server's docker trust the registry's certificate."
    } else if says(&["no such host", "connection refused", "timeout", "deadline exceeded", "no route to host"]) {
        "check the registry's address, and that the server can reach it."
    } else {
        "look at docker's own words above and at the operation in the Reoclo dashboard."
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(call: Call, status: u16) -> Error {
        Error::Refused { call, host: "api".into(), status, detail: "No.".into(), retry_after_ms: None }
    }

    #[test]
    fn a_refusal_says_what_to_fix() {
        for (call, status, word) in [
            (Call::VaultLogin, 401, "api_key"),
            (Call::VaultLogin, 403, "credential_id"),
            (Call::PassthroughLogin, 403, "allow_registry_passthrough"),
            (Call::Logout, 403, "registry_logout"),
            (Call::VaultLogin, 404, "credential_id"),
            (Call::PassthroughLogin, 404, "server_id"),
            (Call::VaultLogin, 422, "field"),
        ] {
            let fix = refused(call, status).fix();
            assert!(fix.contains(word), "{status}: {fix}");
        }
    }

    #[test]
    fn a_missing_route_points_at_api_url() {
        let error = Error::Refused {
            call: Call::VaultLogin,
            host: "api".into(),
            status: 404,
            detail: "Not Found".into(),
            retry_after_ms: None,
        };
        assert!(error.fix().contains("api_url"));
    }

    #[test]
    fn only_a_definite_failure_leaves_no_login() {
        assert!(refused(Call::VaultLogin, 403).leaves_no_login());
        assert!(!refused(Call::VaultLogin, 502).leaves_no_login(), "a gateway may have passed the request on");
        for status in [408, 499] {
            assert!(!refused(Call::VaultLogin, status).leaves_no_login(), "{status}");
        }
        let redirected = |call, status| Error::Redirected { call, host: "api".into(), status, to: None };
        assert!(redirected(Call::VaultLogin, 307).leaves_no_login());
        assert!(!redirected(Call::VaultLogin, 303).leaves_no_login(), "303 answers a request that was handled");
        assert!(!redirected(Call::Operation, 307).leaves_no_login(), "the operation may go on");
        assert!(!refused(Call::Operation, 404).leaves_no_login(), "the operation may go on");
        let unreachable = |call, code: &str| Error::Unreachable {
            call,
            host: "api".into(),
            code: code.into(),
            message: String::new(),
        };
        assert!(unreachable(Call::VaultLogin, "ECONNREFUSED").leaves_no_login());
        assert!(unreachable(Call::VaultLogin, "DEPTH_ZERO_SELF_SIGNED_CERT").leaves_no_login());
        assert!(!unreachable(Call::VaultLogin, "ECONNRESET").leaves_no_login());
        assert!(!unreachable(Call::Operation, "ECONNREFUSED").leaves_no_login());
    }

    #[test]
    fn what_a_registry_s_refusal_means_depends_on_the_registry() {
        let fix = |registry: &str| {
            Error::DockerFailed {
                registry: registry.into(),
                server: "web-1".into(),
                exit_code: 1,
                output: format!("Error response from daemon: Get \"https://{registry}/v2/\": denied: Denied"),
                operation_id: OperationId::try_from("op-1".to_owned()).unwrap(),
            }
            .fix()
        };
        assert!(fix("ghcr.io").contains("read:packages"));
        assert!(!fix("registry.example.com").contains("read:packages"));
    }

    #[test]
    fn sentences_end_once() {
        assert_eq!(refused(Call::Logout, 400).to_string(), "Reoclo at api answered 400 to the logout request: No.");
    }
}
