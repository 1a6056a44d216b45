//! Access control lists: they can be read, and are refused wherever they would grant something.
//!
//! No list is ever stored, so Block Public Access has no public list to ignore: the owner's full control is all there
//! is, as in every bucket with the default object ownership.

use aws_lc_rs::digest;
use bytes::Bytes;
use http::{Response, StatusCode};
use podpass_policy::AccountId;

use super::access::{Call, Reply};
use super::error::S3Error;
use super::reply;
use super::store::{Bucket, Buckets, Ownership};
use super::{S3Request, object};

/// `GetBucketAcl`.
pub(super) fn of_bucket(buckets: &Buckets, call: &mut Call<'_>) -> Reply {
    let bucket = call.open(buckets)?;
    call.authorize(bucket, "s3:GetBucketAcl")?;
    Ok(owner_only(bucket))
}

/// `PutBucketAcl`: only `private`, which changes nothing, and only where lists count.
pub(super) fn put_of_bucket(buckets: &mut Buckets, call: &mut Call<'_>) -> Reply {
    let bucket = call.open_mut(buckets)?;
    call.authorize(bucket, "s3:PutBucketAcl")?;
    check_replacement(bucket, call, "s3:PutBucketAcl", &bucket.arn())?;
    Ok(reply::empty(StatusCode::OK))
}

/// `GetObjectAcl`.
pub(super) fn of_object(buckets: &Buckets, call: &mut Call<'_>) -> Reply {
    let bucket = call.open(buckets)?;
    object::check_version(call.request)?;
    call.authorize_object(bucket, "s3:GetObjectAcl", call.key())?;
    bucket.object(call.key())?;
    Ok(owner_only(bucket))
}

/// `PutObjectAcl`: as [`put_of_bucket`].
pub(super) fn put_of_object(buckets: &mut Buckets, call: &mut Call<'_>) -> Reply {
    let bucket = call.open_mut(buckets)?;
    object::check_version(call.request)?;
    call.authorize_object(bucket, "s3:PutObjectAcl", call.key())?;
    bucket.object(call.key())?;
    let resource = bucket.object_arn(call.key());
    check_replacement(bucket, call, "s3:PutObjectAcl", &resource)?;
    Ok(reply::empty(StatusCode::OK))
}

/// Whether an upload carries an ACL, which takes `s3:PutObjectAcl` besides `s3:PutObject`.
pub(super) fn is_sent_with(request: &S3Request) -> bool {
    request.headers.contains_key("x-amz-acl") || has_grants(request)
}

/// Checks the ACL headers of an upload; what passes grants nothing beyond the owner's control.
pub(super) fn check_upload(bucket: &Bucket, call: &Call<'_>) -> Result<(), S3Error> {
    let request = call.request;
    if !is_sent_with(request) {
        return Ok(());
    }
    let canned = request.header("x-amz-acl");
    if bucket.ownership == Some(Ownership::BucketOwnerEnforced) {
        return match canned {
            Some("bucket-owner-full-control") if !has_grants(request) => Ok(()),
            _ => Err(not_supported()),
        };
    }
    check_canned(bucket, call, "s3:PutObject", &bucket.object_arn(call.key()))
}

/// Checks the ACL headers of `CreateBucket`.
pub(super) fn check_new_bucket(request: &S3Request, ownership: Ownership) -> Result<(), S3Error> {
    match request.header("x-amz-acl") {
        None | Some("private") if !has_grants(request) => Ok(()),
        _ if ownership == Ownership::BucketOwnerEnforced => Err(S3Error::new(
            StatusCode::BAD_REQUEST,
            "InvalidBucketAclWithObjectOwnership",
            "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting",
        )),
        _ => Err(S3Error::not_implemented("x-amz-acl")),
    }
}

/// The id of an account in ACLs and owners: 64 hex digits.
pub(super) fn canonical_id(account: &AccountId) -> String {
    hex::encode(digest::digest(&digest::SHA256, account.as_str().as_bytes()))
}

fn check_replacement(
    bucket: &Bucket,
    call: &Call<'_>,
    action: &str,
    resource: &str,
) -> Result<(), S3Error> {
    if bucket.ownership == Some(Ownership::BucketOwnerEnforced) {
        return Err(not_supported());
    }
    if call.request.header("x-amz-acl").is_none() {
        return Err(S3Error::not_implemented("AccessControlPolicy"));
    }
    check_canned(bucket, call, action, resource)
}

fn check_canned(
    bucket: &Bucket,
    call: &Call<'_>,
    action: &str,
    resource: &str,
) -> Result<(), S3Error> {
    if has_grants(call.request) {
        return Err(S3Error::not_implemented("x-amz-grant-*"));
    }
    match call.request.header("x-amz-acl") {
        None | Some("private" | "bucket-owner-full-control" | "bucket-owner-read") => Ok(()),
        Some("public-read" | "public-read-write" | "authenticated-read")
            if bucket.blocks().block_public_acls =>
        {
            Err(call.refused(
                action,
                resource,
                "public access control lists (ACLs) are prevented by the BlockPublicAcls",
            ))
        }
        Some(other) => Err(S3Error::not_implemented(&format!("x-amz-acl: {other}"))),
    }
}

fn has_grants(request: &S3Request) -> bool {
    request
        .headers
        .keys()
        .any(|name| name.as_str().starts_with("x-amz-grant-"))
}

fn owner_only(bucket: &Bucket) -> Response<Bytes> {
    let owner = canonical_id(&bucket.owner);
    reply::document("AccessControlPolicy", |xml| {
        xml.element("Owner", |xml| xml.text("ID", &owner));
        xml.element("AccessControlList", |xml| {
            xml.element("Grant", |xml| {
                xml.element_with_attributes(
                    "Grantee xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"CanonicalUser\"",
                    "Grantee",
                    |xml| xml.text("ID", &owner),
                );
                xml.text("Permission", "FULL_CONTROL");
            });
        });
    })
}

fn not_supported() -> S3Error {
    S3Error::new(
        StatusCode::BAD_REQUEST,
        "AccessControlListNotSupported",
        "The bucket does not allow ACLs",
    )
}
