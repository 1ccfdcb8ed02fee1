//! What is tried again, how often, and after what wait.

use crate::api::Call;
use crate::error::Error;
use crate::host::Host;

/// The backoff before the second attempt is at most this long, doubled for each one after it.
const FIRST_MS: u32 = 250;
const LONGEST_MS: u32 = 10_000;
/// How often a login is started anew because the registry failed in a way that passes.
pub(crate) const LOGINS: u32 = 3;

/// The most attempts of one call; `None` for as many as the deadline allows.
pub(crate) fn most_attempts(call: Call) -> Option<u32> {
    match call {
        Call::VaultLogin | Call::PassthroughLogin => Some(6),
        Call::Logout => Some(3),
        Call::Operation => None,
    }
}

/// Whether a failure may pass by itself. This is the whole table: what is not listed as transient is final.
pub(crate) fn is_transient(error: &Error) -> bool {
    match error {
        // Statuses of an API that is busy, restarting or behind a gateway that cannot reach it (52x: Cloudflare's).
        Error::Refused { status, .. } => matches!(status, 408 | 425 | 429 | 500 | 502 | 503 | 504 | 520..=524),
        // The network between here and Reoclo, by Node's codes. A certificate does not mend itself, nor does a proxy that
        // refuses (ERR_PROXY_REFUSED, ERR_PROXY_INVALID).
        Error::Unreachable { code, .. } => {
            !(code.is_empty() || code == "ERR_INVALID_URL" || is_tls(code) || code.starts_with("ERR_PROXY_"))
        }
        Error::NoAnswer { .. } => true,
        // A gateway's page instead of the API's answer, or half of an answer.
        Error::NotJson { .. } => true,
        // The network between the server and the registry.
        Error::DockerFailed { output, .. } => is_transient_output(output),
        Error::Redirected { .. }
        | Error::OffContract { .. }
        | Error::TooLarge { .. }
        | Error::Inputs(_)
        | Error::NotTried { .. }
        | Error::DeadlinePassed { .. }
        | Error::Cancelled { .. }
        | Error::Unclear { .. }
        | Error::AgentTimedOut { .. } => false,
    }
}

/// Codes of a TLS peer that did not verify, or that speaks no TLS at all:
/// <https://nodejs.org/api/tls.html#x509-certificate-error-codes>.
pub(crate) fn is_tls(code: &str) -> bool {
    const NAMED: [&str; 5] = ["EPROTO", "HOSTNAME_MISMATCH", "INVALID_CA", "INVALID_PURPOSE", "PATH_LENGTH_EXCEEDED"];
    code.contains("CERT")
        || code.contains("CRL")
        || code.contains("SIGNATURE")
        || code.starts_with("ERR_TLS")
        || code.starts_with("ERR_SSL")
        || NAMED.contains(&code)
}

/// docker's words for a registry that answers "no". Trying again changes nothing and may lock the account.
pub(crate) const DENIALS: [&str; 6] = [
    "unauthorized",
    "denied",
    "incorrect username or password",
    "too many failed login attempts",
    "authentication required",
    "no basic auth",
];

/// docker's words for a registry or a network that fails for the moment.
const TRANSIENT_WORDS: [&str; 20] = [
    "timeout",
    "timed out",
    "deadline exceeded",
    "connection refused",
    "connection reset",
    "broken pipe",
    "network is unreachable",
    "no route to host",
    "no such host",
    "temporary failure in name resolution",
    "server misbehaving",
    "unexpected eof",
    ": eof",
    "status: 500",
    "status: 502",
    "status: 503",
    "status: 504",
    "internal server error",
    "bad gateway",
    "service unavailable",
];

/// Whether docker's output tells of something that passes by itself. A denial anywhere in it wins.
fn is_transient_output(output: &str) -> bool {
    let output = output.to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| output.contains(word));
    !says(&DENIALS) && says(&TRANSIENT_WORDS)
}

/// The wait after the `failed`-th failed attempt (1 for the first): exponential with full jitter,
/// `random` being from 0 to 1. Source: <https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/>.
pub(crate) fn backoff_ms(failed: u32, random: f64) -> u32 {
    let ceiling = FIRST_MS.saturating_mul(1 << failed.saturating_sub(1).min(16)).min(LONGEST_MS);
    (f64::from(ceiling) * random.clamp(0.0, 1.0)) as u32
}

/// A `Retry-After` header in milliseconds: seconds, or an HTTP date, which is measured against the reply's own `Date`
/// where it has one, because the runner's clock may be off. `None` for anything else.
pub(crate) fn retry_after_ms(host: &impl Host, header: &str, date: Option<&str>) -> Option<u32> {
    let header = header.trim();
    if !header.is_empty() && header.bytes().all(|b| b.is_ascii_digit()) {
        return Some(header.parse::<u32>().unwrap_or(u32::MAX).saturating_mul(1000));
    }
    // "Sun, 06 Nov 1994 08:49:37 GMT", the one form that is still sent; hosts read anything as a date.
    let since_1970_ms = |date: &str| {
        let date = date.trim();
        if date.len() == 29 && date.ends_with(" GMT") { host.parse_date(date) } else { None }
    };
    let now_ms = date.and_then(since_1970_ms).unwrap_or_else(|| host.wall_clock_ms());
    since_1970_ms(header).map(|until_ms| (until_ms - now_ms).max(0.0) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::OperationId;
    use crate::host::fake::FakeHost;

    fn refused(status: u16) -> Error {
        Error::Refused {
            call: Call::VaultLogin,
            host: "api".into(),
            status,
            detail: String::new(),
            retry_after_ms: None,
        }
    }

    fn unreachable(code: &str) -> Error {
        Error::Unreachable { call: Call::VaultLogin, host: "api".into(), code: code.into(), message: String::new() }
    }

    fn docker_failed(output: &str) -> Error {
        Error::DockerFailed {
            registry: "ghcr.io".into(),
            server: "web-1".into(),
            exit_code: 1,
            output: output.into(),
            operation_id: OperationId::try_from("op-1".to_owned()).unwrap(),
        }
    }

    #[test]
    fn statuses_that_pass_by_themselves_are_transient_and_no_others() {
        let transient: Vec<u16> = (300..600).filter(|status| is_transient(&refused(*status))).collect();
        assert_eq!(transient, [408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524]);
    }

    #[test]
    fn network_failures_are_transient_and_tls_ones_final() {
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
            assert!(is_transient(&unreachable(code)), "{code}");
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
            "", // no code: the request itself was refused before it left
        ] {
            assert!(!is_transient(&unreachable(code)), "{code}");
        }
    }

    #[test]
    fn a_registry_s_denial_is_final_whatever_else_docker_says() {
        for output in [
            r#"Error response from daemon: Get "https://ghcr.io/v2/": denied: denied"#,
            "unauthorized: incorrect username or password",
            "toomanyrequests: too many failed login attempts for username or IP address",
            "login attempt to http://127.0.0.1:5000/v2/ failed with status: 401 Unauthorized",
            "denied: connection timeout", // a denial wins
            "some other words",
            "",
        ] {
            assert!(!is_transient(&docker_failed(output)), "{output}");
        }
    }

    #[test]
    fn a_registry_that_fails_for_the_moment_is_tried_again() {
        for output in [
            r#"Get "https://r/v2/": dial tcp 10.0.0.1:443: connect: connection refused"#,
            r#"Get "https://r/v2/": net/http: TLS handshake timeout"#,
            r#"Get "https://r/v2/": context deadline exceeded"#,
            r#"Get "http://r/v2/": EOF"#,
            "login attempt to https://r/v2/ failed with status: 503 Service Unavailable",
            "dial tcp: lookup r on 127.0.0.53:53: no such host",
            "read tcp 10.0.0.1:1->10.0.0.2:443: read: connection reset by peer",
        ] {
            assert!(is_transient(&docker_failed(output)), "{output}");
        }
    }

    #[test]
    fn backoff_doubles_from_250_ms_to_10_s_and_is_fully_jittered() {
        let longest: Vec<u32> = (1..=8).map(|failed| backoff_ms(failed, 1.0)).collect();
        assert_eq!(longest, [250, 500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
        assert_eq!(backoff_ms(5, 0.0), 0);
        assert_eq!(backoff_ms(3, 0.5), 500);
        assert_eq!(backoff_ms(u32::MAX, 1.0), LONGEST_MS);
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let host = FakeHost::default();
        assert_eq!(host.wall_clock_ms(), 784_111_777_000.0);
        let after = |header| retry_after_ms(&host, header, None);
        assert_eq!(after("0"), Some(0));
        assert_eq!(after(" 120 "), Some(120_000));
        assert_eq!(after("Sun, 06 Nov 1994 08:49:47 GMT"), Some(10_000));
        assert_eq!(after("Sun, 06 Nov 1994 08:49:00 GMT"), Some(0), "the past");
        for header in ["", "-1", "1.5", "soon", "1e3", "Sun, 99 Nov 1994 08:49:37 GMT"] {
            assert_eq!(after(header), None, "{header:?}");
        }
    }

    #[test]
    fn a_retry_date_is_measured_by_the_server_s_own_clock() {
        let date = Some("Sun, 07 Nov 2094 08:49:37 GMT");
        assert_eq!(retry_after_ms(&FakeHost::default(), "Sun, 07 Nov 2094 08:49:42 GMT", date), Some(5_000));
    }
}
