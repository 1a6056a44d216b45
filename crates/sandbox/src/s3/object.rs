//! Objects: reading with ranges and conditions, and deleting.

use std::ops::Range;

use http::StatusCode;

use super::S3Request;
use super::access::{Call, Reply};
use super::condition::{self, format_date};
use super::error::S3Error;
use super::reply::{self, set_header};
use super::store::{Bucket, Buckets, Object, StorageClass};
use super::xml::Element;
use super::{name, range};

/// The parameters that override headers of the answer.
const OVERRIDES: [(&str, &str); 6] = [
    ("response-cache-control", "cache-control"),
    ("response-content-disposition", "content-disposition"),
    ("response-content-encoding", "content-encoding"),
    ("response-content-language", "content-language"),
    ("response-content-type", "content-type"),
    ("response-expires", "expires"),
];
/// The most keys of one `DeleteObjects`.
const MAX_DELETIONS: usize = 1000;

/// `GetObject` and `HeadObject`.
pub(super) fn read(buckets: &Buckets, call: &mut Call<'_>) -> Reply {
    let bucket = call.open(buckets)?;
    let request = call.request;
    check_version(request)?;
    check_no_customer_key(request)?;
    let object = find_readable(bucket, call, call.key())?;
    if call.is_anonymous()
        && OVERRIDES
            .iter()
            .any(|(name, _)| request.query(name).is_some())
    {
        return Err(S3Error::invalid_request(
            "Request specific response headers cannot be used for anonymous GET requests.",
        ));
    }
    condition::check_read(request, object)?;
    let length = object.bytes.len();
    let selected = match request.query("partNumber") {
        Some(_) if request.headers.contains_key("range") => {
            return Err(S3Error::invalid_request(
                "Cannot specify both Range header and partNumber query parameter",
            ));
        }
        Some(number) => Some(part_range(object, number)?),
        None => range::requested(request.header("range"), length)?,
    };
    let mut response = reply::empty(StatusCode::OK);
    if let Some(range) = &selected {
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
        let last = range.end.saturating_sub(1);
        set_header(
            &mut response,
            "content-range",
            &format!("bytes {}-{last}/{length}", range.start),
        );
    }
    if request.query("partNumber").is_some() && !object.part_sizes.is_empty() {
        let count = object.part_sizes.len().to_string();
        set_header(&mut response, "x-amz-mp-parts-count", &count);
    }
    // A checksum is of the whole object, so it would only mislead beside a part of it.
    if selected.is_none() && request.header("x-amz-checksum-mode") == Some("ENABLED") {
        let checksum = &object.checksum;
        set_header(&mut response, checksum.algorithm.header(), &checksum.value);
        set_header(
            &mut response,
            "x-amz-checksum-type",
            checksum.coverage.name(),
        );
    }
    describe(&mut response, object);
    for (parameter, header) in OVERRIDES {
        if let Some(value) = request.query(parameter) {
            set_header(&mut response, header, value);
        }
    }
    if !object.attributes.tags.is_empty()
        && !call.is_anonymous()
        && call
            .authorize_object(bucket, "s3:GetObjectTagging", call.key())
            .is_ok()
    {
        let count = object.attributes.tags.len().to_string();
        set_header(&mut response, "x-amz-tagging-count", &count);
    }
    let bytes = match selected {
        Some(range) => object.bytes.slice(range),
        None => object.bytes.bytes().clone(),
    };
    set_header(&mut response, "content-length", &bytes.len().to_string());
    *response.body_mut() = bytes;
    Ok(response)
}

/// The object under the key, if the caller may read it; whether it exists is told only to who may list the bucket.
pub(super) fn find_readable<'b>(
    bucket: &'b Bucket,
    call: &mut Call<'_>,
    key: &str,
) -> Result<&'b Object, S3Error> {
    call.authorize_object(bucket, "s3:GetObject", key)?;
    bucket
        .object(key)
        .map_err(|missing| match call.authorize(bucket, "s3:ListBucket") {
            Ok(()) => missing,
            Err(denied) => denied,
        })
}

/// `DeleteObject`: what is not there is deleted too.
pub(super) fn delete(buckets: &mut Buckets, call: &mut Call<'_>) -> Reply {
    let bucket = call.open_mut(buckets)?;
    check_version(call.request)?;
    call.authorize_object(bucket, "s3:DeleteObject", call.key())?;
    let current = bucket.objects.get(call.key());
    if current.is_some() || call.request.header("if-match").is_some() {
        condition::check_write(call.request, call.key(), current)?;
    }
    bucket.objects.remove(call.key());
    Ok(reply::empty(StatusCode::NO_CONTENT))
}

/// `DeleteObjects`: each key is decided on its own.
pub(super) fn delete_many(buckets: &mut Buckets, call: &mut Call<'_>) -> Reply {
    let bucket = call.open_mut(buckets)?;
    let payload = call.payload()?;
    if !payload.is_vouched_for {
        return Err(S3Error::invalid_request(
            "Missing required header for this request: Content-MD5 OR x-amz-checksum-*",
        ));
    }
    let root = Element::read(&payload.bytes, "Delete")?;
    root.allow(&["Object", "Quiet"])?;
    let is_quiet = match root.optional("Quiet")? {
        Some(quiet) => quiet.boolean()?,
        None => false,
    };
    let keys = keys_to_delete(&root)?;
    let mut outcomes = Vec::with_capacity(keys.len());
    for key in keys {
        let outcome = name::check_key(key)
            .and_then(|()| call.authorize_object(bucket, "s3:DeleteObject", key));
        if outcome.is_ok() {
            bucket.objects.remove(key);
        }
        outcomes.push((key, outcome));
    }
    Ok(reply::document("DeleteResult", |xml| {
        for (key, outcome) in &outcomes {
            match outcome {
                Ok(()) if is_quiet => {}
                Ok(()) => xml.element("Deleted", |xml| xml.text("Key", key)),
                Err(error) => xml.element("Error", |xml| {
                    xml.text("Key", key);
                    xml.text("Code", error.code);
                    xml.text("Message", &error.message);
                }),
            }
        }
    }))
}

/// Refuses a version other than `null`, the only one in a bucket that was never versioned.
pub(super) fn check_version(request: &S3Request) -> Result<(), S3Error> {
    match request.query("versionId") {
        None | Some("null") => Ok(()),
        Some(other) => Err(S3Error::invalid_argument(
            "Invalid version id specified",
            "versionId",
            other,
        )),
    }
}

/// Refuses encryption with a key of the customer's, which would have to be checked.
pub(super) fn check_no_customer_key(request: &S3Request) -> Result<(), S3Error> {
    let customer_key = request
        .headers
        .keys()
        .find(|name| name.as_str().contains("server-side-encryption-customer-"));
    match customer_key {
        Some(name) => Err(S3Error::not_implemented(name.as_str())),
        None => Ok(()),
    }
}

/// The headers that describe an object.
fn describe(response: &mut http::Response<bytes::Bytes>, object: &Object) {
    response.headers_mut().extend(
        object
            .attributes
            .headers
            .iter()
            .map(|(name, value)| (name.clone(), value.clone())),
    );
    set_header(response, "etag", &object.etag);
    set_header(
        response,
        "last-modified",
        &format_date(object.last_modified),
    );
    set_header(response, "accept-ranges", "bytes");
    set_header(response, "x-amz-server-side-encryption", "AES256");
    if object.attributes.storage_class != StorageClass::Standard {
        set_header(
            response,
            "x-amz-storage-class",
            object.attributes.storage_class.name(),
        );
    }
}

/// The bytes of a part by its number; an object that was uploaded whole is its own part 1.
fn part_range(object: &Object, number: &str) -> Result<Range<usize>, S3Error> {
    let number: usize = number
        .parse()
        .ok()
        .filter(|number| (1..=10_000).contains(number))
        .ok_or_else(|| {
            S3Error::invalid_argument(
                "Part number must be an integer between 1 and 10000, inclusive",
                "partNumber",
                number,
            )
        })?;
    if object.part_sizes.is_empty() && number == 1 {
        return Ok(0..object.bytes.len());
    }
    let size = object.part_sizes.get(number - 1).ok_or_else(|| {
        S3Error::new(
            StatusCode::RANGE_NOT_SATISFIABLE,
            "InvalidPartNumber",
            "The requested partnumber is not satisfiable",
        )
        .with("PartNumberRequested", number.to_string())
    })?;
    let start: usize = object.part_sizes[..number - 1].iter().sum();
    Ok(start..start + size)
}

fn keys_to_delete(root: &Element) -> Result<Vec<&str>, S3Error> {
    let mut keys = Vec::new();
    for object in root.all("Object") {
        object.allow(&["Key", "VersionId", "ETag", "LastModifiedTime", "Size"])?;
        if let Some(version) = object.optional("VersionId")?
            && version.text() != "null"
        {
            return Err(S3Error::invalid_argument(
                "Invalid version id specified",
                "VersionId",
                version.text(),
            ));
        }
        for condition in ["ETag", "LastModifiedTime", "Size"] {
            if object.optional(condition)?.is_some() {
                return Err(S3Error::not_implemented(&format!("Object/{condition}")));
            }
        }
        keys.push(object.required("Key")?.text());
    }
    if keys.is_empty() || keys.len() > MAX_DELETIONS || keys.contains(&"") {
        return Err(S3Error::malformed_xml());
    }
    Ok(keys)
}
