//! Errors of API requests: each has a title, a cause and a fix.

use super::contract::ApiCall;
use crate::host::NOT_SENT;
use thiserror::Error;

/// Why an API request failed.
#[derive(Debug, Clone, Error)]
pub(crate) enum ApiError {
    #[error("{call} to {host} failed: HTTP {status}{}", sentence_end(.detail))]
    HttpStatus { call: ApiCall, host: String, status: u16, detail: String, retry_after_ms: Option<u32> },
    /// Redirects are never followed: the API key must not be sent to another address.
    #[error("{call} to {host} failed: HTTP {status} redirect{}. Redirects are not followed, so that the API key is not sent elsewhere.", .to.as_ref().map(|to| format!(" to {to}")).unwrap_or_default())]
    Redirect { call: ApiCall, host: String, status: u16, to: Option<String> },
    #[error("{call} to {host} returned invalid or truncated JSON.")]
    InvalidJson { call: ApiCall, host: String },
    #[error("{call} to {host} returned an unexpected response: {reason}.")]
    UnexpectedResponse { call: ApiCall, host: String, reason: &'static str },
    #[error("{call} to {host} returned more than {limit_mib} MiB.")]
    TooLarge { call: ApiCall, host: String, limit_mib: usize },
    /// `code` is Node's or OpenSSL's, such as `ECONNREFUSED`, or empty.
    #[error("{call} to {host} failed: {}.", with_code(.code, .message))]
    Connection { call: ApiCall, host: String, code: String, message: String },
    /// `was_sent` is false if there was no connection.
    #[error("{call} to {host} timed out after {seconds} s.")]
    RequestTimeout { call: ApiCall, host: String, seconds: u32, was_sent: bool },
    /// The sender stopped before the first attempt.
    #[error("{call} to {host} was not sent.")]
    NotSent { call: ApiCall, host: String },
}

impl ApiError {
    /// The title of an annotation.
    pub(crate) fn title(&self) -> &'static str {
        match self {
            Self::HttpStatus { status: 401, .. } => "Invalid API key",
            Self::HttpStatus { status: 403, .. } => "Permission denied",
            Self::HttpStatus { status: 404, detail, .. } if is_unknown_route(detail) => "API not found",
            Self::HttpStatus { status: 404, call: ApiCall::Status, .. } => "Operation not found",
            Self::HttpStatus { status: 404, .. } => "Server or credential not found",
            Self::HttpStatus { status: 422, .. } => "Invalid request",
            Self::HttpStatus { status: 429, .. } => "Rate limit exceeded",
            Self::HttpStatus { status: 500.., .. } => "Reoclo server error",
            Self::HttpStatus { .. } => "Request failed",
            Self::Redirect { .. } => "Unexpected redirect",
            Self::InvalidJson { .. } | Self::UnexpectedResponse { .. } | Self::TooLarge { .. } => "Unexpected response",
            Self::Connection { .. } | Self::RequestTimeout { .. } => "Connection failed",
            Self::NotSent { .. } => "Skipped",
        }
    }

    /// How to fix it; the sentence after "Fix:".
    pub(crate) fn fix(&self) -> &'static str {
        match self {
            Self::HttpStatus { call, status, detail, .. } => status_fix(*call, *status, detail),
            Self::Redirect { .. } => "set api_url to the final URL of the API.",
            Self::InvalidJson { .. } | Self::UnexpectedResponse { .. } | Self::TooLarge { .. } => {
                "check that api_url is the base URL of a Reoclo instance and that no proxy or login page responds instead of it."
            }
            Self::Connection { code, .. } => connection_fix(code),
            Self::RequestTimeout { .. } => CHECK_NETWORK,
            Self::NotSent { .. } => "re-run the job.",
        }
    }

    /// Cause and fix.
    pub(crate) fn with_fix(&self) -> String {
        format!("{self} Fix: {}", self.fix())
    }

    /// Whether a retry can succeed. What is not listed here is final.
    pub(crate) fn is_transient(&self) -> bool {
        match self {
            // An API that is busy, restarting, or behind a gateway that cannot reach it (52x: Cloudflare's).
            Self::HttpStatus { status, .. } => matches!(status, 408 | 425 | 429 | 500 | 502 | 503 | 504 | 520..=524),
            // Not an invalid certificate or URL, nor a proxy that refuses (ERR_PROXY_REFUSED, ERR_PROXY_INVALID).
            Self::Connection { code, .. } => {
                !(code.is_empty() || code == "ERR_INVALID_URL" || is_tls(code) || code.starts_with("ERR_PROXY_"))
            }
            // InvalidJson: an error page of a gateway, or a truncated response.
            Self::RequestTimeout { .. } | Self::InvalidJson { .. } => true,
            Self::Redirect { .. } | Self::UnexpectedResponse { .. } | Self::TooLarge { .. } | Self::NotSent { .. } => {
                false
            }
        }
    }

    /// Whether the API has counted too many requests.
    pub(crate) fn is_rate_limit(&self) -> bool {
        matches!(self, Self::HttpStatus { status: 429, .. })
    }

    /// Whether the API wants fewer requests of all kinds, and not just this one later.
    pub(crate) fn asks_for_fewer_requests(&self) -> bool {
        self.is_rate_limit() || matches!(self, Self::HttpStatus { status: 503, retry_after_ms: Some(_), .. })
    }

    /// Whether there was no complete response in time.
    pub(crate) fn is_request_timeout(&self) -> bool {
        matches!(self, Self::RequestTimeout { .. })
    }

    /// How long the API asks to wait.
    pub(crate) fn retry_after_ms(&self) -> Option<u32> {
        match self {
            Self::HttpStatus { retry_after_ms, .. } => *retry_after_ms,
            _ => None,
        }
    }

    /// Whether all other logins of the step would fail with the same error: the key is invalid, or the server at api_url
    /// is not the API.
    pub(crate) fn affects_all_logins(&self) -> bool {
        match self {
            Self::HttpStatus { status, .. } => *status == 401,
            Self::Redirect { .. } => true,
            Self::Connection { .. } => !self.is_transient(),
            _ => false,
        }
    }

    /// Whether it is certain that the request has started no operation on the server.
    pub(crate) fn rules_out_operation(&self) -> bool {
        match self {
            // A gateway may have passed these requests on.
            Self::HttpStatus { status: 408 | 499 | 500.., .. } | Self::Redirect { status: 300 | 303, .. } => false,
            Self::HttpStatus { call, .. } | Self::Redirect { call, .. } => *call != ApiCall::Status,
            Self::Connection { call, code, .. } => *call != ApiCall::Status && was_never_sent(code),
            Self::RequestTimeout { call, was_sent, .. } => *call != ApiCall::Status && !was_sent,
            Self::NotSent { .. } => true,
            Self::InvalidJson { .. } | Self::UnexpectedResponse { .. } | Self::TooLarge { .. } => false,
        }
    }
}

const CHECK_NETWORK: &str = "check the network between this runner and Reoclo, then re-run the job.";

fn sentence_end(detail: &str) -> String {
    if detail.is_empty() { ".".to_owned() } else { format!(": {}.", detail.trim_end_matches('.')) }
}

/// Node's messages usually start with their code. That of EPROTO is a dump of OpenSSL's error queue. The message of a
/// proxy error needs no code.
fn with_code(code: &str, message: &str) -> String {
    if message.is_empty() || code == "EPROTO" {
        code.to_owned()
    } else if message.contains(code) || code.starts_with(PROXY) {
        message.to_owned()
    } else {
        format!("{code}: {message}")
    }
}

/// FastAPI returns exactly this detail if the route does not exist; other servers return none.
fn is_unknown_route(detail: &str) -> bool {
    detail.is_empty() || detail == "Not Found"
}

fn status_fix(call: ApiCall, status: u16, detail: &str) -> &'static str {
    match (status, call) {
        (401, _) => {
            "check api_key: it must be an active automation key of the instance in api_url (dashboard: API Keys, \
             Automation Keys)."
        }
        (403, ApiCall::VaultLogin) => {
            "open the key in the dashboard. It must allow the operation registry_login, this server_id and this \
             credential_id; an IP allow-list must include this runner."
        }
        (403, ApiCall::PassthroughLogin) => {
            "open the key in the dashboard. It must allow the operation registry_login and this server_id, and have \
             allow_registry_passthrough enabled; an IP allow-list must include this runner."
        }
        (403, ApiCall::Logout) => "open the key in the dashboard. It must allow the operation registry_logout.",
        (403, ApiCall::Status) => "open the key in the dashboard. It must still allow this server.",
        (404, _) if is_unknown_route(detail) => "check api_url: there is no automation API at this address.",
        (404, ApiCall::VaultLogin) => {
            "check server_id and credential_id: copy both UUIDs from the dashboard of the tenant that api_key belongs to."
        }
        (404, ApiCall::PassthroughLogin | ApiCall::Logout) => {
            "check server_id: copy the UUID from the dashboard of the tenant that api_key belongs to."
        }
        (404, ApiCall::Status) => "check the operation in the Reoclo dashboard.",
        (407, _) => "add the proxy username and password to the proxy URL, or add the host of api_url to no_proxy.",
        (422, _) => "correct the field named in the response.",
        (429, _) => "wait, or raise the key's rate limit in the dashboard.",
        (500.., _) => "re-run the job. If it fails again, check the status of your Reoclo instance.",
        _ if detail.is_empty() => "check the logs of the server at api_url.",
        _ => "follow the message above; it comes from the API.",
    }
}

/// The prefix of the codes of proxy errors: the API has not received the request.
const PROXY: &str = "ERR_PROXY";

/// Errors before any byte of the request was sent, by Node's and OpenSSL's codes.
fn was_never_sent(code: &str) -> bool {
    const CODES: [&str; 8] = [
        NOT_SENT,
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

/// Codes of a certificate that cannot be verified, or of a server that does not use TLS:
/// <https://nodejs.org/api/tls.html#x509-certificate-error-codes>.
fn is_tls(code: &str) -> bool {
    const CODES: [&str; 5] = ["EPROTO", "HOSTNAME_MISMATCH", "INVALID_CA", "INVALID_PURPOSE", "PATH_LENGTH_EXCEEDED"];
    code.contains("CERT")
        || code.contains("CRL")
        || code.contains("SIGNATURE")
        || code.starts_with("ERR_TLS")
        || code.starts_with("ERR_SSL")
        || CODES.contains(&code)
}

fn connection_fix(code: &str) -> &'static str {
    match code {
        "ERR_PROXY_INVALID" => "correct or unset this variable. No request was sent.",
        code if code.starts_with(PROXY) => {
            "check the proxy address, username and password, or add the host of api_url to no_proxy."
        }
        "ERR_INVALID_URL" => "correct api_url: it is not a valid URL.",
        "ENOTFOUND" | "EAI_AGAIN" => "check the host name in api_url and the DNS of this runner.",
        "EPROTO" => "check the scheme and port in api_url: the server does not use TLS on this port.",
        "ECONNREFUSED" => "check the host and port in api_url, and that Reoclo is running there.",
        code if is_tls(code) => {
            "set ca_certificate or NODE_EXTRA_CA_CERTS to the CA of a private certificate, or correct the host in api_url. \
             Verification cannot be turned off."
        }
        _ => CHECK_NETWORK,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn http_status(call: ApiCall, status: u16) -> ApiError {
        ApiError::HttpStatus { call, host: "api".into(), status, detail: "No.".into(), retry_after_ms: None }
    }

    fn connection(call: ApiCall, code: &str) -> ApiError {
        ApiError::Connection { call, host: "api".into(), code: code.into(), message: String::new() }
    }

    #[test]
    fn retries_transient_statuses_only() {
        let is_transient = |status: &u16| http_status(ApiCall::VaultLogin, *status).is_transient();
        let transient: Vec<u16> = (300..600).filter(is_transient).collect();
        assert_eq!(transient, [408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524]);
    }

    #[test]
    fn retries_network_errors_but_not_tls_errors() {
        for code in [
            "ENOTFOUND",
            "EAI_AGAIN",
            "ECONNREFUSED",
            "ECONNRESET",
            "EPIPE",
            "ETIMEDOUT",
            "ERR_CONNECT_TIMEOUT",
            "ERR_PROXY",
        ] {
            assert!(connection(ApiCall::VaultLogin, code).is_transient(), "{code}");
        }
        for code in [
            "CERT_HAS_EXPIRED",
            "DEPTH_ZERO_SELF_SIGNED_CERT",
            "SELF_SIGNED_CERT_IN_CHAIN",
            "ERR_TLS_CERT_ALTNAME_INVALID",
            "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
            "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
            "ERR_SSL_WRONG_VERSION_NUMBER",
            "EPROTO",
            "ERR_INVALID_URL",
            "HOSTNAME_MISMATCH",
            "", // no code: the request itself was rejected before it was sent
        ] {
            assert!(!connection(ApiCall::VaultLogin, code).is_transient(), "{code}");
        }
    }

    #[test]
    fn the_fix_depends_on_status_and_call() {
        for (call, status, word) in [
            (ApiCall::VaultLogin, 401, "api_key"),
            (ApiCall::VaultLogin, 403, "credential_id"),
            (ApiCall::PassthroughLogin, 403, "allow_registry_passthrough"),
            (ApiCall::Logout, 403, "registry_logout"),
            (ApiCall::VaultLogin, 404, "credential_id"),
            (ApiCall::PassthroughLogin, 404, "server_id"),
            (ApiCall::VaultLogin, 422, "field"),
        ] {
            let fix = http_status(call, status).fix();
            assert!(fix.contains(word), "{status}: {fix}");
        }
    }

    #[test]
    fn an_unknown_route_points_to_api_url() {
        let error = ApiError::HttpStatus {
            call: ApiCall::VaultLogin,
            host: "api".into(),
            status: 404,
            detail: "Not Found".into(),
            retry_after_ms: None,
        };
        assert!(error.fix().contains("api_url"));
        assert_eq!(error.title(), "API not found");
    }

    #[test]
    fn only_definite_failures_rule_out_an_operation() {
        assert!(http_status(ApiCall::VaultLogin, 403).rules_out_operation());
        assert!(
            !http_status(ApiCall::VaultLogin, 502).rules_out_operation(),
            "a gateway may have passed the request on"
        );
        for status in [408, 499] {
            assert!(!http_status(ApiCall::VaultLogin, status).rules_out_operation(), "{status}");
        }
        let redirect = |call, status| ApiError::Redirect { call, host: "api".into(), status, to: None };
        assert!(redirect(ApiCall::VaultLogin, 307).rules_out_operation());
        assert!(!redirect(ApiCall::VaultLogin, 303).rules_out_operation(), "303 follows a request that was handled");
        assert!(!redirect(ApiCall::Status, 307).rules_out_operation(), "the operation may continue");
        assert!(!http_status(ApiCall::Status, 404).rules_out_operation(), "the operation may continue");
        assert!(connection(ApiCall::VaultLogin, "ECONNREFUSED").rules_out_operation());
        assert!(connection(ApiCall::VaultLogin, "DEPTH_ZERO_SELF_SIGNED_CERT").rules_out_operation());
        assert!(!connection(ApiCall::VaultLogin, "ECONNRESET").rules_out_operation());
        assert!(!connection(ApiCall::Status, "ECONNREFUSED").rules_out_operation());
        let timeout =
            |was_sent| ApiError::RequestTimeout { call: ApiCall::VaultLogin, host: "api".into(), seconds: 1, was_sent };
        assert!(timeout(false).rules_out_operation() && !timeout(true).rules_out_operation());
    }

    #[test]
    fn messages_end_with_one_full_stop() {
        assert_eq!(http_status(ApiCall::Logout, 400).to_string(), "Logout request to api failed: HTTP 400: No.");
    }
    #[test]
    fn each_status_has_a_title() {
        let with_detail = |call, status, detail: &str| {
            let (host, detail) = ("api".into(), detail.into());
            ApiError::HttpStatus { call, host, status, detail, retry_after_ms: None }.title()
        };
        for (call, status, title) in [
            (ApiCall::VaultLogin, 401, "Invalid API key"),
            (ApiCall::Status, 403, "Permission denied"),
            (ApiCall::Status, 404, "Operation not found"),
            (ApiCall::Logout, 404, "Server or credential not found"),
            (ApiCall::VaultLogin, 422, "Invalid request"),
            (ApiCall::VaultLogin, 429, "Rate limit exceeded"),
            (ApiCall::VaultLogin, 500, "Reoclo server error"),
            (ApiCall::VaultLogin, 599, "Reoclo server error"),
            (ApiCall::VaultLogin, 499, "Request failed"),
        ] {
            assert_eq!(with_detail(call, status, "No."), title, "{status}");
        }
        for detail in ["", "Not Found"] {
            assert_eq!(with_detail(ApiCall::Status, 404, detail), "API not found");
        }
    }

    #[test]
    fn each_status_has_a_fix() {
        for (call, status, start) in [
            (ApiCall::VaultLogin, 401, "check api_key: it must be an active automation key"),
            (ApiCall::Status, 403, "open the key in the dashboard. It must still allow this server."),
            (ApiCall::VaultLogin, 404, "check server_id and credential_id"),
            (ApiCall::PassthroughLogin, 404, "check server_id: copy the UUID"),
            (ApiCall::Logout, 404, "check server_id: copy the UUID"),
            (ApiCall::Status, 404, "check the operation"),
            (ApiCall::VaultLogin, 407, "add the proxy username and password"),
            (ApiCall::VaultLogin, 422, "correct the field"),
            (ApiCall::VaultLogin, 429, "wait, or raise the key's rate limit"),
            (ApiCall::VaultLogin, 500, "re-run the job. If it fails again"),
            (ApiCall::VaultLogin, 400, "follow the message above"),
        ] {
            let fix = http_status(call, status).fix();
            assert!(fix.starts_with(start), "{status}: {fix}");
        }
        let (call, host, detail) = (ApiCall::Logout, "api".into(), String::new());
        let without_detail = ApiError::HttpStatus { call, host, status: 400, detail, retry_after_ms: None };
        assert!(without_detail.fix().starts_with("check the logs of the server"));
    }

    #[test]
    fn each_connection_error_has_a_fix() {
        for (code, word) in [
            ("ERR_PROXY_INVALID", "correct or unset this variable"),
            ("ERR_PROXY_REFUSED", "proxy address, username and password"),
            ("ERR_INVALID_URL", "not a valid URL"),
            ("ENOTFOUND", "DNS"),
            ("EAI_AGAIN", "DNS"),
            ("EPROTO", "does not use TLS"),
            ("ECONNREFUSED", "host and port"),
            ("CERT_HAS_EXPIRED", "ca_certificate"),
            ("ECONNRESET", "check the network"),
        ] {
            let fix = connection(ApiCall::Status, code).fix();
            assert!(fix.contains(word), "{code}: {fix}");
        }
    }

    #[test]
    fn other_errors_have_a_title_and_a_fix() {
        let (call, host) = (ApiCall::Status, || "api".to_owned());
        for (error, title, word) in [
            (ApiError::Redirect { call, host: host(), status: 302, to: None }, "Unexpected redirect", "api_url"),
            (ApiError::InvalidJson { call, host: host() }, "Unexpected response", "login page"),
            (ApiError::UnexpectedResponse { call, host: host(), reason: "x" }, "Unexpected response", "login page"),
            (ApiError::TooLarge { call, host: host(), limit_mib: 16 }, "Unexpected response", "login page"),
            (connection(call, "ECONNRESET"), "Connection failed", "network"),
            (
                ApiError::RequestTimeout { call, host: host(), seconds: 30, was_sent: true },
                "Connection failed",
                "network",
            ),
            (ApiError::NotSent { call, host: host() }, "Skipped", "re-run"),
        ] {
            assert_eq!(error.title(), title);
            assert!(error.fix().contains(word), "{error}: {}", error.fix());
            assert_eq!(error.with_fix(), format!("{error} Fix: {}", error.fix()));
        }
    }

    #[test]
    fn a_connection_error_shows_its_code_once() {
        for (code, message, shown) in [
            ("ECONNRESET", "", "ECONNRESET"),
            ("EPROTO", "C0F7:error:0A00010B", "EPROTO"),
            ("ENOTFOUND", "getaddrinfo ENOTFOUND api", "getaddrinfo ENOTFOUND api"),
            ("ERR_PROXY_REFUSED", "The proxy returned HTTP 407", "The proxy returned HTTP 407"),
            ("ECONNRESET", "socket hang up", "ECONNRESET: socket hang up"),
        ] {
            let (code, message) = (code.to_owned(), message.to_owned());
            let error = ApiError::Connection { call: ApiCall::Logout, host: "api".into(), code, message };
            assert_eq!(error.to_string(), format!("Logout request to api failed: {shown}."));
        }
    }

    #[test]
    fn only_some_errors_affect_all_logins() {
        let redirect = ApiError::Redirect { call: ApiCall::VaultLogin, host: "api".into(), status: 302, to: None };
        for (error, affects_all) in [
            (http_status(ApiCall::VaultLogin, 401), true),
            (http_status(ApiCall::VaultLogin, 403), false),
            (redirect, true),
            (connection(ApiCall::VaultLogin, "CERT_HAS_EXPIRED"), true),
            (connection(ApiCall::VaultLogin, "ECONNREFUSED"), false),
            (ApiError::InvalidJson { call: ApiCall::VaultLogin, host: "api".into() }, false),
        ] {
            assert_eq!(error.affects_all_logins(), affects_all, "{error}");
        }
    }

    #[test]
    fn a_busy_api_asks_for_fewer_requests_only_if_it_says_when() {
        let busy = |status, retry_after_ms| {
            let (call, host, detail) = (ApiCall::Status, "api".into(), String::new());
            ApiError::HttpStatus { call, host, status, detail, retry_after_ms }.asks_for_fewer_requests()
        };
        assert!(busy(429, None) && busy(429, Some(1)) && busy(503, Some(1)));
        assert!(!busy(503, None) && !busy(502, Some(1)));
    }

    #[test]
    fn recognises_every_tls_error() {
        for code in [
            "CERT_REVOKED",
            "UNABLE_TO_GET_CRL",
            "UNABLE_TO_DECRYPT_SIGNATURE",
            "ERR_TLS_HANDSHAKE",
            "ERR_SSL_PACKET_LENGTH",
            "EPROTO",
            "HOSTNAME_MISMATCH",
            "INVALID_CA",
            "INVALID_PURPOSE",
            "PATH_LENGTH_EXCEEDED",
        ] {
            assert!(!connection(ApiCall::VaultLogin, code).is_transient(), "{code}");
            assert!(connection(ApiCall::VaultLogin, code).rules_out_operation(), "{code}");
        }
        assert!(connection(ApiCall::VaultLogin, "ERR_PROXY_REFUSED").rules_out_operation());
        assert!(!connection(ApiCall::VaultLogin, "ERR_PROXY_REFUSED").is_transient());
    }
}
