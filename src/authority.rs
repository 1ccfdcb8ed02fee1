//! `host` or `host:port` as it stands in a URL: checked and lower-cased.

use std::net::Ipv6Addr;

/// Why a text is not an authority, as the end of the sentence "<input> …".
pub(crate) type Flaw = &'static str;

/// Lower-cases and checks `host[:port]`; the port stays as it is.
pub(crate) fn parse(text: &str) -> Result<String, Flaw> {
    if text.is_empty() {
        return Err("has no host");
    }
    if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err("has white space inside");
    }
    if text.contains('@') {
        return Err("carries a user name or password before the host, which would end up in logs");
    }
    let (host, port) = split(text)?;
    if let Some(port) = port
        && !matches!(port.parse::<u16>(), Ok(1..) if port.bytes().all(|b| b.is_ascii_digit()))
    {
        return Err("has a port that is not a number from 1 to 65535");
    }
    check_host(host)?;
    Ok(text.to_ascii_lowercase())
}

fn split(text: &str) -> Result<(&str, Option<&str>), Flaw> {
    if text.starts_with('[') {
        let (host, rest) = text.split_once(']').ok_or("has an IPv6 address without its closing bracket")?;
        return match rest.strip_prefix(':') {
            Some(port) => Ok((host, Some(port))),
            None if rest.is_empty() => Ok((host, None)),
            None => Err("has text behind its IPv6 address that is not a port"),
        };
    }
    match text.split_once(':') {
        Some((_, port)) if port.contains(':') => Err("has more than one colon; an IPv6 address goes in brackets"),
        Some((host, port)) => Ok((host, Some(port))),
        None => Ok((text, None)),
    }
}

fn check_host(host: &str) -> Result<(), Flaw> {
    if let Some(address) = host.strip_prefix('[') {
        return match address.parse::<Ipv6Addr>() {
            Ok(_) => Ok(()),
            Err(_) => Err("has brackets around something that is not an IPv6 address"),
        };
    }
    if host.is_empty() {
        return Err("has no host");
    }
    if !host.is_ascii() {
        return Err("has a host with letters outside ASCII; write it in its xn-- form");
    }
    if !host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_')) {
        return Err("has a character that no host name has");
    }
    // Such a host would be an option where it ends up in a command line.
    if host.split('.').any(|label| label.starts_with('-') || label.ends_with('-')) {
        return Err("has a host name with a part that begins or ends with a hyphen");
    }
    if host.len() > 253 || host.trim_end_matches('.').split('.').any(|label| label.is_empty() || label.len() > 63) {
        return Err("has a host name with an empty or overlong part");
    }
    Ok(())
}

/// Whether a URL may have this host: one that ends in a number has to be an IPv4 address
/// (<https://url.spec.whatwg.org/#ends-in-a-number-checker>).
pub(crate) fn is_url_host(authority: &str) -> bool {
    let host = split(authority).map_or(authority, |(host, _)| host);
    let last = host.trim_end_matches('.');
    let last = last.rfind('.').map_or(last, |dot| last.get(dot + 1..).unwrap_or_default());
    let is_number = !last.is_empty() && last.bytes().all(|b| b.is_ascii_digit());
    !is_number || host.parse::<std::net::Ipv4Addr>().is_ok()
}

/// Whether traffic to this authority stays on the machine.
pub(crate) fn is_loopback(authority: &str) -> bool {
    let host = split(authority).map_or(authority, |(host, _)| host);
    match host.strip_prefix('[') {
        Some(address) => address.parse::<Ipv6Addr>().is_ok_and(|a| a.is_loopback()),
        None => {
            host == "localhost"
                || host.ends_with(".localhost")
                || host.parse::<std::net::Ipv4Addr>().is_ok_and(|a| a.is_loopback())
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
    fn refuses_what_is_no_authority() {
        for text in [
            "",
            ":5000",
            "a b",
            "a\tb",
            "user:pw@host",
            "host:",
            "host:0",
            "host:65536",
            "host:+80",
            "host:x",
            "a:1:2",
            "::1",
            "[::1",
            "[::1]x",
            "[nope]",
            "bücher.example",
            "a..b",
            ".a",
            "ho$t",
            "--help",
            "-D",
            "a.-b",
            "a-.b",
            "a,b",
        ] {
            assert!(parse(text).is_err(), "{text:?} was taken");
        }
    }

    #[test]
    fn knows_loopback() {
        for host in ["localhost", "LOCALHOST:1", "api.localhost", "127.0.0.1:8080", "127.9.9.9", "[::1]:1"] {
            let host = host.to_ascii_lowercase();
            assert!(is_loopback(&host), "{host}");
        }
        for host in ["example.com", "10.0.0.1", "[::2]", "127.example.com", "localhost.example.com"] {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
