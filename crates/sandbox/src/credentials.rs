//! From a request's signature to the caller it proves.

use std::sync::{PoisonError, RwLock};

use http::HeaderMap;
use http::header::AUTHORIZATION;
use jiff::{SignedDuration, Timestamp};
use podpass_policy::UserName;

use crate::caller::Caller;
use crate::faults::Accounts;
use crate::host::HostName;
use crate::iam::store::{AccessKey, Account, KeyStatus};
use crate::received::Received;
use crate::session::{Seal, Session};
use crate::settings::Secret;
use crate::sigv4::{Authorization, Dialect, Expected, SignatureError, SignedRequest, is_presigned};
use crate::state::{State, access_key};

/// What verification needs besides the request.
#[derive(Debug)]
pub(crate) struct Verifier<'a> {
    /// Locked only while the credentials are looked up: hashing a large body would keep everybody else out.
    pub(crate) state: &'a RwLock<State>,
    /// The accounts of a while ago, when changes are seen late.
    pub(crate) past: Option<Accounts>,
    pub(crate) seal: &'a Seal,
    /// The sandbox's time, by which sessions end.
    pub(crate) now: Timestamp,
    /// The system's time, by which clients date their signatures.
    pub(crate) wall_clock: Timestamp,
}

/// A caller whose signature has been verified, and the region it signed for.
#[derive(Debug)]
pub(crate) struct Verified {
    pub(crate) caller: Caller,
    pub(crate) region: String,
    /// How long ago a presigned request was signed.
    pub(crate) presigned_age: Option<SignedDuration>,
}

/// A secret and who holds it.
struct Credentials {
    secret: Secret,
    caller: Caller,
}

impl Verifier<'_> {
    /// Verifies the signature of a request.
    pub(crate) fn verify(
        &self,
        request: &Received,
        authorization: &Authorization,
        dialect: Dialect,
    ) -> Result<Verified, SignatureError> {
        let signed = SignedRequest {
            method: request.method.as_str(),
            path: &request.path,
            query: &request.query,
            headers: &request.headers,
            body: &request.body,
            authorization,
            dialect,
        };
        let is_presigned = authorization.presigned.is_some();
        let checked = || {
            let time = signed.check_scope(&expected(request.host()))?;
            let credentials = self.find(authorization, &request.headers)?;
            signed.check_signature(credentials.secret.expose(), &time, self.wall_clock)?;
            Ok((credentials.caller, time.age(self.wall_clock)))
        };
        let (caller, age) = checked().map_err(|error: SignatureError| {
            if is_presigned {
                error.in_query()
            } else {
                error
            }
        })?;
        Ok(Verified {
            caller,
            region: authorization.scope.region.clone(),
            presigned_age: is_presigned.then_some(age),
        })
    }

    fn find(
        &self,
        authorization: &Authorization,
        headers: &HeaderMap,
    ) -> Result<Credentials, SignatureError> {
        let key_id = authorization.access_key_id.as_str();
        let in_query = authorization.presigned.as_ref();
        let in_header = headers.get("x-amz-security-token");
        let token = in_query
            .and_then(|presigned| presigned.token.as_deref())
            .or_else(|| in_header.map(|value| value.to_str().unwrap_or_default()));
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let accounts = self.past.as_ref().unwrap_or(&state.accounts);
        match access_key(accounts, key_id) {
            Some((account, key)) => match token {
                None => of_key(account, key),
                // A long-term key has no session, so a token with it is somebody else's.
                Some(_) => Err(SignatureError::InvalidToken),
            },
            None => match token {
                Some(token) => self.of_token(accounts, key_id, token),
                None if key_id.starts_with("ASIA") => Err(SignatureError::MissingToken {
                    id: key_id.to_owned(),
                }),
                None => Err(SignatureError::UnknownKey {
                    id: key_id.to_owned(),
                }),
            },
        }
    }

    fn of_token(
        &self,
        accounts: &Accounts,
        key_id: &str,
        token: &str,
    ) -> Result<Credentials, SignatureError> {
        let session: Session = self
            .seal
            .open(token)
            .map_err(|_| SignatureError::InvalidToken)?;
        if session.access_key_id != key_id {
            return Err(SignatureError::InvalidToken);
        }
        if session.expires_at <= self.now {
            return Err(SignatureError::ExpiredToken);
        }
        // A role or user that was deleted takes its sessions with it.
        let secret = session.secret.clone();
        let caller = accounts
            .get(session.holder.account())
            .and_then(|account| Caller::of_session(session, account))
            .ok_or(SignatureError::InvalidToken)?;
        Ok(Credentials { secret, caller })
    }
}

/// What the request says about its signature, in its header or in its query.
pub(crate) fn read_authorization(
    request: &Received,
    dialect: Dialect,
) -> Result<Authorization, SignatureError> {
    let count = request.headers.get_all(AUTHORIZATION).iter().count();
    let presigned = is_presigned(&request.query);
    let Some(header) = request.authorization() else {
        if !presigned? {
            return Err(SignatureError::Missing);
        }
        return Authorization::parse_query(&request.query, dialect)
            .map_err(SignatureError::in_query);
    };
    if count > 1 || presigned != Ok(false) {
        return Err(SignatureError::Several);
    }
    Authorization::parse(&header)
}

fn of_key(account: &Account, key: &AccessKey) -> Result<Credentials, SignatureError> {
    if key.status == KeyStatus::Inactive {
        return Err(SignatureError::InactiveKey { id: key.id.clone() });
    }
    let name: &UserName = &key.user;
    let unknown = || SignatureError::UnknownKey { id: key.id.clone() };
    let user = account.users.find(name.as_str()).ok_or_else(unknown)?;
    let caller = Caller::of_user(account, user);
    Ok(Credentials {
        secret: key.secret.clone(),
        caller,
    })
}

/// IAM's endpoint has no region in its name, and the global names of STS and S3 accept any.
fn expected(host: HostName) -> Expected {
    Expected {
        service: host.service,
        region: host.region,
    }
}
