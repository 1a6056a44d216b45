//! The answers of AWS that have causes worth telling apart, and the causes in the order in which they are met.

use podpass_kinds::Reason;
use serde::Serialize;

use super::Cause;
use super::wording::Wording;

/// An answer of AWS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Topic {
    /// The role's ARN is none.
    RoleArnInvalid,
    /// The token is no JWT that AWS takes.
    TokenNotAJwt,
    /// The token lacks a claim.
    ClaimMissing,
    /// No OIDC provider has the token's issuer.
    ProviderMissing,
    /// The audience is not registered.
    AudienceWrong,
    /// Several audiences.
    AudienceAmbiguous,
    /// The issuer's keys cannot be had, or none fits.
    KeyNotRetrieved,
    /// The issuer's certificate is not trusted.
    CertificateUntrusted,
    /// The signature is wrong.
    SignatureInvalid,
    /// The token is too old.
    TokenExpired,
    /// The token is of the future.
    TokenNotYetValid,
    /// The trust policy does not allow.
    TrustDenied,
    /// The duration is too long.
    DurationTooLong,
    /// The session of a later call is over.
    SessionExpired,
    /// A later call is denied.
    PermissionDenied,
}

/// One answer with its causes.
pub(super) struct Row {
    pub(super) topic: Topic,
    /// The wordings; each alone identifies the answer.
    phrases: &'static [&'static str],
    pub(super) meaning: &'static str,
    causes: &'static [(Option<Reason>, &'static str, &'static str)],
}

/// The wordings that are recognised, one for each answer, to be listed to a person.
pub fn known() -> impl Iterator<Item = &'static str> {
    let denied = "User: … is not authorized to perform: … on resource: …";
    let of_row = |row: &'static Row| row.phrases.first().copied();
    ROWS.iter().filter_map(of_row).chain([denied])
}

pub(super) fn find(wording: &Wording) -> Option<&'static Row> {
    ROWS.iter()
        .find(|row| row.phrases.iter().any(|phrase| wording.has(phrase)))
}

impl Row {
    pub(super) fn causes(&self) -> Vec<Cause> {
        let cause =
            |&(reason, what, look_at): &(Option<Reason>, &'static str, &'static str)| Cause {
                reason,
                what,
                look_at,
                proven: false,
            };
        self.causes.iter().map(cause).collect()
    }
}

const ROWS: &[Row] = &[
    Row {
        topic: Topic::RoleArnInvalid,
        phrases: &["Request ARN is invalid"],
        meaning: "the RoleArn of the call is not the ARN of a role that this endpoint knows",
        causes: &[
            (
                Some(Reason::RoleArnInvalid),
                "the annotation or AWS_ROLE_ARN holds the ARN of something else (an OIDC provider, a certificate) or a bare name",
                "the service account's `role-arn` annotation and AWS_ROLE_ARN in the pod",
            ),
            (
                Some(Reason::BadRoleArn),
                "the ARN has blanks, quotes, a backslash or a `<placeholder>` in it, or the account has not 12 digits",
                "the annotation character by character",
            ),
            (
                None,
                "the role is of another partition (`aws-cn`, `aws-us-gov`) than the STS endpoint",
                "the ARN's second part and AWS_REGION",
            ),
        ],
    },
    Row {
        topic: Topic::TokenNotAJwt,
        phrases: &["is not a valid JWT", "if you sent an Access Token"],
        meaning: "the token cannot be decoded, or is signed in a way that AWS does not take",
        causes: &[
            (
                Some(Reason::TokenMalformed),
                "the token file is empty, was rotated away, or holds something beside the token",
                "the file that AWS_WEB_IDENTITY_TOKEN_FILE names, with `podpass token decode`",
            ),
            (
                Some(Reason::TokenMalformed),
                "an access token was sent instead of an ID token",
                "where the token comes from: it must have three segments",
            ),
            (
                Some(Reason::TokenAlgorithmUnsupported),
                "the issuer signs with HS256, PS256 or EdDSA, which AWS refuses",
                "`alg` in the token's header",
            ),
            (
                Some(Reason::TokenMalformed),
                "the token's header has `crit`",
                "the token's header",
            ),
        ],
    },
    Row {
        topic: Topic::ClaimMissing,
        phrases: &[
            "Missing a required claim",
            "Claim is not allowed to be empty",
        ],
        meaning: "the token lacks iss, sub, aud, iat or exp",
        causes: &[
            (
                Some(Reason::TokenClaimMissing),
                "it is a legacy token from a Secret, which has neither aud nor exp nor iat, instead of a projected one",
                "the pod's volumes: a `projected` one with `serviceAccountToken` must be there",
            ),
            (
                Some(Reason::TokenClaimEmpty),
                "the token was requested with an empty list of audiences",
                "`audience` of the projected volume or of `kubectl create token`",
            ),
        ],
    },
    Row {
        topic: Topic::ProviderMissing,
        phrases: &["No OpenIDConnect provider found in your account"],
        meaning: "the account of the role has no OIDC provider whose URL is exactly the token's issuer",
        causes: &[
            (
                Some(Reason::OidcProviderMissing),
                "the OIDC provider does not exist",
                "`aws iam list-open-id-connect-providers` in the role's account",
            ),
            (
                Some(Reason::OidcProviderWrongAccount),
                "the OIDC provider is in another account than the role",
                "the account in the role's ARN: the provider has to be there",
            ),
            (
                Some(Reason::IssuerStringMismatch),
                "trailing slash, path, case, or http instead of https differ between token and provider",
                "the token's `iss` beside the provider's Url, character by character",
            ),
            (
                Some(Reason::OidcProviderMissing),
                "the cluster is new and the provider is still the old one's",
                "the cluster's issuer: `kubectl get --raw /.well-known/openid-configuration`",
            ),
            (
                Some(Reason::IssuerStringMismatch),
                "the issuer was changed (`--service-account-issuer`)",
                "the kube-apiserver's flags; OpenShift: `oc get authentication cluster`",
            ),
        ],
    },
    Row {
        topic: Topic::AudienceWrong,
        phrases: &[
            "Incorrect token audience",
            "The web identity token provided could not be validated",
        ],
        meaning: "the token's audience is not among the client IDs of the OIDC provider",
        causes: &[
            (
                Some(Reason::AudienceNotInClientIds),
                "the audience of the token (`azp` first, then `aud`) is not among the provider's client IDs",
                "`aud` and `azp` of the token beside the provider's ClientIDList",
            ),
            (
                Some(Reason::AudienceNotInClientIds),
                "the token is the one for the kube-apiserver",
                "the path of the token file: the AWS token is a volume of its own",
            ),
            (
                Some(Reason::AudienceNotInClientIds),
                "one side says `openshift`, the other `sts.amazonaws.com`",
                "`audience` of the projected volume and ClientIDList",
            ),
            (
                Some(Reason::AudienceNotInClientIds),
                "`sts.amazon.com` instead of `sts.amazonaws.com`",
                "both sides, letter by letter",
            ),
        ],
    },
    Row {
        topic: Topic::AudienceAmbiguous,
        phrases: &["Token audience contains more than one audience"],
        meaning: "the token has several audiences, and no `azp` says which one counts",
        causes: &[(
            Some(Reason::AudienceAmbiguous),
            "the projected token was requested for several audiences",
            "`audience` of the projected volume: exactly one",
        )],
    },
    Row {
        topic: Topic::KeyNotRetrieved,
        phrases: &[
            "Couldn't retrieve verification key",
            "IDPCommunicationError",
        ],
        meaning: "AWS could not fetch the issuer's keys, or none of them is the token's",
        causes: &[
            (
                Some(Reason::IssuerUnreachable),
                "discovery document or JWKS are not public: 403 from the bucket, Block Public Access",
                "`curl -i <issuer>/.well-known/openid-configuration` from outside, without credentials",
            ),
            (
                Some(Reason::IssuerDocumentInvalid),
                "the discovery document's `jwks_uri` is wrong",
                "`jwks_uri`, and what is served there",
            ),
            (
                Some(Reason::IssuerDocumentInvalid),
                "the discovery document lacks response_types_supported, subject_types_supported or id_token_signing_alg_values_supported",
                "the discovery document",
            ),
            (
                Some(Reason::IssuerKeyMissing),
                "the signing key was rotated and the JWKS not published again; STS also keeps keys for minutes",
                "`kid` of the token beside those of the JWKS",
            ),
            (
                Some(Reason::IssuerKeyMissing),
                "the JWKS has more than 100 keys of a family, or keys with `key_ops` or `use: enc`",
                "the JWKS",
            ),
            (
                Some(Reason::JwksMissingKid),
                "a published key has no `kid`",
                "the JWKS",
            ),
            (
                Some(Reason::IssuerUnreachable),
                "the issuer answers too late: AWS waits about 5 seconds",
                "the latency of the issuer's two documents",
            ),
            (
                Some(Reason::IssuerKeyMissing),
                "the token was not signed by this cluster",
                "which cluster the token is from",
            ),
        ],
    },
    Row {
        topic: Topic::CertificateUntrusted,
        phrases: &["doesn't match configured thumbprint"],
        meaning: "the issuer's TLS certificate is neither publicly trusted nor listed as a thumbprint",
        causes: &[
            (
                Some(Reason::IssuerCertificateUntrusted),
                "the private CA behind the issuer has changed",
                "the SHA-1 of the last certificate of the chain that the issuer presents",
            ),
            (
                Some(Reason::IssuerCertificateUntrusted),
                "the thumbprint is that of the leaf instead of the top CA certificate of the presented chain",
                "the provider's ThumbprintList beside the presented chain",
            ),
        ],
    },
    Row {
        topic: Topic::SignatureInvalid,
        phrases: &["Token signature invalid"],
        meaning: "the published key of the token's `kid` did not make the signature",
        causes: &[
            (
                Some(Reason::TokenSignatureInvalid),
                "the JWKS holds another key under the same `kid`",
                "the cluster's public key beside the published one of that `kid`",
            ),
            (
                Some(Reason::TokenSignatureInvalid),
                "the token was altered on its way",
                "the token file beside what was sent",
            ),
        ],
    },
    Row {
        topic: Topic::TokenExpired,
        phrases: &["Token expired: current date/time", "Token too old"],
        meaning: "the token had expired, by more than the tolerance of 300 seconds",
        causes: &[
            (
                Some(Reason::TokenExpired),
                "the application read the token once and kept it",
                "whether the SDK is recent and reads the file before each exchange",
            ),
            (
                Some(Reason::TokenExpired),
                "the kubelet does not renew the token, or the volume is a subPath",
                "the age of the token file in the pod, and the kubelet's log",
            ),
            (
                Some(Reason::TokenExpired),
                "the clock of the control plane is behind",
                "the control plane's clock beside AWS's",
            ),
        ],
    },
    Row {
        topic: Topic::TokenNotYetValid,
        phrases: &["Token issued in the future", "Token not yet valid"],
        meaning: "the token's time lies ahead of AWS's by more than the tolerance of 300 seconds",
        causes: &[(
            Some(Reason::TokenNotYetValid),
            "the clock of the control plane, which issues the tokens, is more than 5 minutes ahead",
            "time synchronisation on the control plane's machines",
        )],
    },
    Row {
        topic: Topic::TrustDenied,
        phrases: &["Not authorized to perform sts:AssumeRoleWithWebIdentity"],
        meaning: "token, provider and audience are good; the role's trust policy does not allow, or the role does not exist",
        causes: &[
            (
                Some(Reason::RoleMissing),
                "the role does not exist, or its path or name is misspelt",
                "`aws iam get-role`, and the whole ARN in the annotation with its path",
            ),
            (
                Some(Reason::TrustActionMissing),
                "the trust policy does not allow sts:AssumeRoleWithWebIdentity",
                "Action of the statement for the provider",
            ),
            (
                Some(Reason::TrustWrongProvider),
                "Principal.Federated is not the ARN of the token's provider: account, partition, trailing slash, old cluster",
                "Principal.Federated beside the provider's ARN",
            ),
            (
                Some(Reason::TrustKeyHasArnPrefix),
                "a condition key starts with the provider's ARN instead of its URL",
                "the keys of the Condition: `<issuer without https://>:sub`",
            ),
            (
                Some(Reason::TrustConditionMismatch),
                "a condition key is misspelt, or has another issuer's host",
                "the keys of the Condition beside the token's `iss`",
            ),
            (
                Some(Reason::TrustSubMismatch),
                "namespace or service account differ from the `sub` condition",
                "the token's `sub` beside the value",
            ),
            (
                Some(Reason::TrustWildcardInStringequals),
                "a `*` stands under StringEquals, where it is literal",
                "the operator: wildcards need StringLike",
            ),
            (
                Some(Reason::TrustAudMismatch),
                "the `aud` condition has another value than the token's audience",
                "the token's `azp` or `aud` beside the value",
            ),
            (
                Some(Reason::TrustActionMissing),
                "the token has tags or a source identity, and the trust policy lacks sts:TagSession or sts:SetSourceIdentity",
                "the token's claims under https://aws.amazon.com/",
            ),
            (
                Some(Reason::TrustExplicitDeny),
                "a Deny of the trust policy or of a resource control policy matches",
                "Deny statements, and the organisation's resource control policies",
            ),
            (
                None,
                "role or provider were created seconds ago: AWS needs about 8 seconds",
                "try again",
            ),
            (
                Some(Reason::TrustConditionMismatch),
                "a condition is on a claim that AWS does not expose (`namespace`, `groups`)",
                "the keys: only aud, sub, amr, oaud and email exist",
            ),
        ],
    },
    Row {
        topic: Topic::DurationTooLong,
        phrases: &[
            "exceeds the MaxSessionDuration set for this role",
            "exceeds the 1 hour session limit for roles assumed by role chaining",
        ],
        meaning: "the session was asked for longer than the role allows",
        causes: &[
            (
                Some(Reason::DurationTooLong),
                "the SDK's or profile's duration is longer than the role's MaxSessionDuration",
                "`duration_seconds` of the profile beside `aws iam get-role`",
            ),
            (
                Some(Reason::ChainDuration),
                "a role assumed from another role's session lasts one hour at most",
                "whether the caller is itself a role's session",
            ),
        ],
    },
    Row {
        topic: Topic::SessionExpired,
        phrases: &[
            "security token included in the request is expired",
            "The provided token has expired",
        ],
        meaning: "the session is over, not the service account token: of that STS says `Token expired`",
        causes: &[
            (
                None,
                "the application made its client once, from credentials instead of from a provider of the SDK",
                "how the client is made: a provider fetches new credentials before the end, with the token file as it is then",
            ),
            (
                None,
                "the credentials were copied into variables or a file, where nothing renews them",
                "AWS_SESSION_TOKEN in the environment, aws_session_token in the credentials file",
            ),
            (
                None,
                "the role was chained, and such a session lives for one hour at most",
                "Expiration in the answer of AssumeRole",
            ),
            (
                None,
                "the machine's clock is behind, so the SDK takes its credentials for good",
                "the machine's clock beside AWS's",
            ),
        ],
    },
];
