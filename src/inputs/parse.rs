//! Single values: keys, URLs, booleans, numbers.

use super::error::InputError;
use crate::api::url::ApiUrl;
use crate::runner::secret::Secret;

/// `action.yml` has the same defaults; they also apply to inputs that are set to an empty value.
pub(crate) const DEFAULT_API_URL: &str = "https://api.reoclo.com";
const DEFAULT_TIMEOUT_S: u32 = 600;
const MAX_TIMEOUT_S: u32 = 86_400;

/// How automation keys start: made by a person, minted for a session, and of the first generation.
pub(crate) const AUTOMATION_KEYS: [&str; 3] = ["rca_", "rss_", "rk_a_"];
/// How the keys of integrations start, which belong to another API.
pub(crate) const INTEGRATION_KEY: &str = "rk_t_";
/// How the keys of machine users start, which belong to another API.
pub(crate) const MACHINE_USER_KEY: &str = "rk_m_";

/// Why a secret can be empty that exists.
pub(crate) const EMPTY_SECRETS: &str =
    "Secrets are empty in runs started from a fork or by Dependabot; set if_missing to 'skip' to pass without a login";

pub(crate) fn api_url(value: &str) -> Result<ApiUrl, InputError> {
    let text = value.trim();
    ApiUrl::parse(if text.is_empty() { DEFAULT_API_URL } else { text }).map_err(|cause| {
        let message = format!("{cause}: set it to the base URL of your Reoclo instance, such as {DEFAULT_API_URL}");
        InputError::new("api_url", message)
    })
}

/// An automation key that is valid in an HTTP header.
pub(crate) fn api_key(value: &str) -> Result<Secret, InputError> {
    let key = value.trim();
    let error = |message: &str| Err(InputError::new("api_key", message));
    if key.is_empty() {
        return error(&format!("is required: set it to a Reoclo automation key, stored as a secret. {EMPTY_SECRETS}"));
    }
    if key.starts_with(INTEGRATION_KEY) {
        return error(
            "is an integration key (rk_t_), which the automation API does not accept: create an automation key",
        );
    }
    if key.starts_with(MACHINE_USER_KEY) {
        return error(
            "is a machine user key (rk_m_), which the automation API does not accept: create an automation key",
        );
    }
    match AUTOMATION_KEYS.iter().find_map(|prefix| key.strip_prefix(prefix)) {
        Some(rest) if !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_graphic()) => Ok(Secret::new(key)),
        Some(_) => error("is truncated or contains whitespace: copy the complete automation key"),
        None => error("is not an automation key (rca_, rss_ or rk_a_): create one in the dashboard under API Keys"),
    }
}

/// A boolean of YAML 1.2, as GitHub's `getBooleanInput` accepts it. `when_true` is what `true` does.
pub(crate) fn boolean(input: &'static str, value: &str, default: bool, when_true: &str) -> Result<bool, InputError> {
    match value.trim() {
        "" => Ok(default),
        "true" | "True" | "TRUE" => Ok(true),
        "false" | "False" | "FALSE" => Ok(false),
        _ => Err(InputError::new(input, format!("must be 'true' ({when_true}) or 'false'"))),
    }
}

pub(crate) fn timeout_s(value: &str) -> Result<u32, InputError> {
    let text = value.trim();
    if text.is_empty() {
        return Ok(DEFAULT_TIMEOUT_S);
    }
    let seconds = text.parse().ok().filter(|seconds| (1..=MAX_TIMEOUT_S).contains(seconds));
    seconds.filter(|_| text.bytes().all(|b| b.is_ascii_digit())).ok_or_else(|| {
        let message = format!("must be a whole number of seconds from 1 to {MAX_TIMEOUT_S}, such as '600'");
        InputError::new("timeout", message)
    })
}

/// Whether a step without secrets is skipped.
pub(crate) fn skips_if_missing(value: &str) -> Result<bool, InputError> {
    match value.trim() {
        "" | "fail" => Ok(false),
        "skip" => Ok(true),
        _ => Err(InputError::new(
            "if_missing",
            "must be 'fail' or 'skip': use 'skip' to pass without a login when secrets are empty",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_automation_keys_only() {
        for key in ["rca_a", "rss_b", "rk_a_c", " rca_a\n"] {
            assert!(api_key(key).is_ok(), "{key:?}");
        }
        for key in ["", "rk_t_x", "rk_m_x", "ghp_x", "rca_", "rca_a b", "rca_é", "RCA_x"] {
            assert_eq!(api_key(key).unwrap_err().input, "api_key", "{key:?}");
        }
    }

    #[test]
    fn accepts_yaml_booleans_only() {
        let boolean = |value| boolean("cleanup", value, true, "log out");
        for (text, value) in
            [("true", true), ("True", true), ("TRUE", true), ("false", false), ("False", false), ("FALSE", false)]
        {
            assert_eq!(boolean(text), Ok(value));
        }
        assert_eq!(boolean(" "), Ok(true), "the default");
        for text in ["yes", "no", "on", "0", "1", "tRUE", "true false"] {
            assert!(boolean(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_timeout_is_a_whole_number_of_seconds() {
        for (text, seconds) in [("1", 1), ("86400", 86_400), (" 30 ", 30), ("", 600)] {
            assert_eq!(timeout_s(text), Ok(seconds));
        }
        for text in ["0", "-1", "+5", "1.5", "86401", "99999999999", "10s", "1e3"] {
            assert!(timeout_s(text).is_err(), "{text}");
        }
    }

    #[test]
    fn if_missing_is_fail_or_skip() {
        assert_eq!(["", "fail", " skip "].map(skips_if_missing), [Ok(false), Ok(false), Ok(true)]);
        assert!(skips_if_missing("Skip").is_err());
    }
}
