//! What `get` is asked about, as kubectl and podpass name it.

use std::str::FromStr;

use podpass_cluster::WorkloadRef;
use podpass_kinds::ServiceAccountRef;

/// A service account, a pod or a workload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Account(ServiceAccountRef),
    /// A service account of the namespace that is meant.
    AccountName(String),
    Workload(WorkloadRef),
}

impl FromStr for Target {
    type Err = String;

    /// Reads `pod/x`, `deploy/x`, …, `sa/x`, `NAMESPACE/NAME` or `system:serviceaccount:NAMESPACE:NAME`.
    ///
    /// A namespace that is called like a kind can be meant with the last form.
    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(workload) = text.parse() {
            return Ok(Self::Workload(workload));
        }
        let of_kind = text
            .split_once('/')
            .filter(|(kind, _)| SERVICE_ACCOUNT.contains(kind));
        if let Some((_, name)) = of_kind {
            return Ok(Self::AccountName(name.to_owned()));
        }
        text.parse().map(Self::Account).map_err(|error| {
            format!("{error}; a pod is pod/NAME, a workload KIND/NAME such as deploy/NAME")
        })
    }
}

/// kubectl's names of the kind.
const SERVICE_ACCOUNT: [&str; 3] = ["sa", "serviceaccount", "serviceaccounts"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_what_kubectl_and_podpass_call_them() {
        for text in [
            "pod/x",
            "po/x",
            "deploy/x",
            "deployments/x",
            "sts/x",
            "cronjob/x",
        ] {
            assert!(matches!(text.parse(), Ok(Target::Workload(_))), "{text}");
        }
        assert_eq!("sa/x".parse(), Ok(Target::AccountName("x".to_owned())));
        let account = Target::Account("irsa-test/aws".parse().unwrap());
        assert_eq!("irsa-test/aws".parse(), Ok(account.clone()));
        assert_eq!("system:serviceaccount:irsa-test:aws".parse(), Ok(account));
        let pods = Target::Account("pod/x".parse().unwrap());
        assert_eq!("system:serviceaccount:pod:x".parse(), Ok(pods));
        for text in ["x", "pod/", "a/b/c", "Upper/x"] {
            let error = text.parse::<Target>().unwrap_err();
            assert!(error.contains("deploy/NAME"), "{text}: {error}");
        }
    }
}
