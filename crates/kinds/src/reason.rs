//! The reason codes: why something was denied, refused or left alone.
//!
//! One table gives every code its condition name, its explanation and its remedy, so that the command line, the
//! sandbox's trace, Kubernetes events and the reference page can never disagree.

use std::fmt;
use std::str::FromStr;

use podpass_policy::{Layer, Verdict};
use serde::{Serialize, Serializer};

macro_rules! reasons {
    ($($variant:ident $code:literal $hint:literal $fix:literal)*) => {
        /// Why something was denied, refused or left alone.
        ///
        /// A reason is stable: scripts match its [`code`](Reason::code) and dashboards its
        /// [`condition`](Reason::condition). It serialises as its code.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Reason {
            $(#[doc = concat!("`", $code, "`: ", $hint, ".")] $variant,)*
        }

        impl Reason {
            /// Every reason, in the order of the reference page.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// Returns the code for people and scripts, such as `TRUST_SUB_MISMATCH`.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// Returns the same words as a Kubernetes condition or event reason, such as `TrustSubMismatch`.
            pub const fn condition(self) -> &'static str {
                match self { $(Self::$variant => stringify!($variant),)* }
            }

            /// Returns one clause that says what is wrong, lower-case and without a full stop.
            pub const fn hint(self) -> &'static str {
                match self { $(Self::$variant => $hint,)* }
            }

            /// Returns one imperative clause that says what to change, lower-case and without a full stop.
            pub const fn fix(self) -> &'static str {
                match self { $(Self::$variant => $fix,)* }
            }
        }
    };
}

reasons! {
    // The token itself.
    TokenMalformed "TOKEN_MALFORMED"
        "the token is not a JSON Web Token"
        "pass the content of the projected token file, and nothing else"
    TokenAlgorithmUnsupported "TOKEN_ALGORITHM_UNSUPPORTED"
        "the token is signed with an algorithm that AWS does not accept"
        "sign service account tokens with RS256, RS384, RS512, ES256, ES384 or ES512"
    TokenClaimMissing "TOKEN_CLAIM_MISSING"
        "the token lacks a claim that AWS requires"
        "use a token that has iss, sub, aud, iat and exp, as the kube-apiserver issues them"
    TokenClaimEmpty "TOKEN_CLAIM_EMPTY"
        "a claim that AWS requires is empty"
        "request the token with at least one audience"
    TokenClaimInvalid "TOKEN_CLAIM_INVALID"
        "a claim has a type that AWS does not accept"
        "use a token as the kube-apiserver issues it: text claims as strings, `aud` as a list of strings"
    TokenTimestampInvalid "TOKEN_TIMESTAMP_INVALID"
        "iat, nbf or exp is not a whole number of seconds"
        "write iat, nbf and exp as integers: seconds since 1970-01-01 UTC"
    TokenExpired "TOKEN_EXPIRED"
        "the token has expired"
        "read the token file again before each exchange; the kubelet renews it"
    TokenNotYetValid "TOKEN_NOT_YET_VALID"
        "the token was issued in the future or is not valid yet"
        "compare the clocks of the control plane and of this machine; AWS tolerates 300 seconds"
    TokenSignatureInvalid "TOKEN_SIGNATURE_INVALID"
        "the signature does not belong to the published key of that `kid`"
        "publish the public key of the cluster's current signing key in the issuer's JWKS"

    // The issuer and its published keys.
    IssuerUnreachable "ISSUER_UNREACHABLE"
        "the issuer's discovery document or JWKS cannot be fetched"
        "make `<issuer>/.well-known/openid-configuration` and its `jwks_uri` readable over HTTPS without credentials"
    IssuerDocumentInvalid "ISSUER_DOCUMENT_INVALID"
        "the issuer's discovery document or JWKS is not usable"
        "publish the documents again with `podpass aws create-identity-provider`"
    IssuerCertificateUntrusted "ISSUER_CERTIFICATE_UNTRUSTED"
        "the issuer's TLS certificate is neither publicly trusted nor listed as a thumbprint"
        "serve the issuer with a publicly trusted certificate or add its CA's thumbprint to the OIDC provider"
    IssuerStringMismatch "ISSUER_STRING_MISMATCH"
        "two spellings of the issuer differ"
        "write the issuer everywhere exactly as the token has it: scheme, case, path and trailing slash count"
    IssuerKeyMissing "ISSUER_KEY_MISSING"
        "no published key has the token's `kid`"
        "add the public key that belongs to the token's `kid` to the issuer's JWKS"
    JwksMissingKid "JWKS_MISSING_KID"
        "a published key has no `kid`, so no token can name it"
        "publish the JWKS again with a `kid` on each key"

    // The OIDC provider in IAM.
    OidcProviderMissing "OIDC_PROVIDER_MISSING"
        "the role's account has no OIDC provider for the token's issuer"
        "create the OIDC provider in the role's account, with exactly the issuer that the token has"
    OidcProviderWrongAccount "OIDC_PROVIDER_WRONG_ACCOUNT"
        "the OIDC provider for the token's issuer is in another account than the role"
        "create the OIDC provider in the role's account as well, or use a role of the provider's account"
    AudienceNotInClientIds "AUDIENCE_NOT_IN_CLIENT_IDS"
        "the token's audience is not among the client IDs of the OIDC provider"
        "add the audience to the OIDC provider, or request the token for an audience that is listed"
    AudienceAmbiguous "AUDIENCE_AMBIGUOUS"
        "the token has several audiences and no authorized party"
        "request the token for one audience only"

    // The parameters of the exchange.
    ParameterInvalid "PARAMETER_INVALID"
        "a parameter breaks a rule of the API"
        "correct the parameter that is named"
    ProviderIdGiven "PROVIDER_ID_GIVEN"
        "ProviderId belongs to OAuth 2.0 access tokens and was sent with an OpenID Connect token"
        "leave ProviderId out"
    RoleArnInvalid "ROLE_ARN_INVALID"
        "the role ARN of the request is not the ARN of an IAM role"
        "write the role as arn:<partition>:iam::<12-digit account>:role/<path and name>"
    DurationTooLong "DURATION_TOO_LONG"
        "the requested duration exceeds the role's maximum session duration"
        "request a shorter duration or raise the role's MaxSessionDuration"
    ChainDuration "CHAIN_DURATION"
        "a role assumed from another role's session lasts one hour at most"
        "request at most 3600 seconds when chaining roles"
    SessionPolicyMalformed "SESSION_POLICY_MALFORMED"
        "the session policy is not a valid policy document"
        "correct the session policy at the line and column that are named"
    PackedPolicyTooLarge "PACKED_POLICY_TOO_LARGE"
        "session policies and tags together are too large for a session"
        "shorten the session policy, or attach a managed policy to the role instead"

    // The role and its trust policy.
    RoleMissing "ROLE_MISSING"
        "there is no such role in the account; AWS answers this as if it were a denial"
        "create the role, or correct the role ARN: account, path and name"
    TrustSubMismatch "TRUST_SUB_MISMATCH"
        "the trust policy does not allow the token's subject"
        "allow `system:serviceaccount:<namespace>:<name>` in the trust policy's `sub` condition"
    TrustAudMismatch "TRUST_AUD_MISMATCH"
        "the trust policy does not allow the token's audience"
        "allow the token's audience in the trust policy's `aud` condition"
    TrustWrongProvider "TRUST_WRONG_PROVIDER"
        "the trust policy names another OIDC provider as its federated principal"
        "set the statement's Principal.Federated to the ARN of the token issuer's OIDC provider"
    TrustPrincipalMismatch "TRUST_PRINCIPAL_MISMATCH"
        "the trust policy does not name the caller as a principal"
        "add the caller's ARN or account to the trust policy's Principal.AWS"
    TrustConditionMismatch "TRUST_CONDITION_MISMATCH"
        "a condition of the trust policy does not hold"
        "correct the condition that is named, or meet it"
    TrustKeyHasArnPrefix "TRUST_KEY_HAS_ARN_PREFIX"
        "a condition key starts with the provider's ARN instead of the issuer's host and path"
        "write the key as <issuer without https://>:sub"
    TrustWildcardInStringequals "TRUST_WILDCARD_IN_STRINGEQUALS"
        "a `*` or `?` under StringEquals is compared literally"
        "use StringLike for values with wildcards"
    TrustExplicitDeny "TRUST_EXPLICIT_DENY"
        "a Deny statement of the trust policy matches"
        "narrow or remove the Deny statement that is named"
    TrustActionMissing "TRUST_ACTION_MISSING"
        "no statement of the trust policy allows the action"
        "allow sts:AssumeRoleWithWebIdentity for service accounts, sts:AssumeRole for AWS principals"
    RootCannotAssumeRole "ROOT_CANNOT_ASSUME_ROLE"
        "the root user of an account may not assume roles"
        "call as an IAM user or from a role's session"

    // Permissions of a caller.
    PermissionDeniedIdentity "PERMISSION_DENIED_IDENTITY"
        "no permissions policy of the caller allows the action"
        "allow the action on the resource in a policy of the caller"
    PermissionDeniedResource "PERMISSION_DENIED_RESOURCE"
        "the resource's policy does not allow the caller"
        "allow the caller in the resource's policy"
    PermissionDeniedBoundary "PERMISSION_DENIED_BOUNDARY"
        "the permissions boundary does not allow the action"
        "allow the action in the permissions boundary too"
    PermissionDeniedSession "PERMISSION_DENIED_SESSION"
        "the session policy does not allow the action"
        "allow the action in the session policy, or assume the role without one"
    PermissionDeniedServiceControl "PERMISSION_DENIED_SERVICE_CONTROL"
        "a level of the organisation has no service control policy that allows the action"
        "allow the action in a service control policy of the level that is named"
    PermissionDeniedResourceControl "PERMISSION_DENIED_RESOURCE_CONTROL"
        "a level of the organisation has no resource control policy that allows the action"
        "attach `RCPFullAWSAccess` to the level that is named"
    ExplicitDeny "EXPLICIT_DENY"
        "a Deny statement matches"
        "narrow or remove the Deny statement that is named"

    // The service account and the pod.
    NoRoleAnnotation "NO_ROLE_ANNOTATION"
        "the service account has no role annotation"
        "annotate the service account with `eks.amazonaws.com/role-arn`"
    BadRoleArn "BAD_ROLE_ARN"
        "the text where a role's ARN belongs is not the ARN of an IAM role"
        "write arn:<partition>:iam::<12-digit account>:role/<path and name>, without blanks"
    ContainerSkipped "CONTAINER_SKIPPED"
        "the pod asks to skip this container"
        "take the container's name out of the pod's `skip-containers` annotation if it needs the role"
    SkipContainersInvalid "SKIP_CONTAINERS_INVALID"
        "the pod's `skip-containers` annotation is not a comma-separated list"
        "write the names separated by commas, with quotes only around whole names"
    TokenExpirationInvalid "TOKEN_EXPIRATION_INVALID"
        "a `token-expiration` annotation is not a whole number of seconds and is ignored"
        "write the seconds as digits only, such as \"86400\""
    TokenExpirationTooShort "TOKEN_EXPIRATION_TOO_SHORT"
        "a token expiration below 600 seconds is raised to 600"
        "ask for at least 600 seconds"
    TokenExpirationTooLong "TOKEN_EXPIRATION_TOO_LONG"
        "the kube-apiserver refuses a token expiration above 4294967296 seconds"
        "ask for a shorter token expiration"
    StsRegionalEndpointsInvalid "STS_REGIONAL_ENDPOINTS_INVALID"
        "the `sts-regional-endpoints` annotation is neither true nor false and is ignored"
        "write \"true\" or \"false\""
    CredentialsAlreadySet "CREDENTIALS_ALREADY_SET"
        "the container sets AWS_ROLE_ARN or AWS_WEB_IDENTITY_TOKEN_FILE itself, so neither is added"
        "remove both variables from the container if the service account's role is meant"
    ContainerAlreadyConfigured "CONTAINER_ALREADY_CONFIGURED"
        "the container sets credentials, region and STS endpoints itself and is left alone"
        "remove the variables from the container if the service account's role is meant"
    AlreadyInjected "ALREADY_INJECTED"
        "everything that would be added is already there"
        "nothing has to be done"
    ShadowedByStaticKeys "SHADOWED_BY_STATIC_KEYS"
        "the container sets AWS_ACCESS_KEY_ID, which every AWS SDK prefers to the role"
        "remove the static keys from the container's environment"
    MountPathTaken "MOUNT_PATH_TAKEN"
        "another volume is mounted where the token would be"
        "mount the other volume elsewhere, or change `--token-mount-path`"
    VolumeNameTaken "VOLUME_NAME_TAKEN"
        "the pod has a volume of that name that projects no matching token"
        "rename the pod's own `aws-iam-token` volume"
    PodMalformed "POD_MALFORMED"
        "a part of the pod does not have the shape that Kubernetes requires"
        "correct the field that is named; the kube-apiserver refuses the pod as it is"

    // Files.
    FileSyntaxInvalid "FILE_SYNTAX_INVALID"
        "the file is not valid YAML or JSON"
        "correct the syntax at the line and column that are named"
    DuplicateKey "DUPLICATE_KEY"
        "a key stands twice in one mapping"
        "remove one of the two"
    FileFieldInvalid "FILE_FIELD_INVALID"
        "a field has another type than the kind requires"
        "correct the field that is named; quote a value that is meant as text"
    FileFieldMissing "FILE_FIELD_MISSING"
        "a field that the kind requires is missing or empty"
        "add the field that is named"
    FileKindUnexpected "FILE_KIND_UNEXPECTED"
        "the document is of another kind than is read here"
        "take the document out of the file, or move it where its kind is read"
    FileApiVersionUnexpected "FILE_API_VERSION_UNEXPECTED"
        "the document has an apiVersion that is not supported"
        "use the apiVersion that is named"
    ProviderSpecUnknown "PROVIDER_SPEC_UNKNOWN"
        "the provider spec is of no known cloud"
        "use `kind: AWSProviderSpec` for AWS"
    NothingToDo "NOTHING_TO_DO"
        "the input holds nothing that applies here"
        "point to the directory that holds the CredentialsRequests of this release and cloud"
    DocumentEmpty "DOCUMENT_EMPTY"
        "the document holds only comments or nothing at all"
        "nothing has to be done"
    OtherCloud "OTHER_CLOUD"
        "the CredentialsRequest is for another cloud"
        "extract the requests of this cloud only, or leave the file: it is skipped"
    MarkedForDeletion "MARKED_FOR_DELETION"
        "the CredentialsRequest is marked for deletion from the cluster"
        "nothing has to be done"
    FeatureSetDisabled "FEATURE_SET_DISABLED"
        "the CredentialsRequest belongs to a feature set that is not enabled"
        "pass `--enable-tech-preview` if the cluster uses TechPreviewNoUpgrade"

    // What lint finds in files.
    IndentationLost "INDENTATION_LOST"
        "the fields of a nested mapping stand at the margin, so they belong to nothing"
        "indent the fields below their parent, with two blanks for each level"
    IndentationTab "INDENTATION_TAB"
        "a line of YAML is indented with a tab"
        "indent with blanks; YAML allows no tabs there"
    QuoteUnclosed "QUOTE_UNCLOSED"
        "a quote is opened and not closed"
        "close the quote at the end of the value"
    FileKindUnknown "FILE_KIND_UNKNOWN"
        "the content is of no kind that is checked here"
        "leave the file out, or look whether its first lines say what it is"
    FieldMisplaced "FIELD_MISPLACED"
        "a field stands where its kind does not look for it"
        "move the field to the place that is named"
    FieldUnknown "FIELD_UNKNOWN"
        "a field is not one of its kind and is ignored"
        "correct the spelling, or remove the field"
    PlaceholderLeft "PLACEHOLDER_LEFT"
        "a placeholder was not replaced"
        "put the real value where the placeholder stands"
    BadAccountId "BAD_ACCOUNT_ID"
        "the account in an ARN is not an AWS account id"
        "write the 12 digits of the account, leading zeros included"
    AccountsDiffer "ACCOUNTS_DIFFER"
        "a service account's role is in another account than the OIDC provider whose trust policy names it"
        "use the same account in the role annotation and in the trust policy"
    PolicyMalformed "POLICY_MALFORMED"
        "AWS refuses the policy document"
        "correct the element that is named"
    PolicyStatementBraces "POLICY_STATEMENT_BRACES"
        "a list of statements stands in braces instead of brackets"
        "write the statements as a list: `\"Statement\": [ { … } ]`"
    PolicyVersionInvalid "POLICY_VERSION_INVALID"
        "the policy's Version is not a version of the policy language"
        "write `\"Version\": \"2012-10-17\"`; it is not the date of your policy"
    PolicyVersionOld "POLICY_VERSION_OLD"
        "the policy uses `${…}` in a version of the language that takes it for plain text"
        "write `\"Version\": \"2012-10-17\"`"
    PolicyElementMissing "POLICY_ELEMENT_MISSING"
        "the policy lacks an element that it must have"
        "add the element that is named"
    PolicyElementUnknown "POLICY_ELEMENT_UNKNOWN"
        "the policy has an element that does not belong there"
        "correct the spelling, or remove the element"
    ConditionNotBoolean "CONDITION_NOT_BOOLEAN"
        "a condition compares a boolean with a text that is neither `true` nor `false`"
        "write `true` or `false`; AWS takes any other text for `false`"
    ActionWildcard "ACTION_WILDCARD"
        "a statement allows every action"
        "list the actions that are needed"
    ResourceWildcard "RESOURCE_WILDCARD"
        "a statement allows its actions on every resource"
        "name the ARNs that are needed, where the actions can be limited to some"
    NoAudCondition "NO_AUD_CONDITION"
        "a trust policy accepts tokens of every audience that the OIDC provider lists"
        "add a condition on <issuer without https://>:aud, such as \"sts.amazonaws.com\""
    TrustTooWide "TRUST_TOO_WIDE"
        "a trust policy lets in more than one service account or more than one account"
        "name the subject in full: system:serviceaccount:<namespace>:<name>"
    TrustRootPrincipal "TRUST_ROOT_PRINCIPAL"
        "a trust policy lets in every principal of an account that may call sts:AssumeRole"
        "name the role or the user that is meant, or add a condition"
    TrustSessionPrincipal "TRUST_SESSION_PRINCIPAL"
        "a trust policy names a session, so it breaks when the session has another name"
        "name the role instead, and the session in a condition on sts:RoleSessionName"
    TrustKeyHasScheme "TRUST_KEY_HAS_SCHEME"
        "a condition key starts with `https://`, which no key of an OIDC provider does"
        "write the key as <issuer without https://>:sub"
    TrustAudHoldsSubject "TRUST_AUD_HOLDS_SUBJECT"
        "a condition compares the audience with the name of a service account"
        "use the key <issuer without https://>:sub for the service account"
    TrustSubHoldsAudience "TRUST_SUB_HOLDS_AUDIENCE"
        "a condition compares the subject with an audience"
        "use the key <issuer without https://>:aud for the audience"
    TrustSubMalformed "TRUST_SUB_MALFORMED"
        "a condition compares the subject with a text that no service account has"
        "write the subject as system:serviceaccount:<namespace>:<name>"
    AudienceMisspelt "AUDIENCE_MISSPELT"
        "an audience looks like a well-known one and is not"
        "write the audience exactly as the token has it, such as \"sts.amazonaws.com\""
    AnnotationLookalike "ANNOTATION_LOOKALIKE"
        "an annotation looks like one of the webhook's and is not, so nothing is injected"
        "write the annotation's name exactly, such as eks.amazonaws.com/role-arn"
    AnnotationNotText "ANNOTATION_NOT_TEXT"
        "an annotation's value is not text, so the kube-apiserver refuses the object"
        "put the value in quotes"
    AnnotationWithoutEffect "ANNOTATION_WITHOUT_EFFECT"
        "an annotation of the webhook's domain has no effect on this object"
        "remove the annotation, or put it on the object where it counts"
    ProfileRoleName "PROFILE_ROLE_NAME"
        "a profile has `role_name`, which no AWS SDK reads"
        "write `role_arn =` with the ARN of the role"
    ProfileDelimiter "PROFILE_DELIMITER"
        "a setting of a profile is written with a colon, which only some AWS SDKs read"
        "write `name = value`"
    ProfileIncomplete "PROFILE_INCOMPLETE"
        "a profile lacks a setting without which the AWS SDKs cannot use it"
        "add the setting that is named"
    PemLabelMismatch "PEM_LABEL_MISMATCH"
        "a PEM block's label names another format than its body has"
        "change the label on the first and the last line of the block"
    KeyUnusable "KEY_UNUSABLE"
        "a key cannot be used as a service account signing key"
        "use an RSA key pair, as `podpass aws create-key-pair` creates it"

    // Provisioning.
    ServiceAccountsMissing "SERVICE_ACCOUNTS_MISSING"
        "the CredentialsRequest names no service account that could be trusted"
        "list at least one name under spec.serviceAccountNames"
    NotOwned "NOT_OWNED"
        "the cloud resource exists and does not carry this cluster's ownership tag"
        "choose another name, or tag the resource as owned if it really is this cluster's"
    BucketNameTaken "BUCKET_NAME_TAKEN"
        "the bucket name belongs to another account"
        "choose another `--name`; bucket names are unique across AWS"
    RoleNameCollision "ROLE_NAME_COLLISION"
        "two CredentialsRequests would share one role"
        "give the requests different secret references"
}

impl Reason {
    /// Returns why policies denied something: by which layer, or explicitly; `None` when they allowed it.
    pub fn of_verdict(verdict: Verdict) -> Option<Self> {
        match verdict {
            Verdict::Allowed => None,
            Verdict::ExplicitDeny(_) => Some(Self::ExplicitDeny),
            Verdict::ImplicitDeny(Layer::Identity) => Some(Self::PermissionDeniedIdentity),
            Verdict::ImplicitDeny(Layer::Resource) => Some(Self::PermissionDeniedResource),
            Verdict::ImplicitDeny(Layer::Boundary) => Some(Self::PermissionDeniedBoundary),
            Verdict::ImplicitDeny(Layer::Session) => Some(Self::PermissionDeniedSession),
            Verdict::ImplicitDeny(Layer::ServiceControl) => {
                Some(Self::PermissionDeniedServiceControl)
            }
            Verdict::ImplicitDeny(Layer::ResourceControl) => {
                Some(Self::PermissionDeniedResourceControl)
            }
        }
    }

    /// Returns where the reference page explains this reason, such as `docs/reasons.md#trust_sub_mismatch`.
    pub fn docs_anchor(self) -> String {
        format!("docs/reasons.md#{}", self.code().to_ascii_lowercase())
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl FromStr for Reason {
    type Err = UnknownReason;

    /// Reads a code, such as `TRUST_SUB_MISMATCH`.
    fn from_str(code: &str) -> Result<Self, UnknownReason> {
        let known = Self::ALL.iter().find(|reason| reason.code() == code);
        known.copied().ok_or_else(|| UnknownReason(code.to_owned()))
    }
}

/// A text that is no reason code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown reason code: `{0}`")]
pub struct UnknownReason(pub String);

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn codes_are_unique() {
        let codes: BTreeSet<_> = Reason::ALL.iter().map(|reason| reason.code()).collect();
        assert_eq!(codes.len(), Reason::ALL.len());
    }

    #[test]
    fn code_and_condition_are_the_same_words() {
        for reason in Reason::ALL {
            let words: String = reason
                .code()
                .split('_')
                .map(|word| {
                    let (head, tail) = word.split_at(1);
                    head.to_owned() + &tail.to_ascii_lowercase()
                })
                .collect();
            assert_eq!(words, reason.condition());
        }
    }

    #[test]
    fn hint_and_fix_are_clauses() {
        for reason in Reason::ALL {
            for text in [reason.hint(), reason.fix()] {
                assert!(!text.is_empty() && !text.ends_with('.'), "{reason}: {text}");
            }
            assert_ne!(reason.hint(), reason.fix(), "{reason}");
        }
    }

    #[test]
    fn code_reads_back() {
        for reason in Reason::ALL {
            assert_eq!(reason.code().parse(), Ok(*reason));
        }
        assert_eq!(
            "TRUST_SUB".parse::<Reason>(),
            Err(UnknownReason("TRUST_SUB".to_owned()))
        );
    }

    #[test]
    fn serialises_as_its_code() {
        let json = serde_json::to_string(&Reason::TrustSubMismatch).unwrap();
        assert_eq!(json, r#""TRUST_SUB_MISMATCH""#);
    }

    #[test]
    fn docs_anchor_is_the_code_in_lower_case() {
        assert_eq!(
            Reason::TrustSubMismatch.docs_anchor(),
            "docs/reasons.md#trust_sub_mismatch"
        );
    }
}
