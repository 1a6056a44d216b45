//! The settings that decide about access: bucket policy, Block Public Access, object ownership.

use bytes::Bytes;
use http::StatusCode;
use podpass_policy::{Document, DocumentKind};

use super::access::{Call, Reply};
use super::error::S3Error;
use super::reply;
use super::store::{Bucket, BucketPolicy, Buckets, Ownership, PublicAccessBlock};
use super::xml::Element;

/// The longest policy that S3 takes.
const MAX_POLICY_BYTES: usize = 20 * 1024;

// === Bucket policy ===

/// `GetBucketPolicy`.
pub(super) fn policy(buckets: &Buckets, call: &mut Call<'_>) -> Reply {
    let bucket = call.open(buckets)?;
    authorize_policy(bucket, call, "s3:GetBucketPolicy")?;
    let policy = existing_policy(bucket)?;
    let mut response = reply::empty(StatusCode::OK);
    reply::set_header(&mut response, "content-type", "application/json");
    *response.body_mut() = Bytes::from(policy.text.clone());
    Ok(response)
}

/// `PutBucketPolicy`.
pub(super) fn put_policy(buckets: &mut Buckets, call: &mut Call<'_>) -> Reply {
    let action = "s3:PutBucketPolicy";
    let bucket = call.open_mut(buckets)?;
    authorize_policy(bucket, call, action)?;
    let body = call.payload()?.bytes;
    let text = std::str::from_utf8(&body)
        .map_err(|_| malformed_policy("This policy contains invalid Json"))?;
    if text.is_empty() {
        return Err(S3Error::new(
            StatusCode::BAD_REQUEST,
            "MissingRequestBodyError",
            "Request Body is empty",
        ));
    }
    let document = Document::parse(text, DocumentKind::Bucket)
        .map_err(|error| malformed_policy(error.aws_message()))?;
    check_scope(&document, bucket)?;
    let text = document.to_json();
    if text.len() > MAX_POLICY_BYTES {
        return Err(S3Error::new(
            StatusCode::BAD_REQUEST,
            "PolicyTooLarge",
            format!(
                "Normalized policy document exceeds the maximum allowed size of {MAX_POLICY_BYTES} bytes."
            ),
        ));
    }
    let is_public = document.is_public();
    if is_public && bucket.blocks().block_public_policy {
        return Err(call.refused(
            action,
            &bucket.arn(),
            "public policies are prevented by the BlockPublicPolicy",
        ));
    }
    bucket.policy = Some(BucketPolicy {
        text,
        document,
        is_public,
    });
    Ok(reply::empty(StatusCode::NO_CONTENT))
}

/// `DeleteBucketPolicy`.
pub(super) fn delete_policy(buckets: &mut Buckets, call: &mut Call<'_>) -> Reply {
    let bucket = call.open_mut(buckets)?;
    authorize_policy(bucket, call, "s3:DeleteBucketPolicy")?;
    bucket.policy = None;
    Ok(reply::empty(StatusCode::NO_CONTENT))
}

/// `GetBucketPolicyStatus`.
pub(super) fn policy_status(buckets: &Buckets, call: &mut Call<'_>) -> Reply {
    let bucket = call.open(buckets)?;
    call.authorize(bucket, "s3:GetBucketPolicyStatus")?;
    let is_public = existing_policy(bucket)?.is_public;
    Ok(reply::document("PolicyStatus", |xml| {
        xml.text("IsPublic", if is_public { "true" } else { "false" });
    }))
}

/// Policies are their owner's business: other accounts get 405 even where a policy would let them.
fn authorize_policy(bucket: &Bucket, call: &mut Call<'_>, action: &str) -> Result<(), S3Error> {
    call.authorize(bucket, action)?;
    if call.is_owner(bucket) {
        return Ok(());
    }
    Err(S3Error::method_not_allowed(
        &call.request.method,
        "BUCKETPOLICY",
    ))
}

fn existing_policy(bucket: &Bucket) -> Result<&BucketPolicy, S3Error> {
    bucket.policy.as_ref().ok_or_else(|| {
        S3Error::new(
            StatusCode::NOT_FOUND,
            "NoSuchBucketPolicy",
            "The bucket policy does not exist",
        )
        .with("BucketName", &bucket.name)
    })
}

/// Every statement is about S3 actions on this very bucket.
fn check_scope(document: &Document, bucket: &Bucket) -> Result<(), S3Error> {
    let arn = bucket.arn();
    for statement in &document.statements {
        let is_s3 = |action: &String| {
            action == "*"
                || action
                    .split_once(':')
                    .is_some_and(|(service, _)| service.eq_ignore_ascii_case("s3"))
        };
        if !statement.actions.values().iter().all(is_s3) {
            return Err(malformed_policy("Policy has invalid action"));
        }
        let is_ours = |resource: &String| {
            resource
                .strip_prefix(&arn)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let resources = statement
            .resources
            .as_ref()
            .ok_or_else(|| malformed_policy("Missing required field Resource"))?;
        if !resources.values().iter().all(is_ours) {
            return Err(malformed_policy("Policy has invalid resource"));
        }
    }
    Ok(())
}

fn malformed_policy(message: impl Into<String>) -> S3Error {
    S3Error::new(StatusCode::BAD_REQUEST, "MalformedPolicy", message)
}

// === Block Public Access ===

/// `GetPublicAccessBlock`.
pub(super) fn public_access_block(buckets: &Buckets, call: &mut Call<'_>) -> Reply {
    let bucket = call.open(buckets)?;
    call.authorize(bucket, "s3:GetBucketPublicAccessBlock")?;
    let block = bucket.public_access_block.ok_or_else(|| {
        S3Error::new(
            StatusCode::NOT_FOUND,
            "NoSuchPublicAccessBlockConfiguration",
            "The public access block configuration was not found",
        )
        .with("BucketName", &bucket.name)
    })?;
    Ok(reply::document("PublicAccessBlockConfiguration", |xml| {
        for (name, value) in [
            ("BlockPublicAcls", block.block_public_acls),
            ("IgnorePublicAcls", block.ignore_public_acls),
            ("BlockPublicPolicy", block.block_public_policy),
            ("RestrictPublicBuckets", block.restrict_public_buckets),
        ] {
            xml.text(name, if value { "true" } else { "false" });
        }
    }))
}

/// `PutPublicAccessBlock`; a setting that is left out is off.
pub(super) fn put_public_access_block(buckets: &mut Buckets, call: &mut Call<'_>) -> Reply {
    let bucket = call.open_mut(buckets)?;
    call.authorize(bucket, "s3:PutBucketPublicAccessBlock")?;
    let root = Element::read(&call.payload()?.bytes, "PublicAccessBlockConfiguration")?;
    root.allow(&[
        "BlockPublicAcls",
        "IgnorePublicAcls",
        "BlockPublicPolicy",
        "RestrictPublicBuckets",
    ])?;
    let read = |name| root.optional(name)?.map_or(Ok(false), Element::boolean);
    bucket.public_access_block = Some(PublicAccessBlock {
        block_public_acls: read("BlockPublicAcls")?,
        ignore_public_acls: read("IgnorePublicAcls")?,
        block_public_policy: read("BlockPublicPolicy")?,
        restrict_public_buckets: read("RestrictPublicBuckets")?,
    });
    Ok(reply::empty(StatusCode::OK))
}

/// `DeletePublicAccessBlock`, which AWS authorises as `s3:PutBucketPublicAccessBlock`.
pub(super) fn delete_public_access_block(buckets: &mut Buckets, call: &mut Call<'_>) -> Reply {
    let bucket = call.open_mut(buckets)?;
    call.authorize(bucket, "s3:PutBucketPublicAccessBlock")?;
    bucket.public_access_block = None;
    Ok(reply::empty(StatusCode::NO_CONTENT))
}

// === Object ownership ===

/// `GetBucketOwnershipControls`.
pub(super) fn ownership(buckets: &Buckets, call: &mut Call<'_>) -> Reply {
    let bucket = call.open(buckets)?;
    call.authorize(bucket, "s3:GetBucketOwnershipControls")?;
    let ownership = bucket.ownership.ok_or_else(|| {
        S3Error::new(
            StatusCode::NOT_FOUND,
            "OwnershipControlsNotFoundError",
            "The bucket ownership controls were not found",
        )
        .with("BucketName", &bucket.name)
    })?;
    Ok(reply::document("OwnershipControls", |xml| {
        xml.element("Rule", |xml| xml.text("ObjectOwnership", ownership.name()));
    }))
}

/// `PutBucketOwnershipControls`.
pub(super) fn put_ownership(buckets: &mut Buckets, call: &mut Call<'_>) -> Reply {
    let bucket = call.open_mut(buckets)?;
    call.authorize(bucket, "s3:PutBucketOwnershipControls")?;
    let root = Element::read(&call.payload()?.bytes, "OwnershipControls")?;
    let rule = root.allow(&["Rule"])?.required("Rule")?;
    let name = rule
        .allow(&["ObjectOwnership"])?
        .required("ObjectOwnership")?;
    let ownership = Ownership::named(name.text().trim()).ok_or_else(S3Error::malformed_xml)?;
    bucket.ownership = Some(ownership);
    Ok(reply::empty(StatusCode::OK))
}

/// `DeleteBucketOwnershipControls`, which AWS authorises as `s3:PutBucketOwnershipControls`.
pub(super) fn delete_ownership(buckets: &mut Buckets, call: &mut Call<'_>) -> Reply {
    let bucket = call.open_mut(buckets)?;
    call.authorize(bucket, "s3:PutBucketOwnershipControls")?;
    bucket.ownership = None;
    Ok(reply::empty(StatusCode::NO_CONTENT))
}
