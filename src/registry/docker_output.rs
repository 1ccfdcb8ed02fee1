//! What the output of `docker login` means: which lines to show, whether to retry, and how to fix the failure.

use super::kind::RegistryKind;

/// Phrases by which docker reports that the registry refused the credential. A retry changes nothing and may lock the
/// account. Lower case, like all phrases here.
const AUTH_FAILURES: [&str; 6] = [
    "unauthorized",
    "denied",
    "incorrect username or password",
    "too many failed login attempts",
    "authentication required",
    "no basic auth",
];

/// Further refusals of known registries. At other registries they may have other causes, so only the fixes of
/// [`RegistryKind`] use them.
const KNOWN_REGISTRY_AUTH_FAILURES: [&str; 2] = ["403 forbidden", "unauthenticated"];

/// Errors of docker, of a proxy or of TLS that contain phrases like those of a registry.
const NOT_FROM_REGISTRY: [&str; 5] = ["docker.sock", "docker daemon", "saving credentials", "proxy", "tls: "];

/// Temporary errors of a registry, or of the network between the server and the registry.
const TRANSIENT_ERRORS: [&str; 20] = [
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

/// Whether docker's output reports a temporary error, so that a new login may succeed. An auth failure anywhere in the
/// output rules that out.
pub(crate) fn is_transient(output: &str) -> bool {
    let output = output.to_ascii_lowercase();
    !contains_any(&output, &AUTH_FAILURES) && contains_any(&output, &TRANSIENT_ERRORS)
}

/// How to fix a failed `docker login` for `registry` (`host[:port]` or URL), as the end of the sentence "Fix: …".
pub(crate) fn fix(registry: &str, output: &str) -> &'static str {
    let output = output.to_ascii_lowercase();
    if contains_any(&output, &["docker.sock", "docker daemon"]) {
        "allow the user of the Reoclo agent to use docker on the server."
    } else if output.contains("saving credentials") {
        "allow the user of the Reoclo agent to write Docker's config.json on the server."
    } else if let Some(fix) = registry_fix(RegistryKind::of(registry), &output) {
        fix
    } else if contains_any(&output, &AUTH_FAILURES) {
        "check the username and the token or password of this credential, and that the token has not expired."
    } else if output.contains("server gave http response to https client") {
        "enable TLS on the registry, or add the registry to insecure-registries in Docker's daemon.json on the server."
    } else if output.contains("certificate has expired") {
        "renew the registry's certificate, or correct the clock of the server."
    } else if contains_any(&output, &["certificate", "x509"]) {
        "install the registry's CA certificate for Docker on the server."
    } else if contains_any(
        &output,
        &["no such host", "connection refused", "timeout", "deadline exceeded", "no route to host"],
    ) {
        "check the registry address, and that the server can reach it."
    } else {
        "see the docker output above and the operation in the Reoclo dashboard."
    }
}

/// The remedy that this kind of registry has of its own; `output` in lower case.
fn registry_fix(kind: RegistryKind, output: &str) -> Option<&'static str> {
    if contains_any(output, &NOT_FROM_REGISTRY) {
        return None;
    }
    let is_auth_failure = contains_any(output, &AUTH_FAILURES) || contains_any(output, &KNOWN_REGISTRY_AUTH_FAILURES);
    kind.fix(output, is_auth_failure)
}

/// The lines that say what went wrong, joined by `\n`: stderr, or stdout if stderr is blank, without docker's own log
/// lines (`time="…" level=info msg="…"`, the format of <https://github.com/sirupsen/logrus>), which come before the
/// error. Output of log lines only is returned unchanged. The text is as the server sent it, not sanitized.
pub(crate) fn error_lines(stdout: &str, stderr: &str) -> String {
    let output = if stderr.trim().is_empty() { stdout } else { stderr };
    let lines: Vec<&str> = output.lines().filter(|line| !line.starts_with("time=\"")).collect();
    let text = lines.join("\n");
    if text.trim().is_empty() { output.to_owned() } else { text }
}

fn contains_any(output: &str, phrases: &[&str]) -> bool {
    phrases.iter().any(|phrase| output.contains(phrase))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn auth_failures_are_never_transient() {
        for output in [
            r#"Error response from daemon: Get "https://ghcr.io/v2/": denied: denied"#,
            "unauthorized: incorrect username or password",
            "toomanyrequests: too many failed login attempts for username or IP address",
            "login attempt to http://127.0.0.1:5000/v2/ failed with status: 401 Unauthorized",
            "denied: connection timeout", // contains a transient error too
        ] {
            assert!(!is_transient(output), "{output}");
        }
    }

    #[test]
    fn unknown_output_is_not_transient() {
        for output in ["some other words", "", "http: server gave HTTP response to HTTPS client"] {
            assert!(!is_transient(output), "{output}");
        }
    }

    #[test]
    fn temporary_registry_and_network_errors_are_transient() {
        for output in [
            r#"Get "https://r/v2/": dial tcp 10.0.0.1:443: connect: connection refused"#,
            r#"Get "https://r/v2/": net/http: TLS handshake timeout"#,
            r#"Get "https://r/v2/": context deadline exceeded"#,
            r#"Get "http://r/v2/": EOF"#,
            "login attempt to https://r/v2/ failed with status: 503 Service Unavailable",
            "dial tcp: lookup r on 127.0.0.53:53: no such host",
            "read tcp 10.0.0.1:1->10.0.0.2:443: read: connection reset by peer",
        ] {
            assert!(is_transient(output), "{output}");
        }
    }

    #[test]
    fn auth_failures_get_the_fix_of_their_registry() {
        const ECR: &str = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";
        for (registry, output, word) in [
            ("docker.io", "unauthorized: incorrect username or password", "personal access token"),
            (
                "docker.io",
                "unauthorized: your account must log in with a Personal Access Token (PAT) - learn more",
                "personal access token",
            ),
            ("docker.io", "toomanyrequests: You have reached your pull rate limit.", "plan"),
            ("docker.io", "failed with status: 429 Too Many Requests", "plan"),
            ("docker.io", "toomanyrequests: too many failed login attempts for username or IP address", "locked"),
            ("ghcr.io", r#"Get "https://ghcr.io/v2/": denied: denied"#, "read:packages"),
            (ECR, "failed with status: 400 Bad Request", "another region"),
            (ECR, "failed with status: 401 Unauthorized", "12 hours"),
            (ECR, "no basic auth credentials", "12 hours"),
            (ECR, "denied: Your authorization token has expired. Reauthenticate", "12 hours"),
            ("public.ecr.aws", r#"Get "https://public.ecr.aws/v2/": denied: Not Authorized"#, "us-east-1"),
            ("public.ecr.aws", "failed with status: 400 Bad Request", "us-east-1"),
            ("eu.gcr.io", "denied: Unauthenticated request.", "artifactregistry.reader"),
            ("eu.gcr.io", "Unauthenticated request.", "artifactregistry.reader"),
            (
                "my.azurecr.io",
                "unauthorized: authentication required, visit https://aka.ms/acr/authorization",
                "principal",
            ),
            ("my.azurecr.io", "denied: client with IP '1.2.3.4' is not allowed access.", "network rules"),
            ("my.azurecr.io", "failed with status: 403 Forbidden", "network rules"),
            ("quay.io", "failed with status: 401 Unauthorized", "robot"),
            ("registry.gitlab.com", "denied: access forbidden", "read_registry"),
            ("registry.digitalocean.com", "failed with status: 401 Unauthorized", "as both"),
            ("harbor.example.com", "unauthorized: authentication required", "CLI secret"),
            ("registry.example.com", "unauthorized: authentication required", "username and the token or password"),
        ] {
            let fix = fix(registry, output);
            assert!(fix.contains(word), "{registry}: {output}: {fix:?}");
        }
    }

    #[test]
    fn other_failures_get_no_registry_fix() {
        for output in [
            "",
            r#"Get "https://r/v2/": dial tcp: lookup r: no such host"#,
            "x509: certificate signed by unknown authority",
            "Get \"https://r/v2/\": remote error: tls: access denied",
            "permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock",
            "Error saving credentials: open /root/.docker/config.json: permission denied",
            "proxyconnect tcp: proxy authentication required",
            "failed with status: 503 Service Unavailable",
        ] {
            for registry in [
                "docker.io",
                "ghcr.io",
                "123456789012.dkr.ecr.eu-west-1.amazonaws.com",
                "public.ecr.aws",
                "europe-docker.pkg.dev",
                "my.azurecr.io",
                "quay.io",
                "registry.gitlab.com",
                "registry.digitalocean.com",
                "harbor.example.com",
                "registry.example.com",
            ] {
                let kind = RegistryKind::of(registry);
                assert_eq!(registry_fix(kind, &output.to_lowercase()), None, "{registry}: {output}");
            }
        }
    }

    #[test]
    fn plain_http_and_invalid_certificates_have_different_fixes() {
        for (output, word) in [
            (r#"Get "https://r:5000/v2/": http: server gave HTTP response to HTTPS client"#, "insecure-registries"),
            ("tls: failed to verify certificate: x509: certificate signed by unknown authority", "CA certificate"),
            ("x509: certificate has expired or is not yet valid", "renew the registry's certificate"),
        ] {
            for registry in ["r:5000", "harbor.example.com"] {
                let fix = fix(registry, output);
                assert!(fix.contains(word), "{registry}: {output}: {fix:?}");
            }
        }
    }

    #[test]
    fn local_and_network_failures_have_own_fixes() {
        for (output, word) in [
            ("permission denied while trying to connect to the Docker daemon socket", "user of the Reoclo agent"),
            (
                "Error saving credentials: open /root/.docker/config.json: permission denied",
                "write Docker's config.json",
            ),
            ("dial tcp: lookup r on 127.0.0.53:53: no such host", "registry address"),
            ("net/http: TLS handshake timeout", "registry address"),
            ("some other words", "docker output above"),
            ("", "docker output above"),
        ] {
            let fix = fix("ghcr.io", output);
            assert!(fix.contains(word), "{output}: {fix:?}");
        }
    }

    #[test]
    fn error_lines_omit_docker_log_lines() {
        let log = "time=\"2026\" level=info msg=\"trying next\"";
        for (stdout, stderr, shown) in [
            ("", "Error: denied\n", "Error: denied"),
            ("ignored", "Error: denied", "Error: denied"),
            ("Error: denied\r\nsecond\n", " \n", "Error: denied\nsecond"),
            ("", &format!("{log}\nError: denied\n{log}\nsecond\n"), "Error: denied\nsecond"),
            ("ignored", &format!("{log}\n"), &format!("{log}\n")),
            ("", "", ""),
        ] {
            assert_eq!(error_lines(stdout, stderr), shown, "{stdout:?} {stderr:?}");
        }
    }
}
