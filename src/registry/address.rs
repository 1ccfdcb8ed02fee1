//! Registry addresses: what users paste, reduced to the `host[:port]` that `docker login` expects.

use super::host_port::{self, InvalidHost};

/// Reduces a registry URL, image name or host to `host[:port]` in lower case: `https://GHCR.io/` and `ghcr.io/my-org`
/// both become `ghcr.io`. Normalising a result again does not change it.
///
/// # Errors
/// The text contains whitespace, or its host is missing or invalid.
pub(crate) fn normalise(text: &str) -> Result<String, InvalidHost> {
    let text = text.trim();
    // A "://" after the first slash belongs to the path: the password must not be sent to a host named there.
    let rest = match text.split_once("://") {
        Some((scheme, rest)) if scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+.-".contains(&b)) => rest,
        _ => text,
    };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    // Checked in the whole text: whitespace in the path is a mistake too, although the path is dropped.
    if text.chars().any(char::is_whitespace) {
        return Err("contains whitespace");
    }
    let host = host_port::parse(host)?;
    // docker's config.json uses index.docker.io. Given to docker login, docker stores the login where image names do not
    // find it.
    Ok(if host == "index.docker.io" { "docker.io".to_owned() } else { host })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_only_host_and_port() {
        for (text, host) in [
            ("ghcr.io", "ghcr.io"),
            ("https://GHCR.io/", "ghcr.io"),
            (" ghcr.io/my-org/app \n", "ghcr.io"),
            ("http://localhost:5000/v2/", "localhost:5000"),
            ("https://index.docker.io/v1/", "docker.io"),
            ("oci://registry.example.com?x=1", "registry.example.com"),
            ("123456789012.dkr.ecr.eu-west-1.amazonaws.com", "123456789012.dkr.ecr.eu-west-1.amazonaws.com"),
            ("[::1]:5000", "[::1]:5000"),
            ("proxy.local/https://registry-1.docker.io", "proxy.local"),
            ("ghcr.io/a?u=https://evil.example/", "ghcr.io"),
            ("ghcr.io?u=https://evil.example/", "ghcr.io"),
        ] {
            assert_eq!(normalise(text).as_deref(), Ok(host), "{text}");
        }
    }

    #[test]
    fn refuses_whitespace_and_empty_hosts() {
        for (text, reason) in [
            ("", "has no host"),
            ("https://", "has no host"),
            ("https:///v2", "has no host"),
            ("/v2/", "has no host"),
            ("ghcr .io", "contains whitespace"),
            ("ghcr.io/a b", "contains whitespace"),
        ] {
            assert_eq!(normalise(text), Err(reason), "{text:?}");
        }
    }

    #[test]
    fn normalising_twice_changes_nothing() {
        for text in ["https://GHCR.io/x", "LOCALHOST:5000", "[::1]:80"] {
            let once = normalise(text).unwrap();
            assert_eq!(normalise(&once).unwrap(), once);
        }
    }
}
