//! Container registries: how their hosts are written.

use crate::authority::{self, Flaw};

/// Reduces what people paste to the host that `docker login` wants:
/// `https://GHCR.io/` and `ghcr.io/my-org` both become `ghcr.io`; a port stays.
pub(crate) fn normalise(text: &str) -> Result<String, Flaw> {
    let text = text.trim();
    // Only what stands before the first slash can be a scheme: the password must not go to a host named in a path.
    let rest = match text.split_once("://") {
        Some((scheme, rest)) if scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+.-".contains(&b)) => rest,
        _ => text,
    };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    // White space in the path is a mistake worth naming too, although the path is dropped.
    if text.chars().any(char::is_whitespace) {
        return Err("has white space inside");
    }
    authority::parse(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_only_the_host_and_its_port() {
        for (text, host) in [
            ("ghcr.io", "ghcr.io"),
            ("https://GHCR.io/", "ghcr.io"),
            (" ghcr.io/my-org/app \n", "ghcr.io"),
            ("http://localhost:5000/v2/", "localhost:5000"),
            ("https://index.docker.io/v1/", "index.docker.io"),
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
    fn refuses_white_space_and_an_empty_host() {
        for text in ["", "https://", "https:///v2", "ghcr .io", "ghcr.io/a b", "/v2/"] {
            assert!(normalise(text).is_err(), "{text:?} was taken");
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
