//! An issuer that is a cluster's bucket, read back from its URL.

use crate::names::{BucketName, ClusterName, Region};

/// The bucket that an issuer names, and the cluster whose it is by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuerBucket {
    /// The cluster.
    pub cluster: ClusterName,
    /// Its bucket.
    pub bucket: BucketName,
    /// Where the bucket is.
    pub region: Region,
}

impl IssuerBucket {
    /// Reads `https://<cluster>-oidc.s3.<region>.amazonaws.com`; `None` for an issuer that is no such bucket.
    pub fn of_issuer(issuer: &str) -> Option<Self> {
        let (cluster, rest) = issuer.strip_prefix("https://")?.split_once(SUFFIX)?;
        let cluster: ClusterName = cluster.parse().ok()?;
        let region: Region = rest.split_once('.')?.0.parse().ok()?;
        let bucket = BucketName::for_issuer_of(&cluster).ok()?;
        (bucket.issuer_in(&region) == issuer).then_some(Self {
            cluster,
            bucket,
            region,
        })
    }
}

const SUFFIX: &str = "-oidc.s3.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_tells_cluster_bucket_and_region() {
        for (issuer, cluster, region) in [
            (
                "https://irsa-mint-oidc.s3.eu-west-1.amazonaws.com",
                "irsa-mint",
                "eu-west-1",
            ),
            (
                "https://prod-oidc.s3.cn-north-1.amazonaws.com.cn",
                "prod",
                "cn-north-1",
            ),
        ] {
            let found = IssuerBucket::of_issuer(issuer).unwrap();
            assert_eq!(
                (found.cluster.as_str(), found.region.as_str()),
                (cluster, region)
            );
            assert_eq!(found.bucket.as_str(), format!("{cluster}-oidc"));
        }
        for issuer in [
            "https://kubernetes.default.svc",
            "https://d111111abcdef8.cloudfront.net",
            "https://oidc.eks.eu-west-1.amazonaws.com/id/0123456789ABCDEF",
            "http://prod-oidc.s3.eu-west-1.amazonaws.com",
            "https://prod-oidc.s3.eu-west-1.amazonaws.com/",
            "https://prod-oidc.s3.eu-west-1.example.com",
            "https://prod.s3.eu-west-1.amazonaws.com",
        ] {
            assert_eq!(IssuerBucket::of_issuer(issuer), None, "{issuer}");
        }
    }
}
