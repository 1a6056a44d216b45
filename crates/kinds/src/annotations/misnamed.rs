//! Annotations that are read by nobody although somebody meant them to be.

use super::{
    ASSUME_ROLE_CHAIN, AUDIENCE, AWS_CONFIG, DEFAULT_PREFIX, INCLUDE_CONTAINERS, REGION, ROLE_ARN,
    SESSION_NAME, SKIP_CONTAINERS, STS_REGIONAL_ENDPOINTS, TOKEN_EXPIRATION, name,
};
use crate::spelling::{distance, letters, nearest};

/// What carries annotations of the injection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// A service account.
    ServiceAccount,
    /// A pod, or the template of one.
    Pod,
}

/// An annotation that has no effect where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Misnamed {
    /// It looks like one that is read.
    Lookalike {
        /// The full name of that one.
        meant: String,
        /// What that one counts on.
        carriers: &'static [Carrier],
    },
    /// It has the domain of those that are read, and none of their names, or one that counts elsewhere.
    WithoutEffect {
        /// What it counts on; empty when it counts nowhere.
        carriers: &'static [Carrier],
    },
}

impl Carrier {
    /// Returns what it is called in a sentence.
    pub const fn noun(self) -> &'static str {
        match self {
            Self::ServiceAccount => "a service account",
            Self::Pod => "a pod",
        }
    }
}

impl Misnamed {
    /// Judges the annotation `key` on a carrier, where `prefix` is the domain of those that are read; `None` when it is
    /// right, or nothing of ours.
    ///
    /// Nothing is allocated for the annotations of others.
    pub fn of(key: &str, prefix: &str, carrier: Carrier) -> Option<Self> {
        let (domain, suffix) = key.split_once('/')?;
        if domain == prefix
            && let Some(carriers) = carriers(&OF_PREFIX, suffix)
        {
            return (!carriers.contains(&carrier)).then_some(Self::WithoutEffect { carriers });
        }
        if domain == OWN_DOMAIN {
            return Self::of_own(key, carrier);
        }
        if domain == DEFAULT_PREFIX && OF_OTHERS.contains(&suffix) {
            return None;
        }
        if key == KUBE2IAM {
            // On pods kube2iam and kiam read it themselves.
            let is_account = carrier == Carrier::ServiceAccount;
            return is_account.then(|| Self::lookalike(prefix, ROLE_ARN));
        }
        if domain != prefix && !is_near(domain, prefix) {
            return None;
        }
        match meant(suffix) {
            Some(meant) => Some(Self::lookalike(prefix, meant)),
            None => (domain == prefix).then_some(Self::WithoutEffect { carriers: &[] }),
        }
    }

    fn lookalike(prefix: &str, suffix: &str) -> Self {
        Self::Lookalike {
            meant: name(prefix, suffix),
            carriers: carriers(&OF_PREFIX, suffix).unwrap_or_default(),
        }
    }

    /// One of podpass's own domain, of which only those that injection reads are known here.
    fn of_own(key: &str, carrier: Carrier) -> Option<Self> {
        if let Some(carriers) = carriers(&OWN, key) {
            return (!carriers.contains(&carrier)).then_some(Self::WithoutEffect { carriers });
        }
        let names = OWN.map(|(name, _)| name);
        let meant = nearest(key, &names)?;
        Some(Self::Lookalike {
            meant: meant.to_owned(),
            carriers: carriers(&OWN, meant).unwrap_or_default(),
        })
    }
}

/// What an annotation counts on; `None` when nothing reads it.
fn carriers(known: &[(&str, &'static [Carrier])], name: &str) -> Option<&'static [Carrier]> {
    let found = known.iter().find(|(own, _)| *own == name);
    found.map(|(_, carriers)| *carriers)
}

/// The suffix that another suffix was meant to be.
fn meant(suffix: &str) -> Option<&'static str> {
    let names = OF_PREFIX.map(|(name, _)| name);
    nearest(suffix, &names).or_else(|| {
        let letters = letters(suffix);
        let alias = ALIASES.iter().find(|(alias, _)| letters == *alias);
        alias.map(|(_, meant)| *meant)
    })
}

/// Whether a domain may have been meant to be the prefix.
fn is_near(domain: &str, prefix: &str) -> bool {
    let (domain, prefix) = (domain.as_bytes(), prefix.as_bytes());
    let names_amazon = || {
        let mut parts = domain.windows(AMAZON.len());
        parts.any(|part| part.eq_ignore_ascii_case(AMAZON))
    };
    if domain.eq_ignore_ascii_case(b"eks") || names_amazon() {
        return true;
    }
    // An edit changes the length by one at the most, and the set of letters by two: a test without memory of its own.
    domain.len() <= MAX_DOMAIN
        && domain.len().abs_diff(prefix.len()) <= MAX_EDITS
        && (letter_set(domain) ^ letter_set(prefix)).count_ones() as usize <= 2 * MAX_EDITS
        && {
            let lower = |bytes: &[u8]| String::from_utf8_lossy(bytes).to_lowercase();
            distance(&lower(domain), &lower(prefix)) <= MAX_EDITS
        }
}

/// A bit for each letter of the alphabet that is there.
fn letter_set(text: &[u8]) -> u32 {
    let letters = text.iter().filter(|byte| byte.is_ascii_alphabetic());
    letters.fold(0, |set, byte| set | 1 << (byte.to_ascii_lowercase() - b'a'))
}

const ACCOUNT: &[Carrier] = &[Carrier::ServiceAccount];
const POD: &[Carrier] = &[Carrier::Pod];
const BOTH: &[Carrier] = &[Carrier::ServiceAccount, Carrier::Pod];

/// What is read of the prefix's domain, and on what.
const OF_PREFIX: [(&str, &[Carrier]); 7] = [
    (ROLE_ARN, ACCOUNT),
    (AUDIENCE, ACCOUNT),
    (STS_REGIONAL_ENDPOINTS, ACCOUNT),
    (TOKEN_EXPIRATION, BOTH),
    (SKIP_CONTAINERS, BOTH),
    (INCLUDE_CONTAINERS, BOTH),
    (REGION, BOTH),
];

/// The same of podpass's own domain, by the full names.
const OWN: [(&str, &[Carrier]); 3] = [
    (ASSUME_ROLE_CHAIN, ACCOUNT),
    (SESSION_NAME, BOTH),
    (AWS_CONFIG, POD),
];

const OWN_DOMAIN: &str = "podpass.dev";

/// The annotation of kube2iam and kiam, which those who come from them keep.
const KUBE2IAM: &str = "iam.amazonaws.com/role";

/// Words for the same that are too far from it to be misspellings, without separators and in lower case.
const ALIASES: &[(&str, &str)] = &[
    ("role", ROLE_ARN),
    ("iamrole", ROLE_ARN),
    ("iamrolearn", ROLE_ARN),
    ("rolearns", ROLE_ARN),
    ("aud", AUDIENCE),
    ("tokenexpirationseconds", TOKEN_EXPIRATION),
    ("expirationseconds", TOKEN_EXPIRATION),
    ("expiration", TOKEN_EXPIRATION),
    ("skipcontainer", SKIP_CONTAINERS),
    ("includecontainer", INCLUDE_CONTAINERS),
    ("awsregion", REGION),
    ("defaultregion", REGION),
    ("awsdefaultregion", REGION),
    ("regionalsts", STS_REGIONAL_ENDPOINTS),
    ("stsregionalendpoint", STS_REGIONAL_ENDPOINTS),
];

/// Names of the peer's domain that others read: EKS itself, and the webhook's object selector.
const OF_OTHERS: &[&str] = &[
    "compute-type",
    "fargate-profile",
    "nodegroup",
    "pod-identity",
    "skip-pod-identity-webhook",
];

const AMAZON: &[u8] = b"amazon";

/// A domain that is further away was not meant.
const MAX_EDITS: usize = 4;

/// A domain that is longer is no misspelling; the bound keeps the comparison cheap.
const MAX_DOMAIN: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    const ROLE: Option<&str> = Some("eks.amazonaws.com/role-arn");

    fn meant(key: &str, prefix: &str, carrier: Carrier) -> Option<String> {
        match Misnamed::of(key, prefix, carrier)? {
            Misnamed::Lookalike { meant, .. } => Some(meant),
            Misnamed::WithoutEffect { .. } => Some("nothing".to_owned()),
        }
    }

    #[test]
    fn says_which_annotation_was_meant() {
        for (key, expected) in [
            ("eks.amazonaws.com/rolearn", ROLE),
            ("eks.amazonaws.com/role_arn", ROLE),
            ("eks.amazonaws.com/roleArn", ROLE),
            ("eks.amazonaws.com/iam-role-arn", ROLE),
            ("EKS.amazonaws.com/role-arn", ROLE),
            ("eks.amazon.com/role-arn", ROLE),
            ("eks.amazonaws.co/role-arn", ROLE),
            ("esk.amzonaws.com/role-arn", ROLE),
            ("amazonaws.com/role-arn", ROLE),
            ("eks/role-arn", ROLE),
            ("iam.amazonaws.com/role", ROLE),
            (
                "eks.amazonaws.com/sts-regional-endpoint",
                Some("eks.amazonaws.com/sts-regional-endpoints"),
            ),
            (
                "eks.amazonaws.com/regions",
                Some("eks.amazonaws.com/region"),
            ),
            ("podpass.dev/sesion-name", Some("podpass.dev/session-name")),
            ("eks.amazonaws.com/fs-group", Some("nothing")),
            ("podpass.dev/aws-config", Some("nothing")),
            ("eks.amazonaws.com/role-arn", None),
            ("eks.amazonaws.com/region", None),
            ("eks.amazonaws.com/compute-type", None),
            ("podpass.dev/session-name", None),
            ("podpass.dev/something-else", None),
            ("example.org/role-arn", None),
            ("kubernetes.io/role-arn", None),
            ("iam.amazonaws.com/permitted", None),
            ("role-arn", None),
            ("", None),
            ("/", None),
            ("kubectl.kubernetes.io/last-applied-configuration", None),
        ] {
            let found = meant(key, DEFAULT_PREFIX, Carrier::ServiceAccount);
            assert_eq!(found.as_deref(), expected, "{key}");
        }
    }

    #[test]
    fn says_what_an_annotation_counts_on() {
        let of_pod = |key| Misnamed::of(key, DEFAULT_PREFIX, Carrier::Pod);
        assert_eq!(
            of_pod("eks.amazonaws.com/audience"),
            Some(Misnamed::WithoutEffect { carriers: ACCOUNT })
        );
        let meant = "eks.amazonaws.com/role-arn".to_owned();
        assert_eq!(
            of_pod("eks.amazon.com/role-arn"),
            Some(Misnamed::Lookalike {
                meant,
                carriers: ACCOUNT
            })
        );
        assert_eq!(
            of_pod("podpass.dev/assume-role-chain"),
            Some(Misnamed::WithoutEffect { carriers: ACCOUNT })
        );
        // kube2iam's own.
        assert_eq!(of_pod("iam.amazonaws.com/role"), None);
        assert_eq!(of_pod("podpass.dev/aws-config"), None);
    }

    #[test]
    fn another_prefix_has_look_alikes_of_its_own() {
        let of_account = |key| meant(key, "irsa.example.com", Carrier::ServiceAccount);
        let role = Some("irsa.example.com/role-arn".to_owned());
        assert_eq!(of_account("irsa.exmaple.com/role-arn"), role);
        assert_eq!(of_account("irsa.example.com/role"), role);
        assert_eq!(of_account("irsa.example.com/role-arn"), None);
        assert_eq!(
            of_account("irsa.example.com/compute-type").as_deref(),
            Some("nothing")
        );
        assert_eq!(of_account("eks.amazonaws.com/compute-type"), None);
        assert_eq!(of_account("other.test.org/role-arn"), None);
    }
}
