//! For a page that writes workflows: what the main step would say about its inputs, how lists are read, and what is known of
//! registries. Used by `site/`; the action does not contain it.
//!
//! It adds no rule: it calls those of the action.

pub mod secrets;

pub use crate::host::codec::Codec;
pub use crate::host::json::{JsonError, read as read_json};
pub use crate::registry::kind::{ECR_PUBLIC_REGION, RegistryKind};
pub use crate::registry::preset::{
    Host, PRESETS, Preset, Username, aws_audience, azure_cloud, is_token_for_one_registry,
};

use crate::inputs::RawInputs;
use crate::inputs::list;
use crate::registry::{address, host_port, kind, service_account};
use serde::Deserialize;
use serde::de::value::{Error, MapDeserializer};

/// The username of a token that is the key file of a service account: JSON of several lines.
pub const KEY_FILE_USER: &str = service_account::KEY_USER;

/// The version of the action.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// An invalid input, in the words of the action's error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The name of the input.
    pub input: &'static str,
    /// Whole sentences, without the value.
    pub message: String,
}

/// What the main step would print about its inputs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Findings {
    /// The step would fail with these.
    pub problems: Vec<Problem>,
    /// Warnings and notices, whole sentences. None if there are problems.
    pub notices: Vec<String>,
}

/// Checks the inputs of a step, given by name, as the main step does before its first request. Unset inputs have their
/// default. CA certificates are not read.
pub fn check<'a>(codec: &impl Codec, inputs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Findings {
    let raw = RawInputs::deserialize(MapDeserializer::<_, Error>::new(inputs.into_iter())).unwrap_or_default();
    match raw.check(codec, |pem_or_path| Ok(pem_or_path.to_owned())) {
        Ok(inputs) => {
            let notices = inputs.notices.into_iter().map(str::to_owned);
            Findings {
                problems: Vec::new(),
                notices: inputs.api_url.unencrypted_warning().into_iter().chain(notices).collect(),
            }
        }
        Err(errors) => {
            let problems = errors.0.into_iter();
            let problems = problems.map(|error| Problem { input: error.input, message: error.to_string() }).collect();
            Findings { problems, notices: Vec::new() }
        }
    }
}

/// An entry of a list input, and the comment of its line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Not empty.
    pub text: &'a str,
    /// Without `#`; empty if the line has none.
    pub comment: &'a str,
}

/// The entries of a list input: one per line or comma-separated, with comments.
pub fn entries(list: &str) -> Vec<Entry<'_>> {
    let entries_of = |line| {
        let (_, comment) = str::split_once(line, '#').unwrap_or_default();
        list::entries(line).map(move |text| Entry { text, comment: list::trim_blank(comment) })
    };
    list.split(['\r', '\n']).flat_map(entries_of).collect()
}

/// The `host[:port]` that the action makes of a registry address; `None` if it is invalid.
#[must_use]
pub fn registry_host(address: &str) -> Option<String> {
    address::normalise(address).ok()
}

/// Whether the action accepts the URL of a proxy, which may have no scheme. `tests/site/proxies.test.js` compares it with
/// `js/network/proxy.js`. Usernames and passwords are invalid here.
#[must_use]
pub fn is_proxy(url: &str) -> bool {
    let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
    let is_known = ["http", "https", "socks", "socks4", "socks4a", "socks5", "socks5h"]
        .iter()
        .any(|known| scheme.eq_ignore_ascii_case(known));
    let host = host_port::parse(rest.strip_suffix('/').unwrap_or(rest));
    is_known && host.is_ok_and(|host| host_port::is_url_host(&host))
}

/// The region of a private registry of ECR.
#[must_use]
pub fn ecr_region(registry: &str) -> Option<&str> {
    kind::ecr_region(registry)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::fake::FakeHost;

    const ID: &str = "0b8f7a52-5c3e-4a8e-9d0c-3f1f7f6d2a11";

    fn findings(changes: &[(&'static str, &'static str)]) -> Findings {
        let inputs = [("api_key", "rca_key"), ("server_id", ID), ("credential_id", ID)];
        check(
            &FakeHost::default(),
            inputs
                .into_iter()
                .filter(|(name, _)| changes.iter().all(|(other, _)| name != other))
                .chain(changes.iter().copied()),
        )
    }

    #[test]
    fn valid_inputs_have_no_findings() {
        assert_eq!(findings(&[]), Findings::default());
        assert_eq!(
            findings(&[("ca_certificate", "ca.pem"), ("api_url", "https://reoclo.example.com")]),
            Findings::default()
        );
    }

    #[test]
    fn problems_are_the_sentences_of_the_action() {
        let problems = findings(&[("server_id", "web-1"), ("timeout", "0")]).problems;
        assert_eq!(problems.iter().map(|problem| problem.input).collect::<Vec<_>>(), ["server_id", "timeout"]);
        assert!(problems[0].message.starts_with("server_id is not a UUID (") && problems[0].message.ends_with('.'));
    }

    #[test]
    fn notices_contain_the_warning_about_plain_http() {
        let notices = findings(&[("api_url", "http://reoclo.example.com")]).notices;
        assert!(notices[0].starts_with("api_url uses plain HTTP to reoclo.example.com"), "{notices:?}");
    }

    #[test]
    fn proxies_are_those_that_the_action_accepts() {
        for url in [
            "http://proxy.example.com:3128",
            "proxy.example.com:3128/",
            "HTTPS://proxy.example.com",
            "socks5h://[::1]:1080",
            "squid_proxy:3128",
        ] {
            assert!(is_proxy(url), "{url}");
        }
        for url in [
            "",
            "http://",
            "ftp://proxy.example.com",
            "http://proxy:99999",
            "proxy:3128/x",
            "proxy:3128?x",
            "a b",
            "1.2.3",
        ] {
            assert!(!is_proxy(url), "{url}");
        }
    }

    #[test]
    fn entries_keep_the_comment_of_their_line() {
        let entry = |text, comment| Entry { text, comment };
        assert_eq!(entries("a, b # both\r\n# none\n c"), [entry("a", "both"), entry("b", "both"), entry("c", "")]);
    }
}
