//! Where a CONNECT leads: a host of AWS's, port 443, and nowhere else.

use std::fmt;

use rustls::pki_types::DnsName;

use crate::host::HostName;

/// A host under AWS's own suffixes for which the proxy front answers, in lower case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tunnel(String);

/// Why a CONNECT is refused. Its words are ASCII on one line, whatever was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TunnelRefusal {
    /// The target is not a host name and a port.
    #[error("`{target}` is not a host name and a port, such as `sts.amazonaws.com:443`")]
    Malformed {
        /// The target as it was sent, shortened and escaped.
        target: String,
    },
    /// The host is not AWS's.
    #[error("`{host}` is not a host of AWS, and this proxy forwards nothing; add it to NO_PROXY")]
    Elsewhere {
        /// The host, shortened and escaped.
        host: String,
    },
    /// The host is AWS's and the port is not that of HTTPS.
    #[error("port {port} of `{host}` is not served; use https:// without a port, which is 443")]
    Port {
        /// The host.
        host: String,
        /// The port that was asked for.
        port: u16,
    },
}

impl Tunnel {
    /// Reads the target of a CONNECT, `HOST:PORT`.
    pub fn to(target: &str) -> Result<Self, TunnelRefusal> {
        let malformed = || TunnelRefusal::Malformed {
            target: shown(target),
        };
        let (host, port) = target.rsplit_once(':').ok_or_else(malformed)?;
        let digits = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
        let port: u16 = port.parse().ok().filter(|_| digits).ok_or_else(malformed)?;
        let host = host.to_ascii_lowercase();
        if !HostName::read(&host).is_aws() {
            return Err(TunnelRefusal::Elsewhere { host: shown(&host) });
        }
        if DnsName::try_from(host.as_str()).is_err() {
            return Err(malformed());
        }
        if port != HTTPS {
            return Err(TunnelRefusal::Port { host, port });
        }
        Ok(Self(host))
    }

    /// The host.
    pub fn host(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Tunnel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.host())
    }
}

/// A client's text made fit for a status line.
fn shown(text: &str) -> String {
    let mut shown: String = text
        .chars()
        .take(MAX_SHOWN)
        .flat_map(char::escape_default)
        .collect();
    if text.chars().nth(MAX_SHOWN).is_some() {
        shown.push_str("...");
    }
    shown
}

const HTTPS: u16 = 443;
/// Characters; names have at most 253.
const MAX_SHOWN: usize = 253;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leads_to_hosts_of_aws_only() {
        for (target, host) in [
            ("sts.amazonaws.com:443", "sts.amazonaws.com"),
            (
                "STS.Eu-West-1.AmazonAWS.com:443",
                "sts.eu-west-1.amazonaws.com",
            ),
            (
                "a.b.s3.eu-west-1.amazonaws.com:443",
                "a.b.s3.eu-west-1.amazonaws.com",
            ),
            (
                "s3.cn-north-1.amazonaws.com.cn:443",
                "s3.cn-north-1.amazonaws.com.cn",
            ),
            ("lambda.us-east-1.api.aws:443", "lambda.us-east-1.api.aws"),
        ] {
            let tunnel = Tunnel::to(target).unwrap();
            assert_eq!(tunnel.host(), host);
        }
    }

    #[test]
    fn says_why_it_leads_nowhere_else() {
        let label = "a".repeat(64);
        for (target, expected) in [
            ("example.com:443", "`example.com` is not a host of AWS"),
            ("amazonaws.com:443", "not a host of AWS"),
            ("notamazonaws.com:443", "not a host of AWS"),
            ("sts.amazonaws.com.evil.example:443", "not a host of AWS"),
            ("sts.amazonaws.com.:443", "not a host of AWS"),
            ("127.0.0.1:443", "not a host of AWS"),
            ("[::1]:443", "not a host of AWS"),
            ("169.254.169.254:80", "not a host of AWS"),
            ("sts.amazonaws.com:80", "port 80 of `sts.amazonaws.com`"),
            ("sts.amazonaws.com:65536", "not a host name and a port"),
            ("sts.amazonaws.com:+443", "not a host name and a port"),
            ("sts.amazonaws.com:", "not a host name and a port"),
            ("sts.amazonaws.com", "not a host name and a port"),
            ("", "not a host name and a port"),
            ("*.amazonaws.com:443", "not a host name and a port"),
            ("a@sts.amazonaws.com:443", "not a host name and a port"),
            ("a..amazonaws.com:443", "not a host name and a port"),
            (".amazonaws.com:443", "not a host of AWS"),
            ("a b.amazonaws.com:443", "not a host name and a port"),
            (
                &format!("{label}.amazonaws.com:443"),
                "not a host name and a port",
            ),
            ("b\u{fc}cher.example:443", "`b\\u{fc}cher.example`"),
            ("a\r\nX: y.example:443", "a\\r\\nx: y.example"),
        ] {
            let refusal = Tunnel::to(target).unwrap_err().to_string();
            assert!(refusal.contains(expected), "{target}: {refusal}");
        }
    }
}
