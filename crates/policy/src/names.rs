//! Names of IAM things, each with the rule AWS puts on it.
//!
//! The rules are those of the IAM and STS API models (`[\w+=,.@-]+` and lengths); AWS's `\w` is ASCII here.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use thiserror::Error;

/// A text that breaks the rule for a name or path.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{value}` is not a valid {what}: it must be {rule}")]
pub struct InvalidName {
    /// What the text should have been, such as `role name`.
    pub what: &'static str,
    /// The text that was refused.
    pub value: String,
    /// The rule that it breaks, in words.
    pub rule: &'static str,
}

macro_rules! name {
    ($(#[$doc:meta])* $type:ident, $what:literal, $rule:literal, $valid:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $type(String);

        impl $type {
            /// The text, as it was written.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $type {
            type Err = InvalidName;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let valid: fn(&str) -> bool = $valid;
                if valid(text) {
                    Ok(Self(text.to_owned()))
                } else {
                    Err(InvalidName { what: $what, value: text.to_owned(), rule: $rule })
                }
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
            }
        }
    };
}

name!(
    /// The name of an IAM role, without its path.
    RoleName,
    "role name",
    "1 to 64 letters, digits or characters of `_+=,.@-`",
    |text| is_word(text, 1, 64)
);
name!(
    /// The name of an IAM user, without its path.
    UserName,
    "user name",
    "1 to 64 letters, digits or characters of `_+=,.@-`",
    |text| is_word(text, 1, 64)
);
name!(
    /// The name of an inline or managed policy.
    PolicyName,
    "policy name",
    "1 to 128 letters, digits or characters of `_+=,.@-`",
    |text| is_word(text, 1, 128)
);
name!(
    /// The name that a caller gives to a role session.
    SessionName,
    "role session name",
    "2 to 64 letters, digits or characters of `_+=,.@-`",
    |text| is_word(text, 2, 64)
);
name!(
    /// The path of a role or user: `/` or `/…/`.
    ///
    /// `//` alone is refused, an empty part inside (`/a//b/`) is accepted, as AWS does.
    Path,
    "path",
    "`/`, or 3 to 512 printable ASCII characters without blanks that start and end with `/`",
    |text| {
        text == "/"
            || ((3..=512).contains(&text.len())
                && text.starts_with('/')
                && text.ends_with('/')
                && text.bytes().all(|byte| byte.is_ascii_graphic()))
    }
);
name!(
    /// The path of a managed policy: `/` or `/…/`, narrower than [`Path`].
    PolicyPath,
    "policy path",
    "`/`, or up to 512 characters in parts of letters, digits or `.,+@=_-`, each followed by `/`",
    |text| {
        text == "/"
            || (text.len() <= 512
                && text
                    .strip_prefix('/')
                    .and_then(|rest| rest.strip_suffix('/'))
                    .is_some_and(|inner| inner.split('/').all(|part| is_word(part, 1, 512))))
    }
);

impl Path {
    /// The path `/`.
    pub fn root() -> Self {
        Self("/".to_owned())
    }
}

impl PolicyPath {
    /// The path `/`.
    pub fn root() -> Self {
        Self("/".to_owned())
    }
}

fn is_word(text: &str, min: usize, max: usize) -> bool {
    (min..=max).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_to_length_and_characters() {
        let long = |count: usize| "a".repeat(count);
        for (text, role, policy, session) in [
            ("", false, false, false),
            ("a", true, true, false),
            ("my_role+=,.@-9", true, true, true),
            ("with space", false, false, false),
            ("with/slash", false, false, false),
            ("größe", false, false, false),
            (&long(64), true, true, true),
            (&long(65), false, true, false),
            (&long(128), false, true, false),
            (&long(129), false, false, false),
        ] {
            assert_eq!(text.parse::<RoleName>().is_ok(), role, "role {text}");
            assert_eq!(text.parse::<UserName>().is_ok(), role, "user {text}");
            assert_eq!(text.parse::<PolicyName>().is_ok(), policy, "policy {text}");
            assert_eq!(
                text.parse::<SessionName>().is_ok(),
                session,
                "session {text}"
            );
        }
    }

    #[test]
    fn paths_start_and_end_with_a_slash() {
        for (text, path, policy_path) in [
            ("/", true, true),
            ("/a/", true, true),
            ("/a/b/", true, true),
            ("//", false, false),
            ("/a//b/", true, false),
            ("/a!b/", true, false),
            ("a/", false, false),
            ("/a", false, false),
            ("", false, false),
            ("/a b/", false, false),
            ("/\u{7f}/", false, false),
        ] {
            assert_eq!(text.parse::<Path>().is_ok(), path, "{text}");
            assert_eq!(text.parse::<PolicyPath>().is_ok(), policy_path, "{text}");
        }
    }

    #[test]
    fn the_error_names_value_and_rule() {
        let error = "a b".parse::<RoleName>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "`a b` is not a valid role name: it must be 1 to 64 letters, digits or characters of `_+=,.@-`"
        );
    }
}
