//! `host` or `host:port` as in a URL: checked and lower-cased.

use std::net::{Ipv4Addr, Ipv6Addr};

/// Why a text is not a valid `host[:port]`: the end of the sentence "<input> …", without a full stop.
pub(crate) type InvalidHost = &'static str;

/// Checks `host[:port]` and returns it in lower case. A port stays as written; an IPv6 address must be in brackets.
///
/// # Errors
/// The first rule that the text breaks.
pub(crate) fn parse(text: &str) -> Result<String, InvalidHost> {
    if text.is_empty() {
        return Err("has no host");
    }
    if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err("contains whitespace or a control character");
    }
    if text.contains('@') {
        return Err("contains a username or password, which would be shown in logs");
    }
    let (host, port) = split(text)?;
    if let Some(port) = port
        && !matches!(port.parse::<u16>(), Ok(1..) if port.bytes().all(|b| b.is_ascii_digit()))
    {
        return Err("has an invalid port (not a number from 1 to 65535)");
    }
    check_host(host)?;
    Ok(text.to_ascii_lowercase())
}

/// Host and port; the host of an IPv6 address keeps its opening bracket.
fn split(text: &str) -> Result<(&str, Option<&str>), InvalidHost> {
    if text.starts_with('[') {
        let (host, rest) = text.split_once(']').ok_or("has an IPv6 address without a closing bracket")?;
        return match rest.strip_prefix(':') {
            Some(port) => Ok((host, Some(port))),
            None if rest.is_empty() => Ok((host, None)),
            None => Err("has invalid text after the IPv6 address"),
        };
    }
    match text.split_once(':') {
        Some((_, port)) if port.contains(':') => Err("has more than one colon; write an IPv6 address in brackets"),
        Some((host, port)) => Ok((host, Some(port))),
        None => Ok((text, None)),
    }
}

fn check_host(host: &str) -> Result<(), InvalidHost> {
    if let Some(address) = host.strip_prefix('[') {
        return match address.parse::<Ipv6Addr>() {
            Ok(_) => Ok(()),
            Err(_) => Err("has brackets without a valid IPv6 address"),
        };
    }
    if host.is_empty() {
        return Err("has no host");
    }
    if !host.is_ascii() {
        return Err("has a non-ASCII host name; write it in its xn-- form");
    }
    if !host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_')) {
        return Err("contains a character that is not allowed in host names");
    }
    // A host that starts with a hyphen could be taken for a command line option.
    if host.split('.').any(|label| label.starts_with('-') || label.ends_with('-')) {
        return Err("has a host name label that starts or ends with a hyphen");
    }
    // The limits of DNS: <https://www.rfc-editor.org/rfc/rfc1035#section-2.3.4>.
    if host.len() > 253 || host.trim_end_matches('.').split('.').any(|label| label.is_empty() || label.len() > 63) {
        return Err("has a host name that is too long or has an empty or too long label");
    }
    Ok(())
}

/// Whether a URL may have this host, given as [`parse`] returns it: a host that ends in a number must be an IPv4 address
/// (<https://url.spec.whatwg.org/#ends-in-a-number-checker>).
pub(crate) fn is_url_host(host_port: &str) -> bool {
    let host = split(host_port).map_or(host_port, |(host, _)| host);
    if host.starts_with('[') {
        return true;
    }
    let last_label = host.trim_end_matches('.').rsplit('.').next().unwrap_or_default();
    let is_number = !last_label.is_empty() && last_label.bytes().all(|b| b.is_ascii_digit());
    !is_number || host.parse::<Ipv4Addr>().is_ok()
}

/// Whether traffic to this host, given as [`parse`] returns it, stays on the machine.
pub(crate) fn is_loopback(host_port: &str) -> bool {
    let host = split(host_port).map_or(host_port, |(host, _)| host);
    match host.strip_prefix('[') {
        Some(address) => address.parse::<Ipv6Addr>().is_ok_and(|address| address.is_loopback()),
        None => {
            host == "localhost"
                || host.ends_with(".localhost")
                || host.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lower_cases_the_host_and_keeps_the_port() {
        assert_eq!(parse("Registry.Example.COM:5000").as_deref(), Ok("registry.example.com:5000"));
        assert_eq!(parse("[::1]:5000").as_deref(), Ok("[::1]:5000"));
        assert_eq!(parse("[FE80::1]").as_deref(), Ok("[fe80::1]"));
    }

    #[test]
    fn refuses_invalid_hosts_and_says_why() {
        for (text, word) in [
            ("", "no host"),
            (":5000", "no host"),
            ("a b", "whitespace"),
            ("a\tb", "whitespace"),
            ("user:pw@host", "password"),
            ("host:", "port"),
            ("host:0", "port"),
            ("host:65536", "port"),
            ("host:+80", "port"),
            ("host:x", "port"),
            ("a:1:2", "colon"),
            ("::1", "colon"),
            ("[::1", "closing bracket"),
            ("[::1]x", "after the IPv6 address"),
            ("[nope]", "valid IPv6 address"),
            ("bücher.example", "xn--"),
            ("a..b", "label"),
            (".a", "label"),
            ("ho$t", "character"),
            ("--help", "hyphen"),
            ("-D", "hyphen"),
            ("a.-b", "hyphen"),
            ("a-.b", "hyphen"),
            ("a,b", "character"),
        ] {
            let reason = parse(text).unwrap_err();
            assert!(reason.contains(word), "{text:?}: {reason}");
        }
    }

    #[test]
    fn url_host_ending_in_number_must_be_ipv4() {
        for host in ["127.0.0.1", "127.0.0.1:80", "1.example", "[::1]:80", "[::ffff:10.0.0.1]", "localhost"] {
            assert!(is_url_host(host), "{host}");
        }
        for host in ["1.2.3", "256.0.0.1:80", "example.1", "example.1.", "7"] {
            assert!(!is_url_host(host), "{host}");
        }
    }

    #[test]
    fn recognises_loopback_hosts() {
        for host in ["localhost", "localhost:1", "api.localhost", "127.0.0.1:8080", "127.9.9.9", "[::1]:1"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["example.com", "10.0.0.1", "[::2]", "127.example.com", "localhost.example.com"] {
            assert!(!is_loopback(host), "{host}");
        }
    }
    #[test]
    fn a_host_has_at_most_253_characters_and_a_label_63() {
        let host = |last: usize| format!("{0}.{0}.{0}.{1}", "a".repeat(63), "a".repeat(last));
        assert!(parse(&host(61)).is_ok(), "253 characters");
        assert!(parse(&format!("{}.", host(60))).is_ok(), "a trailing dot");
        assert!(parse(&host(62)).is_err());
        assert!(parse(&"a".repeat(63)).is_ok());
        assert!(parse(&"a".repeat(64)).is_err());
    }
}
