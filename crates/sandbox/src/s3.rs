//! The part of S3 that issuers, `ccoctl` and `aws s3` use: buckets, objects, their policies and tags.
//!
//! [`serve`] answers one request against [`Buckets`], which live in memory; what changes them is a [`Change`], for
//! which the listener takes them exclusively. Who is calling and whether their own
//! policies allow the call is the [`Authorizer`]'s business; the bucket's side (its policy document, Block Public
//! Access, object ownership) is decided from the bucket here, so an anonymous read by a workload and the read of an
//! issuer's documents by STS ([`Buckets::read_anonymously`]) take the same road.

use bytes::Bytes;
use http::{HeaderMap, Method, Response};
use jiff::Timestamp;
use podpass_policy::{AccountId, Context, Document, Principal};

mod access;
mod acl;
mod bucket;
mod checksum;
mod condition;
mod configuration;
mod copy;
mod error;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod kept;
mod list;
mod multipart;
mod name;
mod object;
mod operation;
mod payload;
mod range;
mod reply;
mod store;
mod tagging;
#[cfg(test)]
mod tests;
mod unset;
mod upload;
mod xml;

pub(crate) use error::S3Error;
pub(crate) use operation::Operation;
use operation::Work;
pub(crate) use reply::host_id;
pub(crate) use store::Buckets;

/// One S3 request after routing: the bucket is known whether it came in the path or in the host name.
#[derive(Clone, Debug)]
pub(crate) struct S3Request {
    /// The HTTP method.
    pub(crate) method: Method,
    /// The bucket's name, percent-decoded once; `None` for the service itself.
    pub(crate) bucket: Option<String>,
    /// The object's key, percent-decoded once; `None` for the bucket itself.
    pub(crate) key: Option<String>,
    /// The query's names and values, decoded, in the order received; a name without `=` has no value.
    pub(crate) query: Vec<(String, Option<String>)>,
    /// The headers as received.
    pub(crate) headers: HeaderMap,
    /// The body as received, `aws-chunked` framing included.
    pub(crate) body: Bytes,
    /// The region of the credential scope, which stands for the endpoint's; `us-east-1` when unsigned.
    pub(crate) region: String,
    /// The id to answer with: 16 upper-case alphanumerics.
    pub(crate) request_id: String,
}

impl S3Request {
    /// A header's value; a value that is not visible ASCII counts as absent.
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// A parameter's value; empty for a name without `=`.
    fn query(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(candidate, _)| candidate == name)
            .map(|(_, value)| value.as_deref().unwrap_or_default())
    }
}

/// The caller, and the one question the buckets ask about it.
pub(crate) trait Authorizer {
    /// Who calls; [`Principal::Anonymous`] for an unsigned request.
    fn principal(&self) -> &Principal;

    /// Decides one action on one resource; `context` holds S3's own keys, to which the global ones are added.
    ///
    /// # Errors
    /// The message of the denial in AWS's words ("Access Denied" for anonymous callers).
    fn authorize(
        &mut self,
        action: &str,
        resource: &str,
        context: Context,
        bucket_policy: Option<&Document>,
        bucket_owner: &AccountId,
    ) -> Result<(), String>;
}

/// The answer to a request that never reaches the buckets, with the headers that every answer has.
pub(crate) fn refuse(error: S3Error, request: &S3Request, now: Timestamp) -> Response<Bytes> {
    reply::finish(error.into_response(&request.request_id), request, now)
}

/// How far a request gets without exclusive access to the buckets.
pub(crate) enum Served {
    /// It changes nothing and is answered.
    Answered(Response<Bytes>),
    /// It may change something, so that nothing was done yet.
    Pending(Change),
}

/// A change that waits for exclusive access.
#[derive(Clone, Copy)]
pub(crate) struct Change(fn(&mut Buckets, &mut access::Call<'_>) -> access::Reply);

/// Answers a request if it only looks; the answer to `HEAD` has no body.
pub(crate) fn serve(
    buckets: &Buckets,
    request: &S3Request,
    caller: &mut dyn Authorizer,
    now: Timestamp,
) -> Served {
    let mut call = access::Call::new(request, caller, now);
    let outcome = match Operation::of(request).map(Operation::work) {
        Ok(Work::Read(read)) => read(buckets, &mut call),
        Ok(Work::ReadSetting(setting)) => unset::read(buckets, &mut call, setting),
        Ok(Work::Write(write)) => return Served::Pending(Change(write)),
        Err(error) => Err(error),
    };
    Served::Answered(finish(outcome, request, now))
}

impl Change {
    /// Answers the request that was pending.
    ///
    /// # Errors
    /// For [`refuse`].
    pub(crate) fn serve(
        self,
        buckets: &mut Buckets,
        request: &S3Request,
        caller: &mut dyn Authorizer,
        now: Timestamp,
    ) -> Result<Response<Bytes>, S3Error> {
        let Self(change) = self;
        let mut call = access::Call::new(request, caller, now);
        let response = change(buckets, &mut call)?;
        Ok(reply::finish(response, request, now))
    }
}

fn finish(outcome: access::Reply, request: &S3Request, now: Timestamp) -> Response<Bytes> {
    match outcome {
        Ok(response) => reply::finish(response, request, now),
        Err(error) => refuse(error, request, now),
    }
}
