//! One call: the request, the caller, the clock, and the question whether an action is allowed on a bucket.

use bytes::Bytes;
use http::Response;
use jiff::Timestamp;
use podpass_policy::{
    AccountId, Attached, Context, Document, Policies, Principal, Request, ResourceRule, decide,
};

use super::error::S3Error;
use super::payload::{self, Payload};
use super::store::{Bucket, Buckets, Object, bucket_arn};
use super::tagging::Tags;
use super::{Authorizer, S3Request, object};

/// The answer to a call.
pub(super) type Reply = Result<Response<Bytes>, S3Error>;

/// A request on its way through an operation.
pub(super) struct Call<'a> {
    pub(super) request: &'a S3Request,
    pub(super) now: Timestamp,
    caller: &'a mut dyn Authorizer,
}

/// The caller without credentials, for reads the sandbox does itself.
struct Anonymous;

/// The headers whose values are condition keys under the name `s3:<header>`.
const HEADER_KEYS: [&str; 9] = [
    "if-match",
    "if-none-match",
    "x-amz-acl",
    "x-amz-content-sha256",
    "x-amz-copy-source",
    "x-amz-metadata-directive",
    "x-amz-object-ownership",
    "x-amz-server-side-encryption",
    "x-amz-storage-class",
];

/// The actions for which AWS documents `s3:ExistingObjectTag`.
const EXISTING_TAG_ACTIONS: [&str; 6] = [
    "s3:GetObject",
    "s3:GetObjectAcl",
    "s3:GetObjectTagging",
    "s3:PutObjectAcl",
    "s3:PutObjectTagging",
    "s3:DeleteObjectTagging",
];

/// What the root user of the owner may always do, so that no bucket policy can lock a bucket for good.
const ROOT_ACTIONS: [&str; 3] = [
    "s3:GetBucketPolicy",
    "s3:PutBucketPolicy",
    "s3:DeleteBucketPolicy",
];

// === impl Call ===

impl<'a> Call<'a> {
    pub(super) fn new(
        request: &'a S3Request,
        caller: &'a mut dyn Authorizer,
        now: Timestamp,
    ) -> Self {
        Self {
            request,
            now,
            caller,
        }
    }

    /// The key of an object operation.
    pub(super) fn key(&self) -> &'a str {
        self.request.key.as_deref().unwrap_or_default()
    }

    /// The name in the request; empty for the service itself.
    pub(super) fn bucket_name(&self) -> &'a str {
        self.request.bucket.as_deref().unwrap_or_default()
    }

    /// The body, verified.
    pub(super) fn payload(&self) -> Result<Payload, S3Error> {
        payload::read(self.request)
    }

    pub(super) fn is_anonymous(&self) -> bool {
        matches!(self.caller.principal(), Principal::Anonymous)
    }

    /// The caller's account.
    ///
    /// # Errors
    /// `AccessDenied` for a caller without one.
    pub(super) fn account(&self) -> Result<AccountId, S3Error> {
        self.caller
            .principal()
            .account()
            .ok_or_else(|| S3Error::access_denied(ACCESS_DENIED))
    }

    /// The bucket of the request.
    ///
    /// # Errors
    /// `NoSuchBucket`, `PermanentRedirect` when it lives in another region than the request was signed for, and
    /// `AccessDenied` when it is not the account's that `x-amz-expected-bucket-owner` names.
    pub(super) fn open<'b>(&self, buckets: &'b Buckets) -> Result<&'b Bucket, S3Error> {
        let bucket = buckets.find(self.bucket_name())?;
        self.check_region(bucket)?;
        self.check_expected_owner(bucket, "x-amz-expected-bucket-owner")?;
        Ok(bucket)
    }

    /// The bucket of the request, to be changed; errors as for [`Call::open`].
    pub(super) fn open_mut<'b>(&self, buckets: &'b mut Buckets) -> Result<&'b mut Bucket, S3Error> {
        self.open(buckets)?;
        buckets.find_mut(self.bucket_name())
    }

    /// Refuses a signed request that went to another region's endpoint.
    pub(super) fn check_region(&self, bucket: &Bucket) -> Result<(), S3Error> {
        if self.is_anonymous() || self.request.region == bucket.region {
            return Ok(());
        }
        Err(elsewhere(bucket))
    }

    /// Refuses a bucket of another account than the header names.
    pub(super) fn check_expected_owner(
        &self,
        bucket: &Bucket,
        header: &'static str,
    ) -> Result<(), S3Error> {
        match self.request.header(header) {
            Some(expected) if expected != bucket.owner.as_str() => {
                Err(S3Error::access_denied(ACCESS_DENIED))
            }
            _ => Ok(()),
        }
    }

    /// Asks for an action on the bucket itself.
    pub(super) fn authorize(&mut self, bucket: &Bucket, action: &str) -> Result<(), S3Error> {
        let context = self.context(bucket);
        self.ask(bucket, action, &bucket.arn(), context)
    }

    /// Asks for an action on the bucket, with further condition keys.
    pub(super) fn authorize_with(
        &mut self,
        bucket: &Bucket,
        action: &str,
        keys: Vec<(String, String)>,
    ) -> Result<(), S3Error> {
        let mut context = self.context(bucket);
        for (key, value) in keys {
            context.insert(key, value);
        }
        self.ask(bucket, action, &bucket.arn(), context)
    }

    /// Asks for an action on an object, which need not exist.
    pub(super) fn authorize_object(
        &mut self,
        bucket: &Bucket,
        action: &str,
        key: &str,
    ) -> Result<(), S3Error> {
        self.authorize_object_tags(bucket, action, key, &Tags::default())
    }

    /// Asks for an action that gives an object these tags, which are condition keys.
    pub(super) fn authorize_object_tags(
        &mut self,
        bucket: &Bucket,
        action: &str,
        key: &str,
        requested: &Tags,
    ) -> Result<(), S3Error> {
        let mut context = self.context(bucket);
        if EXISTING_TAG_ACTIONS.contains(&action)
            && let Some(object) = bucket.objects.get(key)
        {
            for (tag, value) in object.attributes.tags.iter() {
                context.insert(format!("s3:ExistingObjectTag/{tag}"), value.to_owned());
            }
        }
        for (tag, value) in requested.iter() {
            context.insert(format!("s3:RequestObjectTag/{tag}"), value.to_owned());
        }
        if !requested.is_empty() {
            let keys: Vec<String> = requested.iter().map(|(tag, _)| tag.to_owned()).collect();
            context.insert("s3:RequestObjectTagKeys", keys);
        }
        self.ask(bucket, action, &bucket.object_arn(key), context)
    }

    /// Asks for an action that is about no existing bucket: `ListAllMyBuckets`, `CreateBucket`.
    pub(super) fn authorize_service(
        &mut self,
        action: &str,
        bucket: Option<&str>,
        keys: Vec<(String, String)>,
    ) -> Result<(), S3Error> {
        let account = self.account()?;
        let mut context = self.signature_context();
        for (key, value) in keys {
            context.insert(key, value);
        }
        // Policies grant ListAllMyBuckets on `*` or on `arn:aws:s3:::*`; asked on the latter, both match.
        let resource = bucket_arn(&self.request.region, bucket.unwrap_or("*"));
        self.caller
            .authorize(action, &resource, context, None, &account)
            .map_err(S3Error::access_denied)
    }

    /// A denial that is not the policies' but a setting's: `public policies are prevented by the … setting`.
    pub(super) fn refused(&self, action: &str, resource: &str, reason: &str) -> S3Error {
        if self.is_anonymous() {
            return S3Error::access_denied(ACCESS_DENIED);
        }
        S3Error::access_denied(format!(
            "User: {} is not authorized to perform: {action} on resource: \"{resource}\" because {reason} setting in \
             S3 Block Public Access.",
            self.caller.principal().arn()
        ))
    }

    /// Whether the bucket is the caller's own account's.
    pub(super) fn is_owner(&self, bucket: &Bucket) -> bool {
        self.caller.principal().account().as_ref() == Some(&bucket.owner)
    }

    fn ask(
        &mut self,
        bucket: &Bucket,
        action: &str,
        resource: &str,
        context: Context,
    ) -> Result<(), S3Error> {
        let is_root = matches!(self.caller.principal(), Principal::Root { .. });
        let policy = bucket
            .policy
            .as_ref()
            .filter(|_| !(is_root && self.is_owner(bucket) && ROOT_ACTIONS.contains(&action)));
        if policy.is_some_and(|policy| policy.is_public)
            && bucket.blocks().restrict_public_buckets
            && !self.is_owner(bucket)
        {
            return Err(self.refused(
                action,
                resource,
                "public access is prevented by the RestrictPublicBuckets",
            ));
        }
        self.caller
            .authorize(
                action,
                resource,
                context,
                policy.map(|policy| &policy.document),
                &bucket.owner,
            )
            .map_err(S3Error::access_denied)
    }

    fn context(&self, bucket: &Bucket) -> Context {
        let mut context = self.signature_context();
        context.insert("s3:ResourceAccount", bucket.owner.to_string());
        context.insert("aws:ResourceAccount", bucket.owner.to_string());
        context
    }

    fn signature_context(&self) -> Context {
        let mut context = Context::default();
        if !self.is_anonymous() {
            let kind = if self.request.headers.contains_key("authorization") {
                "REST-HEADER"
            } else {
                "REST-QUERY-STRING"
            };
            context.insert("s3:authType", kind.to_owned());
            context.insert("s3:signatureversion", "AWS4-HMAC-SHA256".to_owned());
        }
        for header in HEADER_KEYS {
            if let Some(value) = self.request.header(header) {
                context.insert(format!("s3:{header}"), value.to_owned());
            }
        }
        context
    }
}

// === impl Buckets ===

impl Buckets {
    /// Reads an object as an unsigned GET would: the bucket's policy and Block Public Access decide.
    ///
    /// The region is the one in the host name; the global name, which has none, leads to every bucket.
    ///
    /// # Errors
    /// As the GET: `NoSuchBucket`, `PermanentRedirect`, `AccessDenied`, `NoSuchKey`.
    pub(crate) fn read_anonymously(
        &self,
        region: Option<&str>,
        bucket: &str,
        key: &str,
    ) -> Result<&Object, S3Error> {
        let request = S3Request {
            method: http::Method::GET,
            bucket: Some(bucket.to_owned()),
            key: Some(key.to_owned()),
            query: Vec::new(),
            headers: http::HeaderMap::new(),
            body: Bytes::new(),
            region: "us-east-1".to_owned(),
            request_id: String::new(),
        };
        let mut caller = Anonymous;
        // Nothing about the permission to read looks at the time.
        let mut call = Call::new(&request, &mut caller, Timestamp::UNIX_EPOCH);
        let found = self.find(bucket)?;
        if region.is_some_and(|region| region != found.region) {
            return Err(elsewhere(found));
        }
        object::find_readable(found, &mut call, key)
    }
}

// === impl Anonymous ===

impl Authorizer for Anonymous {
    fn principal(&self) -> &Principal {
        &Principal::Anonymous
    }

    fn authorize(
        &mut self,
        action: &str,
        resource: &str,
        mut context: Context,
        bucket_policy: Option<&Document>,
        bucket_owner: &AccountId,
    ) -> Result<(), String> {
        // Issuers are read over HTTPS, and policies may insist on it.
        context.insert("aws:SecureTransport", "true".to_owned());
        let request = Request {
            principal: &Principal::Anonymous,
            action,
            resource,
            context: &context,
        };
        let policies = Policies {
            identity: Vec::new(),
            resource: bucket_policy.map(|document| Attached {
                source: "bucket policy",
                document,
            }),
            boundary: None,
            session: None,
            resource_account: Some(bucket_owner),
            rule: ResourceRule::Ordinary,
            ..Policies::default()
        };
        if decide(&request, &policies).is_allowed() {
            Ok(())
        } else {
            Err(ACCESS_DENIED.to_owned())
        }
    }
}

/// The bucket lives in another region than the request went to.
fn elsewhere(bucket: &Bucket) -> S3Error {
    S3Error::new(
        http::StatusCode::MOVED_PERMANENTLY,
        "PermanentRedirect",
        "The bucket you are attempting to access must be addressed using the specified endpoint. Please send all \
         future requests to this endpoint.",
    )
    .with("Endpoint", bucket.endpoint())
    .with("Bucket", &bucket.name)
    .header("x-amz-bucket-region", &bucket.region)
}

/// All an anonymous caller is told.
const ACCESS_DENIED: &str = "Access Denied";
