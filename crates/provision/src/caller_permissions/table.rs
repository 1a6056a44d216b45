//! The table of actions.

use super::CallerCommand::{Bind, CreateIamRoles, CreateIdentityProvider, Delete, Unbind};
use super::Need::{Always, Only, Saves};
use super::{CallerCommand, Need, Permission, Use};

/// Every action that podpass calls as the administrator, and every one that is documented for ccoctl.
pub const PERMISSIONS: &[Permission] = &[
    documented(
        "iam:CreateOpenIDConnectProvider",
        &[by(CreateIdentityProvider, Always)],
    ),
    documented(
        "iam:CreateRole",
        &[by(CreateIamRoles, Always), by(Bind, Always)],
    ),
    documented("iam:DeleteOpenIDConnectProvider", &[by(Delete, Always)]),
    documented("iam:DeleteRole", &[by(Delete, Always), by(Unbind, Always)]),
    documented(
        "iam:DeleteRolePolicy",
        &[by(Delete, Always), by(Unbind, Always)],
    ),
    documented(
        "iam:GetOpenIDConnectProvider",
        &[
            by(CreateIdentityProvider, Always),
            by(CreateIamRoles, Always),
            by(Delete, Always),
            by(Bind, Always),
        ],
    ),
    documented(
        "iam:GetRole",
        &[
            by(CreateIamRoles, Always),
            by(Delete, Always),
            by(Bind, Always),
            by(Unbind, Always),
        ],
    ),
    unused("iam:GetUser", "neither ccoctl nor podpass calls it"),
    documented(
        "iam:ListOpenIDConnectProviders",
        &[by(CreateIdentityProvider, Always), by(Delete, Always)],
    ),
    documented(
        "iam:ListRolePolicies",
        &[by(Delete, Always), by(Bind, Always), by(Unbind, Always)],
    ),
    documented("iam:ListRoles", &[by(Delete, Always)]),
    documented(
        "iam:PutRolePolicy",
        &[by(CreateIamRoles, Always), by(Bind, Always)],
    ),
    documented(
        "iam:TagOpenIDConnectProvider",
        &[by(CreateIdentityProvider, Always)],
    ),
    documented(
        "iam:TagRole",
        &[by(CreateIamRoles, Always), by(Bind, Always)],
    ),
    documented("s3:CreateBucket", &[by(CreateIdentityProvider, Always)]),
    documented("s3:DeleteBucket", &[by(Delete, Always)]),
    documented("s3:DeleteObject", &[by(Delete, Always)]),
    unused("s3:GetBucketAcl", ACL),
    documented(
        "s3:GetBucketTagging",
        &[by(CreateIdentityProvider, Always), by(Delete, Always)],
    ),
    Permission {
        action: "s3:GetObject",
        documented: true,
        uses: &[by(
            CreateIdentityProvider,
            Only("where the bucket has lost its policy"),
        )],
        reason: "that policy lets everybody read the documents",
    },
    unused("s3:GetObjectAcl", ACL),
    documented(
        "s3:GetObjectTagging",
        &[by(CreateIdentityProvider, Always), by(Delete, Always)],
    ),
    documented(
        "s3:ListBucket",
        &[by(CreateIdentityProvider, Always), by(Delete, Always)],
    ),
    unused("s3:PutBucketAcl", ACL),
    documented("s3:PutBucketPolicy", &[by(CreateIdentityProvider, Always)]),
    documented(
        "s3:PutBucketPublicAccessBlock",
        &[by(CreateIdentityProvider, Always)],
    ),
    documented("s3:PutBucketTagging", &[by(CreateIdentityProvider, Always)]),
    documented("s3:PutObject", &[by(CreateIdentityProvider, Always)]),
    unused("s3:PutObjectAcl", ACL),
    documented("s3:PutObjectTagging", &[by(CreateIdentityProvider, Always)]),
    unused(
        "cloudfront:ListCloudFrontOriginAccessIdentities",
        CLOUDFRONT,
    ),
    unused("cloudfront:ListDistributions", CLOUDFRONT),
    unused("cloudfront:ListTagsForResource", CLOUDFRONT),
    added(
        "iam:AddClientIDToOpenIDConnectProvider",
        &[by(CreateIdentityProvider, Always)],
        "a provider that lacks one of the two audiences is put right; ccoctl leaves it",
    ),
    added(
        "iam:UpdateAssumeRolePolicy",
        &[
            by(CreateIamRoles, Always),
            by(Bind, Always),
            by(
                Unbind,
                Only("where the role trusts more than the service account"),
            ),
        ],
        "a role whose trust policy has become wrong is put right; ccoctl leaves it",
    ),
    added(
        "iam:UpdateRole",
        &[by(CreateIamRoles, Always)],
        "a role's description says whose it is, and is put right; ccoctl leaves it",
    ),
    added(
        "iam:GetRolePolicy",
        &[
            by(
                CreateIamRoles,
                Saves("the policy of a role is not written again where it is right"),
            ),
            by(Bind, Always),
            by(Unbind, Always),
        ],
        "what a role holds already is compared; ccoctl writes it again each time",
    ),
    added(
        "iam:ListAttachedRolePolicies",
        &[
            by(
                Delete,
                Saves("a role to which others attached a policy is deleted, too"),
            ),
            by(Bind, Always),
            by(Unbind, Always),
        ],
        "all that a role holds goes with it",
    ),
    added(
        "iam:ListInstanceProfilesForRole",
        &[
            by(
                Delete,
                Saves("a role that is in an instance profile is deleted, too"),
            ),
            by(Bind, Always),
            by(Unbind, Always),
        ],
        "all that holds a role lets go of it",
    ),
    added(
        "iam:AttachRolePolicy",
        &[by(Bind, Only("with `--policy-arn`"))],
        "managed policies are attached",
    ),
    added(
        "iam:DetachRolePolicy",
        &[by(Delete, Only(ATTACHED)), by(Unbind, Only(ATTACHED))],
        "IAM deletes no role with managed policies",
    ),
    added(
        "iam:RemoveRoleFromInstanceProfile",
        &[by(Delete, Only(PROFILE)), by(Unbind, Only(PROFILE))],
        "IAM deletes no role that an instance profile holds",
    ),
    added(
        "iam:PutRolePermissionsBoundary",
        &[by(CreateIamRoles, Only(BOUNDARY)), by(Bind, Only(BOUNDARY))],
        "a role that exists gets the boundary",
    ),
    added(
        "s3:GetBucketPolicy",
        &[by(
            CreateIdentityProvider,
            Saves(
                "a bucket policy that was changed is noticed and put right, and a bucket can be adopted",
            ),
        )],
        "what others added to the policy stays",
    ),
    added(
        "s3:GetBucketPublicAccessBlock",
        &[by(
            CreateIdentityProvider,
            Saves("a bucket that was closed to the public is noticed and put right"),
        )],
        "the issuer's documents have to be public",
    ),
];

const fn documented(action: &'static str, uses: &'static [Use]) -> Permission {
    Permission {
        action,
        documented: true,
        uses,
        reason: "",
    }
}

const fn unused(action: &'static str, reason: &'static str) -> Permission {
    Permission {
        action,
        documented: true,
        uses: &[],
        reason,
    }
}

const fn added(action: &'static str, uses: &'static [Use], reason: &'static str) -> Permission {
    Permission {
        action,
        documented: false,
        uses,
        reason,
    }
}

const fn by(command: CallerCommand, need: Need) -> Use {
    Use { command, need }
}

const ACL: &str = "neither calls it any more: the bucket is opened by its policy";
const CLOUDFRONT: &str = "podpass makes no distributions, so `delete` looks for none";
const ATTACHED: &str = "where a managed policy is attached to the role";
const PROFILE: &str = "where an instance profile holds the role";
const BOUNDARY: &str = "with `--permissions-boundary-arn`, where the role exists already";
