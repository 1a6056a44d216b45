//! The target of `podpass-sandbox`.

use podpass_sandbox::{Tunnel, TunnelRefusal};

/// Reads the target of a CONNECT, from its first line or alone: a tunnel leads to a host of AWS, and a refusal fits a
/// status line.
pub fn connect(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let line = text.lines().next().unwrap_or_default();
    let target = match line.strip_prefix("CONNECT ") {
        Some(rest) => rest.split(' ').next().unwrap_or_default(),
        None => text,
    };
    let refusal = match Tunnel::to(target) {
        Ok(tunnel) => return leads_to_aws(target, &tunnel),
        Err(refusal) => refusal,
    };
    let said = refusal.to_string();
    let fits = |byte: u8| byte == b' ' || byte.is_ascii_graphic();
    assert!(said.bytes().all(fits), "not for a status line: {said:?}");
    assert!(said.len() < 4096, "{} bytes", said.len());
    if let TunnelRefusal::Port { port, .. } = refusal {
        assert_ne!(port, 443);
    }
}

fn leads_to_aws(target: &str, tunnel: &Tunnel) {
    let host = tunnel.host();
    let (asked, port) = target.rsplit_once(':').expect("a target has a port");
    assert_eq!(port.trim_start_matches('0'), "443");
    assert!(asked.eq_ignore_ascii_case(host), "{asked} became {host}");
    assert_eq!(host, host.to_ascii_lowercase());
    let is_under = |suffix: &&str| {
        let labels = host
            .strip_suffix(*suffix)
            .and_then(|rest| rest.strip_suffix('.'));
        labels.is_some_and(|labels| !labels.is_empty())
    };
    assert!(SUFFIXES.iter().any(is_under), "{host} is not AWS's");
    assert!(host.len() <= 253 && host.split('.').all(|label| (1..=63).contains(&label.len())));
    assert_eq!(Tunnel::to(&format!("{host}:443")).as_ref(), Ok(tunnel));
}

/// The DNS suffixes of the partitions in AWS's `partitions.json`, and that of newer endpoints.
const SUFFIXES: [&str; 8] = [
    "amazonaws.com",
    "amazonaws.com.cn",
    "amazonaws.eu",
    "api.aws",
    "c2s.ic.gov",
    "cloud.adc-e.uk",
    "csp.hci.ic.gov",
    "sc2s.sgov.gov",
];
