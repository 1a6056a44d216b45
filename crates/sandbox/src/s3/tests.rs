//! Tests of whole requests: what is asked of the authoriser, what is stored, what is answered.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response};
use jiff::Timestamp;
use podpass_policy::{
    AccountId, Attached, Context, Document, DocumentKind, Policies, Principal, Request,
    ResourceRule, decide,
};

use super::{Authorizer, Buckets, S3Request, Served, serve};

mod access;
mod actions;
mod buckets;
mod copies;
mod integrity;
mod listing;
mod multipart;
mod objects;
mod tags;

const OWNER: &str = "123456789012";
const STRANGER: &str = "210987654321";

/// Buckets under test, and the time they live in.
struct Server {
    buckets: Buckets,
    now: Timestamp,
}

/// A request in the making.
struct Ask(S3Request);

/// A caller whose answers are scripted: everything is allowed but the listed actions.
struct Scripted {
    principal: Principal,
    denied: Vec<&'static str>,
    asked: Vec<(String, String, Context)>,
}

/// A caller whose policies are evaluated.
struct Evaluated {
    principal: Principal,
    identity: Vec<Document>,
}

/// An answer, taken apart.
#[derive(Debug)]
struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Bytes,
}

// === impl Server ===

impl Server {
    /// A server with the bucket `docs` of [`OWNER`] in us-east-1.
    fn new() -> Self {
        let mut server = Self {
            buckets: Buckets::default(),
            now: "2026-11-20T10:00:00.5Z".parse().unwrap(),
        };
        assert_eq!(server.send(ask("PUT", "/docs")).status, 200);
        server
    }

    /// Sends as an administrator of the owner.
    fn send(&mut self, ask: Ask) -> Answer {
        self.send_as(ask, &mut Scripted::new(user(OWNER)))
    }

    fn send_as(&mut self, ask: Ask, caller: &mut dyn Authorizer) -> Answer {
        let Ask(request) = ask;
        match serve(&self.buckets, &request, caller, self.now) {
            Served::Answered(response) => response,
            Served::Pending(change) => {
                let served = change.serve(&mut self.buckets, &request, caller, self.now);
                served.unwrap_or_else(|error| super::refuse(error, &request, self.now))
            }
        }
        .into()
    }

    fn send_anonymously(&mut self, ask: Ask) -> Answer {
        let mut caller = Evaluated {
            principal: Principal::Anonymous,
            identity: Vec::new(),
        };
        self.send_as(ask, &mut caller)
    }

    /// Puts an object and expects it to be taken.
    fn put(&mut self, path: &str, body: &'static [u8]) {
        assert_eq!(self.send(ask("PUT", path).body(body)).status, 200, "{path}");
    }
}

// === impl Ask ===

/// A request for a path in path style, `/bucket/key?name=value&name`, nothing of it encoded.
fn ask(method: &str, path: &str) -> Ask {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let (bucket, key) = match path.trim_start_matches('/').split_once('/') {
        Some((bucket, key)) => (bucket, key),
        None => (path.trim_start_matches('/'), ""),
    };
    let named = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    Ask(S3Request {
        method: method.parse().unwrap(),
        bucket: named(bucket),
        key: named(key),
        query: query
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| match pair.split_once('=') {
                Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
                None => (pair.to_owned(), None),
            })
            .collect(),
        headers: HeaderMap::new(),
        body: Bytes::new(),
        region: "us-east-1".to_owned(),
        request_id: "4442587FB7D0A2F9".to_owned(),
    })
}

impl Ask {
    fn header(mut self, name: &str, value: &str) -> Self {
        self.0.headers.insert(
            name.parse::<HeaderName>().unwrap(),
            HeaderValue::from_bytes(value.as_bytes()).unwrap(),
        );
        self
    }

    fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.0.body = body.into();
        self
    }

    fn region(mut self, region: &str) -> Self {
        region.clone_into(&mut self.0.region);
        self
    }
}

// === impl Answer ===

impl From<Response<Bytes>> for Answer {
    fn from(response: Response<Bytes>) -> Self {
        let (parts, body) = response.into_parts();
        Self {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body,
        }
    }
}

impl Answer {
    fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// The texts of all elements of that name, escapes and all.
    fn all(&self, element: &str) -> Vec<&str> {
        let (open, close) = (format!("<{element}>"), format!("</{element}>"));
        self.text()
            .split(&open)
            .skip(1)
            .filter_map(|rest| Some(rest.split_once(&close)?.0))
            .collect()
    }

    /// The text of the only element of that name.
    fn one(&self, element: &str) -> &str {
        match self.all(element)[..] {
            [text] => text,
            _ => panic!("not exactly one {element} in {}", self.text()),
        }
    }

    /// Status and error code.
    fn error(&self) -> (u16, &str) {
        (self.status, self.one("Code"))
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

// === impl Authorizer ===

impl Scripted {
    fn new(principal: Principal) -> Self {
        Self {
            principal,
            denied: Vec::new(),
            asked: Vec::new(),
        }
    }

    fn denying(denied: &[&'static str]) -> Self {
        Self {
            denied: denied.to_vec(),
            ..Self::new(user(OWNER))
        }
    }

    /// The actions and resources asked about, in order.
    fn questions(&self) -> Vec<(&str, &str)> {
        self.asked
            .iter()
            .map(|(action, resource, _)| (action.as_str(), resource.as_str()))
            .collect()
    }
}

impl Authorizer for Scripted {
    fn principal(&self) -> &Principal {
        &self.principal
    }

    fn authorize(
        &mut self,
        action: &str,
        resource: &str,
        context: Context,
        _: Option<&Document>,
        _: &AccountId,
    ) -> Result<(), String> {
        self.asked
            .push((action.to_owned(), resource.to_owned(), context));
        if self.denied.contains(&action) || self.denied == ["*"] {
            return Err(format!("{action} is denied"));
        }
        Ok(())
    }
}

impl Evaluated {
    fn new(principal: Principal, policies: &[&str]) -> Self {
        Self {
            principal,
            identity: policies
                .iter()
                .map(|text| Document::parse(text, DocumentKind::Permissions).unwrap())
                .collect(),
        }
    }
}

impl Authorizer for Evaluated {
    fn principal(&self) -> &Principal {
        &self.principal
    }

    fn authorize(
        &mut self,
        action: &str,
        resource: &str,
        context: Context,
        bucket_policy: Option<&Document>,
        bucket_owner: &AccountId,
    ) -> Result<(), String> {
        let attached = |document| Attached {
            source: "policy",
            document,
        };
        let request = Request {
            principal: &self.principal,
            action,
            resource,
            context: &context,
        };
        let policies = Policies {
            identity: self.identity.iter().map(attached).collect(),
            resource: bucket_policy.map(attached),
            resource_account: Some(bucket_owner),
            rule: ResourceRule::Ordinary,
            ..Policies::default()
        };
        if decide(&request, &policies).is_allowed() {
            Ok(())
        } else {
            Err("Access Denied".to_owned())
        }
    }
}

fn user(account: &str) -> Principal {
    Principal::User {
        arn: format!("arn:aws:iam::{account}:user/admin")
            .parse()
            .unwrap(),
    }
}
