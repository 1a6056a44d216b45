//! Buckets themselves: list, create, look, delete, locate.

use http::StatusCode;

use super::access::{Call, Reply};
use super::error::S3Error;
use super::reply::{self, xml_time};
use super::store::{Bucket, Buckets, Ownership};
use super::xml::Element;
use super::{acl, list, name};

/// The region that takes no location constraint.
const CLASSIC_REGION: &str = "us-east-1";
/// The most buckets that one page lists.
const MAX_BUCKETS: usize = 10_000;

/// `ListBuckets`.
pub(super) fn list(buckets: &Buckets, call: &mut Call<'_>) -> Reply {
    call.authorize_service("s3:ListAllMyBuckets", None, Vec::new())?;
    let account = call.account()?;
    let request = call.request;
    let limit = match request.query("max-buckets") {
        None => MAX_BUCKETS,
        Some(text) => text
            .parse()
            .ok()
            .filter(|limit| (1..=MAX_BUCKETS).contains(limit))
            .ok_or_else(|| {
                S3Error::invalid_argument(
                    "Argument max-buckets must be an integer between 1 and 10000",
                    "max-buckets",
                    text,
                )
            })?,
    };
    let after = list::read_token(request.query("continuation-token"))?;
    let prefix = request.query("prefix").unwrap_or_default();
    let region = request.query("bucket-region");
    let mut matching = buckets
        .of_account(&account)
        .filter(|bucket| bucket.name.starts_with(prefix))
        .filter(|bucket| region.is_none_or(|region| bucket.region == region))
        .skip_while(|bucket| after.as_ref().is_some_and(|after| bucket.name <= *after));
    let page: Vec<&Bucket> = matching.by_ref().take(limit).collect();
    let next = page.last().filter(|_| matching.next().is_some());
    Ok(reply::document("ListAllMyBucketsResult", |xml| {
        xml.element("Owner", |xml| xml.text("ID", &acl::canonical_id(&account)));
        xml.element("Buckets", |xml| {
            for bucket in &page {
                xml.element("Bucket", |xml| {
                    xml.text("Name", &bucket.name);
                    xml.text("CreationDate", &xml_time(bucket.created));
                    xml.text("BucketRegion", &bucket.region);
                });
            }
        });
        if !prefix.is_empty() {
            xml.text("Prefix", prefix);
        }
        if let Some(last) = next {
            xml.text("ContinuationToken", &list::write_token(&last.name));
        }
    }))
}

/// `CreateBucket`.
pub(super) fn create(buckets: &mut Buckets, call: &mut Call<'_>) -> Reply {
    let request = call.request;
    let wanted = call.bucket_name();
    name::check_bucket_name(wanted)?;
    let constraint = location_constraint(&call.payload()?.bytes)?;
    let keys = constraint
        .iter()
        .map(|region| ("s3:LocationConstraint".to_owned(), region.clone()))
        .collect();
    call.authorize_service("s3:CreateBucket", Some(wanted), keys)?;
    if request.headers.contains_key("x-amz-object-ownership") {
        let action = "s3:PutBucketOwnershipControls";
        call.authorize_service(action, Some(wanted), Vec::new())?;
    }
    if acl::is_sent_with(request) {
        call.authorize_service("s3:PutBucketAcl", Some(wanted), Vec::new())?;
    }
    check_location(&request.region, constraint.as_deref())?;
    let ownership = match request.header("x-amz-object-ownership") {
        None => Ownership::BucketOwnerEnforced,
        Some(text) => Ownership::named(text).ok_or_else(|| {
            S3Error::invalid_argument(
                "Invalid x-amz-object-ownership header",
                "x-amz-object-ownership",
                text,
            )
        })?,
    };
    acl::check_new_bucket(request, ownership)?;
    if request
        .header("x-amz-bucket-object-lock-enabled")
        .is_some_and(|value| value.eq_ignore_ascii_case("true"))
    {
        return Err(S3Error::not_implemented("x-amz-bucket-object-lock-enabled"));
    }
    let owner = call.account()?;
    match buckets.find(wanted) {
        Err(_) => {
            let mut bucket = Bucket::new(wanted, &owner, &request.region, call.now);
            bucket.ownership = Some(ownership);
            buckets.insert(bucket);
        }
        Ok(existing) if existing.owner != owner => {
            return Err(S3Error::new(
                StatusCode::CONFLICT,
                "BucketAlreadyExists",
                "The requested bucket name is not available. The bucket namespace is shared by all users of the \
                 system. Please select a different name and try again.",
            )
            .with("BucketName", wanted));
        }
        // Only us-east-1, for the sake of old clients, takes a repetition for success.
        Ok(existing) if existing.region == CLASSIC_REGION && request.region == CLASSIC_REGION => {}
        Ok(_) => {
            return Err(S3Error::new(
                StatusCode::CONFLICT,
                "BucketAlreadyOwnedByYou",
                "Your previous request to create the named bucket succeeded and you already own it.",
            )
            .with("BucketName", wanted));
        }
    }
    let mut response = reply::empty(StatusCode::OK);
    reply::set_header(&mut response, "location", &format!("/{wanted}"));
    Ok(response)
}

/// `HeadBucket`; its errors too tell the region.
pub(super) fn head(buckets: &Buckets, call: &mut Call<'_>) -> Reply {
    let region = buckets.find(call.bucket_name())?.region.clone();
    let in_region = |error: S3Error| error.header("x-amz-bucket-region", region.clone());
    let bucket = call.open(buckets).map_err(in_region)?;
    call.authorize(bucket, "s3:ListBucket").map_err(in_region)?;
    let mut response = reply::empty(StatusCode::OK);
    reply::set_header(&mut response, "x-amz-bucket-region", &bucket.region);
    reply::set_header(&mut response, "x-amz-bucket-arn", &bucket.arn());
    reply::set_header(&mut response, "x-amz-access-point-alias", "false");
    reply::set_header(&mut response, "content-type", "application/xml");
    Ok(response)
}

/// `DeleteBucket`.
pub(super) fn delete(buckets: &mut Buckets, call: &mut Call<'_>) -> Reply {
    let bucket = call.open_mut(buckets)?;
    call.authorize(bucket, "s3:DeleteBucket")?;
    if !bucket.objects.is_empty() {
        return Err(S3Error::new(
            StatusCode::CONFLICT,
            "BucketNotEmpty",
            "The bucket you tried to delete is not empty",
        )
        .with("BucketName", &bucket.name));
    }
    buckets.remove(call.bucket_name());
    Ok(reply::empty(StatusCode::NO_CONTENT))
}

/// `GetBucketLocation`, which may be asked in any region.
pub(super) fn location(buckets: &Buckets, call: &mut Call<'_>) -> Reply {
    let bucket = buckets.find(call.bucket_name())?;
    call.check_expected_owner(bucket, "x-amz-expected-bucket-owner")?;
    call.authorize(bucket, "s3:GetBucketLocation")?;
    Ok(reply::document("LocationConstraint", |xml| {
        if bucket.region != CLASSIC_REGION {
            xml.content(&bucket.region);
        }
    }))
}

/// The constraint of a `CreateBucketConfiguration`; an empty body has none.
fn location_constraint(body: &[u8]) -> Result<Option<String>, S3Error> {
    if body.is_empty() {
        return Ok(None);
    }
    let root = Element::read(body, "CreateBucketConfiguration")?;
    root.allow(&["LocationConstraint", "Location", "Bucket", "Tags"])?;
    // Directory buckets are another service; tags at creation would be lost silently.
    for (unsupported, what) in [
        ("Location", "CreateBucketConfiguration/Location"),
        ("Bucket", "CreateBucketConfiguration/Bucket"),
        ("Tags", "CreateBucketConfiguration/Tags"),
    ] {
        if root.optional(unsupported)?.is_some() {
            return Err(S3Error::not_implemented(what));
        }
    }
    Ok(root
        .optional("LocationConstraint")?
        .map(|constraint| constraint.text().trim().to_owned())
        .filter(|constraint| !constraint.is_empty()))
}

/// Whether the constraint suits the endpoint's region.
fn check_location(region: &str, constraint: Option<&str>) -> Result<(), S3Error> {
    match constraint {
        Some(CLASSIC_REGION) => Err(S3Error::new(
            StatusCode::BAD_REQUEST,
            "InvalidLocationConstraint",
            "The specified location-constraint is not valid",
        )
        .with("LocationConstraint", CLASSIC_REGION)),
        None if region == CLASSIC_REGION => Ok(()),
        Some(constraint) if constraint == region => Ok(()),
        // What every SDK before regional endpoints sent for Ireland.
        Some("EU") if region == "eu-west-1" => Ok(()),
        None => Err(incompatible(
            "The unspecified location constraint is incompatible for the region specific endpoint this request was \
             sent to."
                .to_owned(),
        )),
        Some(constraint) => Err(incompatible(format!(
            "The {constraint} location constraint is incompatible for the region specific endpoint this request was \
             sent to."
        ))),
    }
}

fn incompatible(message: String) -> S3Error {
    S3Error::new(
        StatusCode::BAD_REQUEST,
        "IllegalLocationConstraintException",
        message,
    )
}
