//! Host names as clients and issuers use them: AWS's endpoints, buckets in front of them, and local names.

use std::net::IpAddr;

use podpass_policy::Partition;

/// What a host name says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct HostName {
    /// The service, for names under AWS's own suffixes.
    pub(crate) service: Option<String>,
    /// The region, when the name has one.
    pub(crate) region: Option<String>,
    /// The bucket, for names in the virtual-host style of S3.
    pub(crate) bucket: Option<String>,
}

impl HostName {
    /// Reads the value of a `Host` header or the host of a URL; a port is passed over.
    pub(crate) fn read(host: &str) -> Self {
        let name = without_port(host).to_ascii_lowercase();
        if name.trim_matches(['[', ']']).parse::<IpAddr>().is_ok() {
            return Self::default();
        }
        if let Some(labels) = aws_labels(&name) {
            return Self::of_aws(&labels);
        }
        Self {
            bucket: local_bucket(&name),
            ..Self::default()
        }
    }

    /// Whether the name lies under one of AWS's own suffixes, which nobody but the sandbox answers for.
    pub(crate) fn is_aws(&self) -> bool {
        self.service.is_some()
    }

    fn of_aws(labels: &[&str]) -> Self {
        // The name of a bucket may have dots, so what is fixed stands at the end.
        let mut end = labels.len();
        let mut region = None;
        if end > 1 && labels[end - 1] != "s3" {
            let dual_stack = usize::from(labels[end - 2] == "dualstack");
            if end > 1 + dual_stack && labels[end - 2 - dual_stack] == "s3" {
                region = Some(labels[end - 1].to_owned());
                end -= 1 + dual_stack;
            }
        }
        if labels.get(end - 1) == Some(&"s3") {
            let bucket = labels[..end - 1].join(".");
            let bucket = (!bucket.is_empty()).then_some(bucket);
            return Self {
                service: Some("s3".to_owned()),
                region,
                bucket,
            };
        }
        Self {
            service: labels.first().map(|label| (*label).to_owned()),
            region: labels.get(1).map(|label| (*label).to_owned()),
            bucket: None,
        }
    }
}

/// AWS's own suffixes, without a leading dot; one that two partitions share comes twice.
pub(crate) fn aws_suffixes() -> impl Iterator<Item = &'static str> {
    Partition::ALL
        .iter()
        .map(|partition| partition.dns_suffix())
        .chain(["api.aws"])
}

/// The labels before one of AWS's suffixes; `None` for a name elsewhere.
fn aws_labels(name: &str) -> Option<Vec<&str>> {
    aws_suffixes()
        .filter_map(|suffix| name.strip_suffix(suffix)?.strip_suffix('.'))
        .find(|rest| !rest.is_empty())
        .map(|rest| rest.split('.').collect())
}

/// The bucket in `BUCKET.localhost`, or in a name such as `BUCKET.127-0-0-1.nip.io` that resolves to an address in it.
fn local_bucket(name: &str) -> Option<String> {
    if let Some(bucket) = name.strip_suffix(".localhost") {
        return Some(bucket.to_owned());
    }
    let labels: Vec<&str> = name.split('.').collect();
    let address = labels.iter().position(|label| is_dashed_address(label))?;
    (address > 0 && address + 1 < labels.len()).then(|| labels[..address].join("."))
}

fn is_dashed_address(label: &str) -> bool {
    label
        .replace('-', ".")
        .parse::<std::net::Ipv4Addr>()
        .is_ok()
}

pub(crate) fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port))
            if port.bytes().all(|byte| byte.is_ascii_digit()) && !name.ends_with(':') =>
        {
            name
        }
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_service_region_and_bucket() {
        for (host, service, region, bucket) in [
            ("127.0.0.1:4566", None, None, None),
            ("[::1]:4566", None, None, None),
            ("localhost:4566", None, None, None),
            ("b.localhost:4566", None, None, Some("b")),
            ("b.c.127-0-0-1.nip.io", None, None, Some("b.c")),
            ("127-0-0-1.nip.io", None, None, None),
            ("sandbox.example:80", None, None, None),
            ("sts.amazonaws.com", Some("sts"), None, None),
            (
                "STS.eu-west-1.amazonaws.com",
                Some("sts"),
                Some("eu-west-1"),
                None,
            ),
            ("iam.amazonaws.com:443", Some("iam"), None, None),
            ("s3.amazonaws.com", Some("s3"), None, None),
            (
                "s3.eu-west-1.amazonaws.com",
                Some("s3"),
                Some("eu-west-1"),
                None,
            ),
            ("b.s3.amazonaws.com", Some("s3"), None, Some("b")),
            (
                "b.s3.eu-west-1.amazonaws.com",
                Some("s3"),
                Some("eu-west-1"),
                Some("b"),
            ),
            (
                "b.s3.dualstack.eu-west-1.amazonaws.com",
                Some("s3"),
                Some("eu-west-1"),
                Some("b"),
            ),
            (
                "a.s3.x.s3.us-east-1.amazonaws.com",
                Some("s3"),
                Some("us-east-1"),
                Some("a.s3.x"),
            ),
            (
                "b.s3.cn-north-1.amazonaws.com.cn",
                Some("s3"),
                Some("cn-north-1"),
                Some("b"),
            ),
            ("notamazonaws.com", None, None, None),
            ("amazonaws.com", None, None, None),
            ("b.s3.amazonaws.com.evil.example", None, None, None),
            ("", None, None, None),
        ] {
            let read = HostName::read(host);
            let expected = HostName {
                service: service.map(str::to_owned),
                region: region.map(str::to_owned),
                bucket: bucket.map(str::to_owned),
            };
            assert_eq!(read, expected, "{host}");
        }
    }
}
