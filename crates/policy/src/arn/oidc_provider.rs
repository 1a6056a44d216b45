//! ARNs of IAM OIDC providers.

use std::str::FromStr;

use super::{Arn, InvalidArn, read_account, read_iam};
use crate::account::AccountId;
use crate::partition::Partition;

/// The ARN of an IAM OIDC provider, `arn:PARTITION:iam::ACCOUNT:oidc-provider/HOST/PATH`.
///
/// The part after `oidc-provider/` is the issuer URL without `https://`; its case and any trailing slash count.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OidcProviderArn {
    arn: Arn,
    account: AccountId,
}

impl OidcProviderArn {
    /// Makes the ARN of the provider for an issuer URL that is given without its `https://`.
    pub fn new(
        partition: Partition,
        account: AccountId,
        url_without_scheme: &str,
    ) -> Result<Self, InvalidArn> {
        let resource = [RESOURCE_PREFIX, url_without_scheme];
        let arn = Arn::of_account(partition, "iam", &account, &resource);
        check_issuer(&arn, url_without_scheme)?;
        Ok(Self { arn, account })
    }

    /// The partition.
    pub fn partition(&self) -> Partition {
        self.arn.partition()
    }

    /// The account that owns the provider.
    pub fn account(&self) -> &AccountId {
        &self.account
    }

    /// The issuer URL without `https://`: the prefix of the provider's condition keys (`…:sub`, `…:aud`).
    pub fn issuer_without_scheme(&self) -> &str {
        &self.arn.resource()[RESOURCE_PREFIX.len()..]
    }

    /// The whole text.
    pub fn as_str(&self) -> &str {
        self.arn.as_str()
    }

    /// The same as an ARN of any kind.
    pub fn as_arn(&self) -> &Arn {
        &self.arn
    }
}

is_its_text!(OidcProviderArn);

impl FromStr for OidcProviderArn {
    type Err = InvalidArn;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (arn, issuer) = read_iam(text, "oidc-provider", EXPECTED)?;
        let account = read_account(&arn, EXPECTED)?;
        check_issuer(&arn, issuer)?;
        Ok(Self { arn, account })
    }
}

impl From<OidcProviderArn> for Arn {
    fn from(provider: OidcProviderArn) -> Self {
        provider.arn
    }
}

fn check_issuer(arn: &Arn, issuer: &str) -> Result<(), InvalidArn> {
    let refuse = |problem: String| InvalidArn {
        expected: EXPECTED,
        value: arn.to_string(),
        problem,
    };
    if issuer.contains("://") {
        return Err(refuse(format!(
            "the issuer `{issuer}` must be written without its scheme"
        )));
    }
    let host = issuer.split('/').next().unwrap_or_default();
    if host.is_empty() {
        return Err(refuse("it names no issuer host".to_owned()));
    }
    if let Some(bad) = issuer
        .chars()
        .find(|c| !c.is_ascii_graphic() || "?#".contains(*c))
    {
        return Err(refuse(format!(
            "the issuer `{issuer}` holds {bad:?}, which an issuer URL must not hold"
        )));
    }
    Ok(())
}

const EXPECTED: &str = "the ARN of an IAM OIDC provider";
const RESOURCE_PREFIX: &str = "oidc-provider/";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_host_path_and_trailing_slash() {
        let account: AccountId = "123456789012".parse().unwrap();
        for issuer in ["example.com", "Example.com/id/A", "example.com/id/"] {
            let built = OidcProviderArn::new(Partition::Aws, account.clone(), issuer).unwrap();
            assert_eq!(built.issuer_without_scheme(), issuer);
            let read: OidcProviderArn = built.as_str().parse().unwrap();
            assert_eq!(read, built);
            assert_eq!(read.issuer_without_scheme(), issuer);
        }
    }

    #[test]
    fn refuses_scheme_query_and_missing_host() {
        let account: AccountId = "123456789012".parse().unwrap();
        for issuer in [
            "https://example.com",
            "",
            "/path",
            "a.com?x",
            "a.com#x",
            "a b.com",
        ] {
            assert!(
                OidcProviderArn::new(Partition::Aws, account.clone(), issuer).is_err(),
                "{issuer}"
            );
        }
    }
}
