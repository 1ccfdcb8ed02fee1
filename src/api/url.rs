//! The base URL of the API.

use crate::registry::host_port;

/// The path of the automation API below `api_url`.
const API_PATH: &str = "/api/automation/v1";

/// An absolute http(s) URL without trailing slashes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ApiUrl(String);

impl ApiUrl {
    /// # Errors
    /// The end of the sentence "api_url …".
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        let (scheme, rest) = text.trim().split_once("://").ok_or("is not an absolute http(s) URL")?;
        let scheme = scheme.to_ascii_lowercase();
        if scheme != "https" && scheme != "http" {
            return Err("is not an absolute http(s) URL");
        }
        let (host, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let host = host_port::parse(host)?;
        if !host_port::is_url_host(&host) {
            return Err("has a host that ends in a number but is not an IPv4 address");
        }
        if path.contains(['?', '#']) {
            return Err("has a query or fragment, which a base URL cannot have");
        }
        if path.chars().any(|c| c.is_whitespace() || c.is_control() || c == '\\') {
            return Err("contains whitespace or a backslash");
        }
        Ok(Self(format!("{scheme}://{host}{}", path.trim_end_matches('/'))))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Host and port, for messages.
    pub(crate) fn host(&self) -> &str {
        self.0.split('/').nth(2).unwrap_or_default()
    }

    /// The warning that the API key would be sent over a network without encryption.
    pub(crate) fn unencrypted_warning(&self) -> Option<String> {
        let host = self.host();
        let is_unencrypted = self.0.starts_with("http:") && !host_port::is_loopback(host);
        is_unencrypted.then(|| {
            format!("api_url uses plain HTTP to {host}, so the API key can be read on the network. Fix: use https.")
        })
    }

    /// The URL of an endpoint, such as `/registry-auth/login`.
    pub(crate) fn endpoint(&self, path: &str) -> String {
        format!("{}{API_PATH}{path}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_absolute_http_urls_and_trims_slashes() {
        for (text, url) in [
            ("https://api.reoclo.com", "https://api.reoclo.com"),
            (" HTTPS://API.Reoclo.com/// ", "https://api.reoclo.com"),
            ("http://[::1]:8080/reoclo/", "http://[::1]:8080/reoclo"),
        ] {
            assert_eq!(ApiUrl::parse(text).unwrap().as_str(), url);
        }
    }

    #[test]
    fn rejects_everything_else() {
        for text in [
            "",
            "api.reoclo.com",
            "ftp://x",
            "https://",
            "https://u:p@host",
            "https://1.2.3.256",
            "https://1.2.3.4.5",
            "https://h/?q",
            "https://h/#f",
            "https://h/a b",
            "https://h/a\u{7}b",
            "https://h/a\\b",
        ] {
            assert!(ApiUrl::parse(text).is_err(), "{text:?} was accepted");
        }
    }

    #[test]
    fn plain_http_is_unencrypted_unless_loopback() {
        for (url, is_unencrypted) in [
            ("https://api.example.com", false),
            ("http://127.0.0.1:9", false),
            ("http://localhost", false),
            ("http://[::1]:1/x", false),
            ("http://10.0.0.1", true),
            ("http://api.example.com/x", true),
        ] {
            assert_eq!(ApiUrl::parse(url).unwrap().unencrypted_warning().is_some(), is_unencrypted, "{url}");
        }
    }
}
