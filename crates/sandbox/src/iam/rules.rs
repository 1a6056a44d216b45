//! The constraints and quotas of IAM's parameters.

use crate::query::{Constraint, Pattern};

/// Names of new roles and users.
pub(crate) const NEW_NAME: Constraint = Constraint::name(64);

/// Names of existing things, of groups, of policies, and of inline policies.
pub(crate) const NAME: Constraint = Constraint::name(128);

/// Paths of roles, users and groups.
pub(crate) const PATH: Constraint = Constraint {
    min: 1,
    max: 512,
    pattern: Some(Pattern {
        cited: "(\\u002F)|(\\u002F[\\u0021-\\u007E]+\\u002F)",
        holds: is_path,
    }),
};

/// Paths of managed policies.
pub(crate) const POLICY_PATH: Constraint = Constraint {
    min: 1,
    max: 512,
    pattern: Some(Pattern {
        cited: "((/[A-Za-z0-9\\.,\\+@=_-]+)*)/",
        holds: is_policy_path,
    }),
};

/// Prefixes of paths in `List*`.
pub(crate) const PATH_PREFIX: Constraint = Constraint {
    min: 1,
    max: 512,
    pattern: Some(Pattern {
        cited: "\\u002F[\\u0021-\\u007F]*",
        holds: is_path_prefix,
    }),
};

/// Policy documents.
pub(crate) const DOCUMENT: Constraint = Constraint {
    min: 1,
    max: 131_072,
    pattern: Some(Pattern {
        cited: r"[\u0009\u000A\u000D\u0020-\u00FF]+",
        holds: is_document,
    }),
};

/// Any ARN.
pub(crate) const ARN: Constraint = Constraint::length(20, 2048);

/// Descriptions of roles and policies.
pub(crate) const DESCRIPTION: Constraint = Constraint::length(0, 1000);

/// URLs of OIDC providers.
pub(crate) const URL: Constraint = Constraint::length(1, 255);

/// Client ids of OIDC providers.
pub(crate) const CLIENT_ID: Constraint = Constraint::length(1, 255);

/// Certificate thumbprints of OIDC providers.
pub(crate) const THUMBPRINT: Constraint = Constraint::length(40, 40);

/// Access key ids.
pub(crate) const ACCESS_KEY_ID: Constraint = Constraint {
    min: 3,
    max: 128,
    pattern: Some(Pattern {
        cited: r"[\w]+",
        holds: is_word,
    }),
};

/// Policy version ids such as `v1`.
pub(crate) const VERSION_ID: Constraint = Constraint {
    min: 1,
    max: 24,
    pattern: Some(Pattern {
        cited: r"v[1-9][0-9]*(\.[A-Za-z0-9-]*)?",
        holds: is_version_id,
    }),
};

/// Seconds of `MaxSessionDuration`.
pub(crate) const MAX_SESSION: std::ops::RangeInclusive<i64> = 3600..=43_200;

/// Default quotas of an account.
pub(crate) mod quota {
    pub(crate) const ROLES: usize = 1000;
    pub(crate) const INSTANCE_PROFILES: usize = 1000;
    pub(crate) const USERS: usize = 5000;
    pub(crate) const GROUPS: usize = 300;
    pub(crate) const GROUPS_PER_USER: usize = 10;
    pub(crate) const POLICIES: usize = 1500;
    pub(crate) const OIDC_PROVIDERS: usize = 100;
    pub(crate) const CLIENT_IDS: usize = 100;
    pub(crate) const THUMBPRINTS: usize = 5;
    pub(crate) const ACCESS_KEYS_PER_USER: usize = 2;
    pub(crate) const ATTACHED_POLICIES: usize = 10;
    pub(crate) const POLICY_VERSIONS: usize = 5;
    /// Characters without white space.
    pub(crate) const TRUST_POLICY: usize = 2048;
    pub(crate) const MANAGED_POLICY: usize = 6144;
    pub(crate) const INLINE_OF_ROLE: usize = 10_240;
    pub(crate) const INLINE_OF_USER: usize = 2048;
    pub(crate) const INLINE_OF_GROUP: usize = 5120;
}

fn is_path(text: &str) -> bool {
    text.parse::<podpass_policy::Path>().is_ok()
}

fn is_policy_path(text: &str) -> bool {
    text.parse::<podpass_policy::PolicyPath>().is_ok()
}

fn is_path_prefix(text: &str) -> bool {
    text.starts_with('/') && text.bytes().all(|byte| byte.is_ascii_graphic())
}

fn is_document(text: &str) -> bool {
    text.chars()
        .all(|character| matches!(character, '\t' | '\n' | '\r' | '\u{20}'..='\u{ff}'))
}

fn is_word(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn is_version_id(text: &str) -> bool {
    text.strip_prefix('v').is_some_and(|number| {
        !number.starts_with('0')
            && !number.is_empty()
            && number.bytes().all(|byte| byte.is_ascii_digit())
    })
}
