//! Which operation a request asks for: method, whether there is a key, and the sub-resource in the query.

use http::Method;

use super::access::{Call, Reply};
use super::error::S3Error;
use super::store::Buckets;
use super::unset::Setting;
use super::{
    S3Request, acl, bucket, configuration, copy, list, multipart, object, tagging, upload,
};

/// An operation of the S3 API, by AWS's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    ListBuckets,
    CreateBucket,
    HeadBucket,
    DeleteBucket,
    ListObjects,
    ListObjectsV2,
    ListMultipartUploads,
    DeleteObjects,
    GetBucketLocation,
    GetBucketPolicy,
    PutBucketPolicy,
    DeleteBucketPolicy,
    GetBucketPolicyStatus,
    GetPublicAccessBlock,
    PutPublicAccessBlock,
    DeletePublicAccessBlock,
    GetBucketTagging,
    PutBucketTagging,
    DeleteBucketTagging,
    GetBucketOwnershipControls,
    PutBucketOwnershipControls,
    DeleteBucketOwnershipControls,
    GetBucketAcl,
    PutBucketAcl,
    /// The reading of a setting that nobody can have set here.
    GetUnset(Setting),
    GetObject,
    HeadObject,
    PutObject,
    CopyObject,
    DeleteObject,
    GetObjectTagging,
    PutObjectTagging,
    DeleteObjectTagging,
    GetObjectAcl,
    PutObjectAcl,
    CreateMultipartUpload,
    UploadPart,
    UploadPartCopy,
    CompleteMultipartUpload,
    AbortMultipartUpload,
    ListParts,
}

/// What carries an operation out; what only looks can be done for several callers at once.
#[derive(Clone, Copy)]
pub(super) enum Work {
    /// It looks.
    Read(fn(&Buckets, &mut Call<'_>) -> Reply),
    /// It looks at a setting that nobody can have set here.
    ReadSetting(Setting),
    /// It changes.
    Write(fn(&mut Buckets, &mut Call<'_>) -> Reply),
}

/// The query names that select what of a bucket or object is meant; all others are parameters.
const SUB_RESOURCES: [&str; 36] = [
    "accelerate",
    "acl",
    "analytics",
    "attributes",
    "cors",
    "delete",
    "encryption",
    "intelligent-tiering",
    "inventory",
    "legal-hold",
    "lifecycle",
    "location",
    "logging",
    "metadataConfiguration",
    "metadataTable",
    "metrics",
    "notification",
    "object-lock",
    "ownershipControls",
    "policy",
    "policyStatus",
    "publicAccessBlock",
    "renameObject",
    "replication",
    "requestPayment",
    "restore",
    "retention",
    "select",
    "session",
    "tagging",
    "torrent",
    "uploadId",
    "uploads",
    "versioning",
    "versions",
    "website",
];

// === impl Operation ===

impl Operation {
    /// Every operation but the readings of settings.
    const ALL: [Self; 40] = [
        Self::ListBuckets,
        Self::CreateBucket,
        Self::HeadBucket,
        Self::DeleteBucket,
        Self::ListObjects,
        Self::ListObjectsV2,
        Self::ListMultipartUploads,
        Self::DeleteObjects,
        Self::GetBucketLocation,
        Self::GetBucketPolicy,
        Self::PutBucketPolicy,
        Self::DeleteBucketPolicy,
        Self::GetBucketPolicyStatus,
        Self::GetPublicAccessBlock,
        Self::PutPublicAccessBlock,
        Self::DeletePublicAccessBlock,
        Self::GetBucketTagging,
        Self::PutBucketTagging,
        Self::DeleteBucketTagging,
        Self::GetBucketOwnershipControls,
        Self::PutBucketOwnershipControls,
        Self::DeleteBucketOwnershipControls,
        Self::GetBucketAcl,
        Self::PutBucketAcl,
        Self::GetObject,
        Self::HeadObject,
        Self::PutObject,
        Self::CopyObject,
        Self::DeleteObject,
        Self::GetObjectTagging,
        Self::PutObjectTagging,
        Self::DeleteObjectTagging,
        Self::GetObjectAcl,
        Self::PutObjectAcl,
        Self::CreateMultipartUpload,
        Self::UploadPart,
        Self::UploadPartCopy,
        Self::CompleteMultipartUpload,
        Self::AbortMultipartUpload,
        Self::ListParts,
    ];

    /// Whether an operation has that name.
    pub(crate) fn is_name(name: &str) -> bool {
        let settings = Setting::ALL.into_iter().map(Self::GetUnset);
        let mut all = Self::ALL.into_iter().chain(settings);
        all.any(|operation| operation.name() == name)
    }

    /// The operation a request asks for.
    ///
    /// # Errors
    /// `MethodNotAllowed`, and `NotImplemented` naming the sub-resource.
    pub(crate) fn of(request: &S3Request) -> Result<Self, S3Error> {
        let sub_resource = request
            .query
            .iter()
            .map(|(name, _)| name.as_str())
            .find(|name| SUB_RESOURCES.contains(name));
        match (&request.bucket, &request.key) {
            (None, _) if request.method == Method::GET => Ok(Self::ListBuckets),
            (None, _) => Err(S3Error::method_not_allowed(&request.method, "SERVICE")),
            (Some(_), None) => Self::of_bucket(request, sub_resource),
            (Some(_), Some(_)) => Self::of_object(request, sub_resource),
        }
    }

    /// AWS's name of the operation.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::ListBuckets => "ListBuckets",
            Self::CreateBucket => "CreateBucket",
            Self::HeadBucket => "HeadBucket",
            Self::DeleteBucket => "DeleteBucket",
            Self::ListObjects => "ListObjects",
            Self::ListObjectsV2 => "ListObjectsV2",
            Self::ListMultipartUploads => "ListMultipartUploads",
            Self::DeleteObjects => "DeleteObjects",
            Self::GetBucketLocation => "GetBucketLocation",
            Self::GetBucketPolicy => "GetBucketPolicy",
            Self::PutBucketPolicy => "PutBucketPolicy",
            Self::DeleteBucketPolicy => "DeleteBucketPolicy",
            Self::GetBucketPolicyStatus => "GetBucketPolicyStatus",
            Self::GetPublicAccessBlock => "GetPublicAccessBlock",
            Self::PutPublicAccessBlock => "PutPublicAccessBlock",
            Self::DeletePublicAccessBlock => "DeletePublicAccessBlock",
            Self::GetBucketTagging => "GetBucketTagging",
            Self::PutBucketTagging => "PutBucketTagging",
            Self::DeleteBucketTagging => "DeleteBucketTagging",
            Self::GetBucketOwnershipControls => "GetBucketOwnershipControls",
            Self::PutBucketOwnershipControls => "PutBucketOwnershipControls",
            Self::DeleteBucketOwnershipControls => "DeleteBucketOwnershipControls",
            Self::GetBucketAcl => "GetBucketAcl",
            Self::PutBucketAcl => "PutBucketAcl",
            Self::GetUnset(setting) => setting.operation(),
            Self::GetObject => "GetObject",
            Self::HeadObject => "HeadObject",
            Self::PutObject => "PutObject",
            Self::CopyObject => "CopyObject",
            Self::DeleteObject => "DeleteObject",
            Self::GetObjectTagging => "GetObjectTagging",
            Self::PutObjectTagging => "PutObjectTagging",
            Self::DeleteObjectTagging => "DeleteObjectTagging",
            Self::GetObjectAcl => "GetObjectAcl",
            Self::PutObjectAcl => "PutObjectAcl",
            Self::CreateMultipartUpload => "CreateMultipartUpload",
            Self::UploadPart => "UploadPart",
            Self::UploadPartCopy => "UploadPartCopy",
            Self::CompleteMultipartUpload => "CompleteMultipartUpload",
            Self::AbortMultipartUpload => "AbortMultipartUpload",
            Self::ListParts => "ListParts",
        }
    }

    /// What carries the operation out.
    pub(super) fn work(self) -> Work {
        use Work::{Read, Write};
        match self {
            Self::ListBuckets => Read(bucket::list),
            Self::CreateBucket => Write(bucket::create),
            Self::HeadBucket => Read(bucket::head),
            Self::DeleteBucket => Write(bucket::delete),
            Self::ListObjects => Read(list::version_1),
            Self::ListObjectsV2 => Read(list::version_2),
            Self::ListMultipartUploads => Read(multipart::list),
            Self::DeleteObjects => Write(object::delete_many),
            Self::GetBucketLocation => Read(bucket::location),
            Self::GetBucketPolicy => Read(configuration::policy),
            Self::PutBucketPolicy => Write(configuration::put_policy),
            Self::DeleteBucketPolicy => Write(configuration::delete_policy),
            Self::GetBucketPolicyStatus => Read(configuration::policy_status),
            Self::GetPublicAccessBlock => Read(configuration::public_access_block),
            Self::PutPublicAccessBlock => Write(configuration::put_public_access_block),
            Self::DeletePublicAccessBlock => Write(configuration::delete_public_access_block),
            Self::GetBucketTagging => Read(tagging::of_bucket),
            Self::PutBucketTagging => Write(tagging::put_of_bucket),
            Self::DeleteBucketTagging => Write(tagging::delete_of_bucket),
            Self::GetBucketOwnershipControls => Read(configuration::ownership),
            Self::PutBucketOwnershipControls => Write(configuration::put_ownership),
            Self::DeleteBucketOwnershipControls => Write(configuration::delete_ownership),
            Self::GetBucketAcl => Read(acl::of_bucket),
            Self::PutBucketAcl => Write(acl::put_of_bucket),
            Self::GetUnset(setting) => Work::ReadSetting(setting),
            Self::GetObject | Self::HeadObject => Read(object::read),
            Self::PutObject => Write(upload::put),
            Self::CopyObject => Write(copy::object),
            Self::DeleteObject => Write(object::delete),
            Self::GetObjectTagging => Read(tagging::of_object),
            Self::PutObjectTagging => Write(tagging::put_of_object),
            Self::DeleteObjectTagging => Write(tagging::delete_of_object),
            Self::GetObjectAcl => Read(acl::of_object),
            Self::PutObjectAcl => Write(acl::put_of_object),
            Self::CreateMultipartUpload => Write(multipart::create),
            Self::UploadPart => Write(multipart::upload_part),
            Self::UploadPartCopy => Write(copy::part),
            Self::CompleteMultipartUpload => Write(multipart::complete),
            Self::AbortMultipartUpload => Write(multipart::abort),
            Self::ListParts => Read(multipart::list_parts),
        }
    }

    fn of_bucket(request: &S3Request, sub_resource: Option<&str>) -> Result<Self, S3Error> {
        let Some(sub_resource) = sub_resource else {
            return match request.method {
                Method::GET if request.query("list-type") == Some("2") => Ok(Self::ListObjectsV2),
                Method::GET => Ok(Self::ListObjects),
                Method::HEAD => Ok(Self::HeadBucket),
                Method::PUT => Ok(Self::CreateBucket),
                Method::DELETE => Ok(Self::DeleteBucket),
                Method::POST => Err(S3Error::not_implemented("POST of a browser form")),
                _ => Err(S3Error::method_not_allowed(&request.method, "BUCKET")),
            };
        };
        let operation = match (request.method.as_str(), sub_resource) {
            ("POST", "delete") => Self::DeleteObjects,
            ("GET", "location") => Self::GetBucketLocation,
            ("GET", "policy") => Self::GetBucketPolicy,
            ("PUT", "policy") => Self::PutBucketPolicy,
            ("DELETE", "policy") => Self::DeleteBucketPolicy,
            ("GET", "policyStatus") => Self::GetBucketPolicyStatus,
            ("GET", "publicAccessBlock") => Self::GetPublicAccessBlock,
            ("PUT", "publicAccessBlock") => Self::PutPublicAccessBlock,
            ("DELETE", "publicAccessBlock") => Self::DeletePublicAccessBlock,
            ("GET", "tagging") => Self::GetBucketTagging,
            ("PUT", "tagging") => Self::PutBucketTagging,
            ("DELETE", "tagging") => Self::DeleteBucketTagging,
            ("GET", "ownershipControls") => Self::GetBucketOwnershipControls,
            ("PUT", "ownershipControls") => Self::PutBucketOwnershipControls,
            ("DELETE", "ownershipControls") => Self::DeleteBucketOwnershipControls,
            ("GET", "acl") => Self::GetBucketAcl,
            ("PUT", "acl") => Self::PutBucketAcl,
            ("GET", "uploads") => Self::ListMultipartUploads,
            ("GET", other) => Self::GetUnset(
                Setting::named(other).ok_or_else(|| S3Error::not_implemented(other))?,
            ),
            (_, other) => return Err(S3Error::not_implemented(other)),
        };
        Ok(operation)
    }

    fn of_object(request: &S3Request, sub_resource: Option<&str>) -> Result<Self, S3Error> {
        let is_copy = request.headers.contains_key("x-amz-copy-source");
        let operation = match (request.method.as_str(), sub_resource) {
            ("GET", None) => Self::GetObject,
            ("HEAD", None) => Self::HeadObject,
            ("PUT", None) if is_copy => Self::CopyObject,
            ("PUT", None) => Self::PutObject,
            ("DELETE", None) => Self::DeleteObject,
            ("GET", Some("tagging")) => Self::GetObjectTagging,
            ("PUT", Some("tagging")) => Self::PutObjectTagging,
            ("DELETE", Some("tagging")) => Self::DeleteObjectTagging,
            ("GET", Some("acl")) => Self::GetObjectAcl,
            ("PUT", Some("acl")) => Self::PutObjectAcl,
            ("POST", Some("uploads")) => Self::CreateMultipartUpload,
            ("PUT", Some("uploadId")) if is_copy => Self::UploadPartCopy,
            ("PUT", Some("uploadId")) => Self::UploadPart,
            ("POST", Some("uploadId")) => Self::CompleteMultipartUpload,
            ("DELETE", Some("uploadId")) => Self::AbortMultipartUpload,
            ("GET", Some("uploadId")) => Self::ListParts,
            (_, Some(other)) => return Err(S3Error::not_implemented(other)),
            (_, None) => return Err(S3Error::method_not_allowed(&request.method, "OBJECT")),
        };
        Ok(operation)
    }
}
