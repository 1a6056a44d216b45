//! The endpoint that all injected containers talk to in place of AWS.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use thiserror::Error;

/// A URL that SDKs take in `AWS_ENDPOINT_URL`: `http` or `https`, a host, and at most a port and a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointUrl(String);

/// A text that is no endpoint's URL.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "`{value}` is not the URL of an endpoint: {problem}; write `https://HOST` or `http://HOST:PORT`"
)]
pub struct InvalidEndpointUrl {
    /// The text that was refused.
    pub value: String,
    /// What is wrong with it.
    pub problem: &'static str,
}

impl EndpointUrl {
    /// Returns the URL as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for EndpointUrl {
    type Err = InvalidEndpointUrl;

    fn from_str(text: &str) -> Result<Self, InvalidEndpointUrl> {
        match problem(text) {
            None => Ok(Self(text.to_owned())),
            // Whoever writes a password into a URL shall not find it in a log.
            Some(PASSWORD) => Err(InvalidEndpointUrl {
                value: "(a URL with a user)".to_owned(),
                problem: PASSWORD,
            }),
            Some(problem) => Err(InvalidEndpointUrl {
                value: text.to_owned(),
                problem,
            }),
        }
    }
}

impl fmt::Display for EndpointUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn problem(text: &str) -> Option<&'static str> {
    let Some((scheme, rest)) = text.split_once("://") else {
        return Some("it has no scheme");
    };
    if !["http", "https"]
        .iter()
        .any(|own| scheme.eq_ignore_ascii_case(own))
    {
        return Some("its scheme is neither http nor https");
    }
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    if authority.contains('@') {
        return Some(PASSWORD);
    }
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Some("it has a character that no URL has");
    }
    if path.contains(['?', '#']) {
        return Some(
            "SDKs put their own path and query behind it, so it can have neither query nor fragment",
        );
    }
    let port = if let Some(rest) = authority.strip_prefix('[') {
        match rest.split_once(']') {
            Some((address, port)) if address.parse::<Ipv6Addr>().is_ok() => port,
            _ => return Some("the address in its brackets is not one of IPv6"),
        }
    } else {
        let (host, port) = authority.split_at(authority.find(':').unwrap_or(authority.len()));
        if !is_host(host) {
            return Some("its host is neither a name nor an address");
        }
        port
    };
    let is_port = |port: &str| {
        port.bytes().all(|byte| byte.is_ascii_digit())
            && port.parse::<u16>().is_ok_and(|port| port > 0)
    };
    let fits = port.is_empty() || port.strip_prefix(':').is_some_and(is_port);
    (!fits).then_some("its port is not a number from 1 to 65535")
}

/// A name of RFC 1123, which may end with a dot, or an address of IPv4.
fn is_host(host: &str) -> bool {
    let labels = host.strip_suffix('.').unwrap_or(host);
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    // What ends in a number is an address to every resolver.
    let last = labels.rsplit('.').next().unwrap_or_default();
    let is_number = last.bytes().all(|byte| byte.is_ascii_digit());
    labels.len() <= 253
        && labels.split('.').all(is_label)
        && (!is_number || labels.parse::<Ipv4Addr>().is_ok())
}

const PASSWORD: &str = "it names a user, and every pod would show the password";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_of_endpoints_stay_as_they_are() {
        for text in [
            "http://127.0.0.1:4566",
            "http://localhost:4566/",
            "https://sandbox.podpass.svc.cluster.local.",
            "HTTPS://Sandbox/base/path",
            "http://[fd00::1]:80",
            "http://[::1]",
        ] {
            let url: EndpointUrl = text.parse().unwrap();
            assert_eq!((url.as_str(), url.to_string().as_str()), (text, text));
        }
    }

    #[test]
    fn other_texts_are_refused_with_what_is_wrong() {
        for (text, expected) in [
            ("", "no scheme"),
            ("sandbox:4566", "no scheme"),
            ("ftp://sandbox", "neither http nor https"),
            ("://sandbox", "neither http nor https"),
            ("http://", "host"),
            ("http:///path", "host"),
            ("http://:80", "host"),
            ("http://a..b", "host"),
            ("http://-a", "host"),
            ("http://1.2.3", "host"),
            ("http://1.2.3.256", "host"),
            ("http://a_b", "host"),
            ("http://a:", "port"),
            ("http://a:0", "port"),
            ("http://a:+80", "port"),
            ("http://a:65536", "port"),
            ("http://a:80:80", "port"),
            ("http://[::1]x", "port"),
            ("http://[1.2.3.4]", "brackets"),
            ("http://[::1", "brackets"),
            ("http://a b", "character"),
            ("http://a\n", "character"),
            ("http://größe", "character"),
            ("http://a?b=c", "query"),
            ("http://a/b#c", "query"),
        ] {
            let error = text.parse::<EndpointUrl>().unwrap_err();
            assert_eq!(error.value, text);
            assert!(error.problem.contains(expected), "{error}");
        }
    }

    #[test]
    fn a_password_is_not_repeated() {
        let error = "http://user:secret@host"
            .parse::<EndpointUrl>()
            .unwrap_err();
        assert!(!format!("{error} {error:?}").contains("secret"));
    }
}
