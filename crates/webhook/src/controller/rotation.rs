//! What the Secret holds, and what is to be done next so that API servers always trust what replicas show.
//!
//! All that is remembered stands in the Secret and in `caBundle`, so whoever leads next goes on where the last one
//! stopped. The key of an authority is nowhere: each certificate has an authority of its own.

use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use podpass_runtime::{Issued, Served, TlsOptions, is_trusted};
use serde_json::{Map, Value, json};

use super::entry::certificates_of;

/// Whom the certificate is made out to.
#[derive(Clone, Debug)]
pub(crate) struct Subject {
    pub(crate) names: Vec<String>,
    pub(crate) addresses: Vec<IpAddr>,
}

/// The Secret, read.
#[derive(Debug)]
pub(crate) struct Held {
    /// What replicas serve.
    pub(crate) current: Option<Pair>,
    /// What they are to serve next.
    pub(crate) next: Option<Pair>,
}

/// A certificate that can be served, and its authority.
#[derive(Debug)]
pub(crate) struct Pair {
    pub(crate) issued: Issued,
    /// The certificate, DER.
    pub(crate) leaf: Vec<u8>,
    not_before: SystemTime,
    pub(crate) not_after: SystemTime,
}

/// What is to be done next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Replicas have nothing that they could serve: a certificate at once.
    Issue,
    /// API servers are to trust these authorities.
    Trust(Vec<String>),
    /// A new certificate goes into the Secret, for later.
    Prepare,
    /// The canary has to pass for its period; then replicas are given the new certificate.
    Switch,
    /// Every replica has to be seen with the certificate; then this authority is trusted alone.
    Drop(Vec<String>),
    /// Nothing, for that long.
    Rest(Duration),
}

impl Subject {
    /// The Service by all its names, and addresses at which replicas are called without it.
    pub(crate) fn of(service: &str, namespace: &str, addresses: Vec<IpAddr>) -> Self {
        let names = ["", ".svc", ".svc.cluster.local"];
        let mut all = vec![service.to_owned()];
        all.extend(names.map(|suffix| format!("{service}.{namespace}{suffix}")));
        Self {
            names: all,
            addresses,
        }
    }
}

impl Held {
    /// Reads a Secret's `data`. What cannot be served, or is not trusted for the subject at that time, counts as absent.
    pub(crate) fn of(secret: &Value, subject: &Subject, now: SystemTime) -> Self {
        let pair = |members| {
            let pair = Pair::of(secret, members)?;
            pair.is_trusted(subject, now).then_some(pair)
        };
        Self {
            current: pair(CURRENT),
            next: pair(NEXT),
        }
    }

    /// What is next, where these authorities are trusted now.
    pub(crate) fn step(&self, trusted: &[String], now: SystemTime) -> Step {
        let Some(current) = &self.current else {
            return Step::Issue;
        };
        let pairs = [Some(current), self.next.as_ref()];
        let needed = pairs
            .into_iter()
            .flatten()
            .map(|pair| &pair.issued.authority);
        let missing: Vec<String> = needed
            .filter(|one| !trusted.contains(one))
            .cloned()
            .collect();
        if !missing.is_empty() {
            return Step::Trust([trusted, &missing].concat());
        }
        if self.next.is_some() {
            return Step::Switch;
        }
        let renewal = current.renewal();
        let Ok(rest) = renewal.duration_since(now) else {
            return Step::Prepare;
        };
        if trusted.len() > 1 {
            return Step::Drop(vec![current.issued.authority.clone()]);
        }
        Step::Rest(rest)
    }
}

impl Pair {
    fn of(secret: &Value, members: [&str; 3]) -> Option<Self> {
        let [authority, certificate, key] = members.map(|member| {
            let text = secret["data"][member].as_str()?;
            String::from_utf8(STANDARD.decode(text).ok()?).ok()
        });
        let authority = certificates_of(&authority?).into_iter().next()?;
        Self::new(Issued {
            authority,
            certificate: certificate?,
            key: key?,
        })
    }

    fn new(issued: Issued) -> Option<Self> {
        let (certificate, key) = (issued.certificate.as_bytes(), issued.key.as_bytes());
        let served = Served::of_pem(certificate, key, &TlsOptions::default()).ok()?;
        Some(Self {
            leaf: served.leaf().to_vec(),
            not_before: served.not_before(),
            not_after: served.not_after(),
            issued,
        })
    }

    fn is_trusted(&self, subject: &Subject, now: SystemTime) -> bool {
        let Issued {
            authority,
            certificate,
            ..
        } = &self.issued;
        let addresses = subject.addresses.iter().map(IpAddr::to_string);
        let mut names = subject.names.iter().cloned().chain(addresses);
        names.all(|name| is_trusted(authority, certificate, &name, now))
    }

    /// At two thirds of its life.
    fn renewal(&self) -> SystemTime {
        let life = self.not_after.duration_since(self.not_before);
        self.not_before + life.unwrap_or_default() * 2 / 3
    }
}

/// Who else keeps this Secret or writes this configuration's `caBundle`, if anybody does.
pub(crate) fn other_owner(secret: &Value, configuration: &Value) -> Option<&'static str> {
    let annotated = |object: &Value, name: &str| !object["metadata"]["annotations"][name].is_null();
    for (name, owner) in [
        (
            "cert-manager.io/certificate-name",
            "the Secret is cert-manager's",
        ),
        (
            "service.beta.openshift.io/originating-service-name",
            "the Secret is that of OpenShift's service CA",
        ),
        (
            "service.alpha.openshift.io/originating-service-name",
            "the Secret is that of OpenShift's service CA",
        ),
    ] {
        if annotated(secret, name) {
            return Some(owner);
        }
    }
    for (name, owner) in [
        (
            "cert-manager.io/inject-ca-from",
            "cert-manager writes the caBundle",
        ),
        (
            "cert-manager.io/inject-ca-from-secret",
            "cert-manager writes the caBundle",
        ),
        (
            "service.beta.openshift.io/inject-cabundle",
            "OpenShift's service CA writes the caBundle",
        ),
    ] {
        if annotated(configuration, name) {
            return Some(owner);
        }
    }
    // What we write always has its authority beside it.
    let has = |member: &str| {
        !secret["data"][member]
            .as_str()
            .unwrap_or_default()
            .is_empty()
    };
    (has("tls.crt") && !has("ca.crt"))
        .then_some("the Secret holds a certificate that was not made here (it has no `ca.crt`)")
}

/// The change of the Secret's data that has replicas serve this.
pub(crate) fn as_current(issued: &Issued) -> Map<String, Value> {
    let mut data = as_members(issued, CURRENT);
    data.extend(NEXT.map(|member| (member.to_owned(), Value::Null)));
    data
}

/// The change that keeps it for later.
pub(crate) fn as_next(issued: &Issued) -> Map<String, Value> {
    as_members(issued, NEXT)
}

fn as_members(issued: &Issued, members: [&str; 3]) -> Map<String, Value> {
    let values = [&issued.authority, &issued.certificate, &issued.key];
    let pairs = members.into_iter().zip(values);
    pairs
        .map(|(member, value)| (member.to_owned(), json!(STANDARD.encode(value))))
        .collect()
}

const CURRENT: [&str; 3] = ["ca.crt", "tls.crt", "tls.key"];
const NEXT: [&str; 3] = ["next.ca.crt", "next.crt", "next.key"];

#[cfg(test)]
mod tests;
