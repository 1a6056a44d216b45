//! The commands under `ccoctl aws`, their flags, and what they become.

use std::path::PathBuf;

use podpass_provision::TechPreview;

use super::flags::{Flag, Flags, Kind};
use crate::commands::aws::{
    AllInput, Consent, DEFAULT_CONCURRENCY, DeleteInput, DryRun, IdentityProviderInput,
    KeyPairInput, Report, RolesInput, Target, Voice, create_all, create_iam_roles,
    create_identity_provider, create_key_pair, delete,
};
use crate::failure::Failure;

/// A command `create-…`, or `delete`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leaf {
    All,
    IamRoles,
    IdentityProvider,
    KeyPair,
    Delete,
}

// === impl Leaf ===

impl Leaf {
    /// All of them, in the order of the help.
    pub(crate) const ALL: [Self; 5] = [
        Self::All,
        Self::IamRoles,
        Self::IdentityProvider,
        Self::KeyPair,
        Self::Delete,
    ];

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|leaf| leaf.name() == name)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::All => "create-all",
            Self::IamRoles => "create-iam-roles",
            Self::IdentityProvider => "create-identity-provider",
            Self::KeyPair => "create-key-pair",
            Self::Delete => "delete",
        }
    }

    pub(crate) fn summary(self) -> &'static str {
        match self {
            Self::All => "Create key pair, identity provider and IAM roles",
            Self::IamRoles => "Create IAM roles for CredentialsRequests",
            Self::IdentityProvider => "Create the IAM identity provider and its issuer",
            Self::KeyPair => "Create a key pair that signs service account tokens",
            Self::Delete => "Delete the identity provider and the IAM roles",
        }
    }

    /// Sorted by name, as the help lists them.
    pub(crate) fn flags(self) -> &'static [Flag] {
        match self {
            Self::All => &[
                PRIVATE_BUCKET,
                REQUESTS,
                DRY_RUN,
                TECH_PREVIEW,
                NAME,
                OUTPUT_DIR,
                BOUNDARY,
                PUBLIC_KEY,
                REGION,
            ],
            Self::IamRoles => &[
                REQUESTS,
                DRY_RUN,
                TECH_PREVIEW,
                PROVIDER,
                NAME,
                OUTPUT_DIR,
                BOUNDARY,
                OPTIONAL_REGION,
            ],
            Self::IdentityProvider => &[
                PRIVATE_BUCKET,
                DRY_RUN,
                NAME,
                OUTPUT_DIR,
                PUBLIC_KEY,
                REGION,
            ],
            Self::KeyPair => &[OUTPUT_DIR],
            Self::Delete => &[NAME, REGION],
        }
    }

    pub(crate) fn run(self, flags: &Flags) -> Result<(), Failure> {
        let report = Report::new(Voice::Ccoctl);
        let output_dir = PathBuf::from(flags.value("output-dir").unwrap_or("."));
        let optional = |name: &str| flags.value(name).map(str::to_owned);
        let required = |name: &str| flags.required(name).to_owned();
        let concurrency = usize::from(DEFAULT_CONCURRENCY);
        let tech_preview = if flags.is_on("enable-tech-preview") {
            TechPreview::Include
        } else {
            TechPreview::Exclude
        };
        let private_bucket = flags.is_on(PRIVATE_BUCKET.name);
        let target = Target {
            dry_run: if flags.is_on("dry-run") {
                DryRun::Files
            } else {
                DryRun::No
            },
            ..Target::default()
        };
        match self {
            Self::KeyPair => create_key_pair(&KeyPairInput { output_dir }, &report).map(drop),
            Self::IdentityProvider => {
                let input = IdentityProviderInput {
                    name: required("name"),
                    region: required("region"),
                    public_key_file: optional("public-key-file").map(PathBuf::from),
                    private_bucket,
                    output_dir,
                    target,
                };
                crate::block_on(create_identity_provider(&input, &report))
            }
            Self::IamRoles => {
                let input = RolesInput {
                    name: required("name"),
                    region: optional("region"),
                    credentials_requests_dir: required("credentials-requests-dir").into(),
                    identity_provider_arn: required("identity-provider-arn"),
                    permissions_boundary_arn: optional("permissions-boundary-arn"),
                    tech_preview,
                    concurrency,
                    output_dir,
                    target,
                };
                crate::block_on(create_iam_roles(&input, &report))
            }
            Self::All => {
                let input = AllInput {
                    name: required("name"),
                    region: required("region"),
                    credentials_requests_dir: required("credentials-requests-dir").into(),
                    public_key_file: optional("public-key-file").map(PathBuf::from),
                    private_bucket,
                    permissions_boundary_arn: optional("permissions-boundary-arn"),
                    tech_preview,
                    concurrency,
                    output_dir,
                    target,
                };
                crate::block_on(create_all(&input, &report))
            }
            Self::Delete => {
                let input = DeleteInput {
                    name: required("name"),
                    region: required("region"),
                    consent: Consent::Given,
                    concurrency,
                    target,
                };
                crate::block_on(delete(&input, &report))
            }
        }
    }
}

const fn flag(name: &'static str, kind: Kind, help: &'static str) -> Flag {
    Flag { name, kind, help }
}

const PRIVATE_BUCKET: Flag = flag(
    "create-private-s3-bucket",
    Kind::Switch,
    "Serve the issuer from a private bucket (not available: refused)",
);
const REQUESTS: Flag = flag(
    "credentials-requests-dir",
    Kind::Required,
    "Directory with the CredentialsRequests to create roles for",
);
const DRY_RUN: Flag = flag(
    "dry-run",
    Kind::Switch,
    "Write the inputs for the AWS CLI and call nobody",
);
const TECH_PREVIEW: Flag = flag(
    "enable-tech-preview",
    Kind::Switch,
    "Also process CredentialsRequests of the tech preview",
);
const PROVIDER: Flag = flag(
    "identity-provider-arn",
    Kind::Required,
    "ARN of the IAM identity provider that the roles trust",
);
const NAME: Flag = flag(
    "name",
    Kind::Required,
    "Name of the cluster, for the names and tags of all resources",
);
const OUTPUT_DIR: Flag = flag(
    "output-dir",
    Kind::Optional,
    "Directory for keys and manifests (default: the current directory)",
);
const BOUNDARY: Flag = flag(
    "permissions-boundary-arn",
    Kind::Optional,
    "ARN of the policy that bounds the roles",
);
const PUBLIC_KEY: Flag = flag(
    "public-key-file",
    Kind::Optional,
    "File with the public keys of the cluster's signing keys",
);
const REGION: Flag = flag("region", Kind::Required, "Region of the bucket");
const OPTIONAL_REGION: Flag = flag(
    "region",
    Kind::Optional,
    "Region, only required for GovCloud",
);
