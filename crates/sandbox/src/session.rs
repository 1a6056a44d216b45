//! Sessions of temporary credentials, sealed into their own tokens: whoever brings the token brings the session, so there is no table of
//! sessions and nothing to forget.

use std::borrow::Cow;
use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::Timestamp;
use podpass_policy::{AccountId, Arn, Context, ContextValue, RoleArn, SessionName};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::random::{self, RandomFailure};
use crate::settings::Secret;

/// A session of temporary credentials.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Session {
    /// `ASIA…`.
    pub(crate) access_key_id: String,
    pub(crate) secret: Secret,
    pub(crate) holder: SessionHolder,
    pub(crate) issued_at: Timestamp,
    pub(crate) expires_at: Timestamp,
    /// The session policy as it was sent.
    pub(crate) policy: Option<String>,
    /// The ARNs of managed session policies.
    pub(crate) policy_arns: Vec<String>,
    /// The session tags that stay through role chaining.
    pub(crate) transitive_tags: Vec<(String, String)>,
    /// The keys that every request of the session carries: provider, subject, audience, session tags.
    pub(crate) context: Context,
}

/// Whose session it is. Unique ids are those of the time when it began: whoever has the name later has another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SessionHolder {
    /// A role, from `AssumeRole` or `AssumeRoleWithWebIdentity`.
    Role {
        role: RoleArn,
        /// `AROA…`.
        role_id: String,
        name: SessionName,
    },
    /// A user, from `GetSessionToken`.
    User {
        account: AccountId,
        /// `AIDA…`.
        user_id: String,
    },
    /// A federated user, from `GetFederationToken`, within what the user may do who vouched for it.
    FederatedUser {
        account: AccountId,
        /// `AIDA…` of the user who called.
        user_id: String,
        /// `arn:…:sts::ACCOUNT:federated-user/NAME`.
        arn: Arn,
    },
}

/// The key that seals sessions and other texts for their purpose; each sandbox has its own.
pub(crate) struct Seal {
    key: RandomizedNonceKey,
}

/// The token is not one that this sandbox sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a session token of this sandbox")]
pub(crate) struct InvalidSessionToken;

/// What the token holds, in plain types.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sealed<'a> {
    access_key_id: Cow<'a, str>,
    secret: Cow<'a, str>,
    holder: SealedHolder<'a>,
    issued_at: Timestamp,
    expires_at: Timestamp,
    policy: Option<Cow<'a, str>>,
    policy_arns: Cow<'a, [String]>,
    transitive_tags: Cow<'a, [(String, String)]>,
    single: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    multiple: Vec<(Cow<'a, str>, Cow<'a, [String]>)>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
enum SealedHolder<'a> {
    Role {
        role: Cow<'a, str>,
        role_id: Cow<'a, str>,
        name: Cow<'a, str>,
    },
    User {
        account: Cow<'a, str>,
        user_id: Cow<'a, str>,
    },
    FederatedUser {
        account: Cow<'a, str>,
        user_id: Cow<'a, str>,
        arn: Cow<'a, str>,
    },
}

impl SessionHolder {
    /// The account that the session belongs to.
    pub(crate) fn account(&self) -> &AccountId {
        match self {
            Self::Role { role, .. } => role.account(),
            Self::User { account, .. } | Self::FederatedUser { account, .. } => account,
        }
    }
}

impl Seal {
    /// Makes a seal of a random key.
    pub(crate) fn random() -> Result<Self, RandomFailure> {
        Self::of_key(&Zeroizing::new(random::bytes()?))
    }

    /// Makes the seal of a key, which opens what an earlier seal of that key has closed.
    pub(crate) fn of_key(key: &[u8; 32]) -> Result<Self, RandomFailure> {
        let key = RandomizedNonceKey::new(&AES_256_GCM, key).map_err(|_| RandomFailure)?;
        Ok(Self { key })
    }

    /// Makes the session token of a session.
    pub(crate) fn close(&self, session: &Session) -> Result<Secret, RandomFailure> {
        // Grown from nothing, it would leave copies of the secret behind.
        let mut token = Vec::with_capacity(USUAL);
        token.extend_from_slice(HEADER);
        token.extend_from_slice(&[0; NONCE_LEN]);
        serde_json::to_writer(&mut token, &Sealed::of(session)).map_err(|_| RandomFailure)?;
        self.seal(HEADER, HEADER.len(), &mut token)?;
        Ok(Secret::new(STANDARD.encode(token)))
    }

    /// Reads a session back from its token.
    pub(crate) fn open(&self, token: &str) -> Result<Session, InvalidSessionToken> {
        let bytes = STANDARD.decode(token).map_err(|_| InvalidSessionToken)?;
        let rest = bytes.strip_prefix(HEADER).ok_or(InvalidSessionToken)?;
        let plain = self.unseal(HEADER, rest).ok_or(InvalidSessionToken)?;
        let sealed: Sealed = serde_json::from_slice(&plain).map_err(|_| InvalidSessionToken)?;
        sealed.session().ok_or(InvalidSessionToken)
    }

    /// Seals bytes into a text that opens for the same purpose alone.
    pub(crate) fn close_text(&self, purpose: &str, plain: &[u8]) -> Result<String, RandomFailure> {
        let mut text = [&[0; NONCE_LEN][..], plain].concat();
        self.seal(purpose.as_bytes(), 0, &mut text)?;
        Ok(URL_SAFE_NO_PAD.encode(text))
    }

    /// Reads what [`Seal::close_text`] has sealed for that purpose; `None` when it has not.
    pub(crate) fn open_text(&self, purpose: &str, text: &str) -> Option<Vec<u8>> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let plain = self.unseal(purpose.as_bytes(), &bytes)?;
        Some(plain.to_vec())
    }

    /// Seals in place what stands behind a header and the room for the nonce.
    fn seal(
        &self,
        purpose: &[u8],
        header: usize,
        bytes: &mut Vec<u8>,
    ) -> Result<(), RandomFailure> {
        let (head, plain) = bytes.split_at_mut(header + NONCE_LEN);
        let (nonce, tag) = self
            .key
            .seal_in_place_separate_tag(Aad::from(purpose), plain)
            .map_err(|_| RandomFailure)?;
        head[header..].copy_from_slice(nonce.as_ref());
        bytes.extend_from_slice(tag.as_ref());
        Ok(())
    }

    /// Opens a nonce and what follows it.
    fn unseal(&self, purpose: &[u8], bytes: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (nonce, sealed) = bytes.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut plain = Zeroizing::new(sealed.to_vec());
        let length = self
            .key
            .open_in_place(nonce, Aad::from(purpose), &mut plain)
            .ok()?
            .len();
        plain.truncate(length);
        Some(plain)
    }
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seal([redacted])")
    }
}

impl<'a> Sealed<'a> {
    fn of(session: &'a Session) -> Self {
        let (mut single, mut multiple) = (Vec::new(), Vec::new());
        for (key, value) in session.context.iter() {
            let key = Cow::Borrowed(key);
            match value {
                ContextValue::One(value) => single.push((key, value.into())),
                ContextValue::Many(values) => multiple.push((key, values.into())),
            }
        }
        Self {
            access_key_id: (&session.access_key_id).into(),
            secret: session.secret.expose().into(),
            holder: SealedHolder::of(&session.holder),
            issued_at: session.issued_at,
            expires_at: session.expires_at,
            policy: session.policy.as_ref().map(Cow::from),
            policy_arns: (&session.policy_arns).into(),
            transitive_tags: (&session.transitive_tags).into(),
            single,
            multiple,
        }
    }

    fn session(self) -> Option<Session> {
        let single = self.single.into_iter();
        let multiple = self.multiple.into_iter();
        let mut context: Context = single
            .map(|(key, value)| (key.into_owned(), value.into_owned()))
            .collect();
        context.extend(multiple.map(|(key, values)| (key.into_owned(), values.into_owned())));
        Some(Session {
            access_key_id: self.access_key_id.into_owned(),
            secret: Secret::new(self.secret.into_owned()),
            holder: self.holder.holder()?,
            issued_at: self.issued_at,
            expires_at: self.expires_at,
            policy: self.policy.map(Cow::into_owned),
            policy_arns: self.policy_arns.into_owned(),
            transitive_tags: self.transitive_tags.into_owned(),
            context,
        })
    }
}

impl<'a> SealedHolder<'a> {
    fn of(holder: &'a SessionHolder) -> Self {
        match holder {
            SessionHolder::Role {
                role,
                role_id,
                name,
            } => Self::Role {
                role: role.as_str().into(),
                role_id: role_id.into(),
                name: name.as_str().into(),
            },
            SessionHolder::User { account, user_id } => Self::User {
                account: account.as_str().into(),
                user_id: user_id.into(),
            },
            SessionHolder::FederatedUser {
                account,
                user_id,
                arn,
            } => Self::FederatedUser {
                account: account.as_str().into(),
                user_id: user_id.into(),
                arn: arn.as_str().into(),
            },
        }
    }

    fn holder(self) -> Option<SessionHolder> {
        Some(match self {
            Self::Role {
                role,
                role_id,
                name,
            } => SessionHolder::Role {
                role: role.parse().ok()?,
                role_id: role_id.into_owned(),
                name: name.parse().ok()?,
            },
            Self::User { account, user_id } => SessionHolder::User {
                account: account.parse().ok()?,
                user_id: user_id.into_owned(),
            },
            Self::FederatedUser {
                account,
                user_id,
                arn,
            } => SessionHolder::FederatedUser {
                account: account.parse().ok()?,
                user_id: user_id.into_owned(),
                arn: arn.parse().ok()?,
            },
        })
    }
}

/// Bytes: what most sessions take.
const USUAL: usize = 2_000;
/// Nine bytes that make every token start as AWS's do, with `IQoJb3JpZ2lu`.
const HEADER: &[u8] = b"\x21\x0a\x09origin";

#[cfg(test)]
mod tests {
    use super::*;

    fn session(holder: SessionHolder) -> Session {
        let mut context = Context::new();
        context.insert(
            "aws:FederatedProvider",
            "arn:aws:iam::123456789012:oidc-provider/issuer.example",
        );
        context.insert("issuer.example:amr", vec!["a".to_owned(), "b".to_owned()]);
        Session {
            access_key_id: "ASIARZPUZDIKAAAAAAAA".into(),
            secret: Secret::new("s".repeat(40)),
            holder,
            issued_at: "2026-11-23T10:00:00Z".parse().unwrap(),
            expires_at: "2026-11-23T11:00:00Z".parse().unwrap(),
            policy: Some("{}".into()),
            policy_arns: vec!["arn:aws:iam::aws:policy/AdministratorAccess".into()],
            transitive_tags: vec![("team".into(), "a".into())],
            context,
        }
    }

    fn of_role() -> Session {
        session(SessionHolder::Role {
            role: "arn:aws:iam::123456789012:role/a/b/reader".parse().unwrap(),
            role_id: "AROARZPUZDIKAAAAAAAAA".into(),
            name: "pod".parse().unwrap(),
        })
    }

    #[test]
    fn a_session_comes_back_from_its_token() {
        let seal = Seal::random().unwrap();
        let account = || "123456789012".parse().unwrap();
        let of_user = session(SessionHolder::User {
            account: account(),
            user_id: "AIDARZPUZDIKAAAAAAAAA".into(),
        });
        let of_federated_user = session(SessionHolder::FederatedUser {
            account: account(),
            user_id: "AIDARZPUZDIKAAAAAAAAA".into(),
            arn: "arn:aws:sts::123456789012:federated-user/bob"
                .parse()
                .unwrap(),
        });
        for session in [of_role(), of_user, of_federated_user] {
            let token = seal.close(&session).unwrap();
            assert!(token.expose().starts_with("IQoJb3JpZ2lu") && token.expose().len() >= 300);
            assert_eq!(seal.open(token.expose()), Ok(session));
        }
    }

    #[test]
    fn refuses_tokens_that_were_changed_or_sealed_elsewhere() {
        let seal = Seal::random().unwrap();
        let token = seal.close(&of_role()).unwrap();
        let bytes = STANDARD.decode(token.expose()).unwrap();
        for place in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[place] ^= 1;
            assert_eq!(
                seal.open(&STANDARD.encode(changed)),
                Err(InvalidSessionToken),
                "byte {place}"
            );
        }
        let elsewhere = Seal::random().unwrap();
        for (case, text) in [
            ("sealed elsewhere", token.expose()),
            ("empty", ""),
            ("short", "IQoJb3JpZ2lu"),
            ("text", "?"),
        ] {
            assert_eq!(elsewhere.open(text), Err(InvalidSessionToken), "{case}");
        }
    }

    #[test]
    fn a_text_opens_for_its_purpose_and_is_no_session() {
        let seal = Seal::random().unwrap();
        let text = seal.close_text("a", b"plain").unwrap();
        assert_eq!(seal.open_text("a", &text).as_deref(), Some(&b"plain"[..]));
        let token = seal.close(&of_role()).unwrap();
        let bytes = STANDARD.decode(token.expose()).unwrap();
        let token_as_text = URL_SAFE_NO_PAD.encode(&bytes[HEADER.len()..]);
        for (case, purpose, text) in [
            ("another purpose", "b", text.as_str()),
            ("a session", "a", token.expose()),
            ("a session's content", "a", &token_as_text),
            ("cut", "a", &text[..text.len() - 4]),
            ("short", "a", "AAAA"),
            ("no Base64", "a", "?"),
        ] {
            assert_eq!(seal.open_text(purpose, text), None, "{case}");
        }
        let as_token = URL_SAFE_NO_PAD.decode(&text).unwrap();
        let as_token = STANDARD.encode([HEADER, &as_token].concat());
        assert_eq!(seal.open(&as_token), Err(InvalidSessionToken));
        let elsewhere = Seal::random().unwrap();
        assert_eq!(elsewhere.open_text("a", &text), None);
    }

    #[test]
    fn equal_sessions_have_different_tokens() {
        let seal = Seal::random().unwrap();
        assert_ne!(
            seal.close(&of_role()).unwrap(),
            seal.close(&of_role()).unwrap()
        );
    }
}
