//! `PutObject`, and what every upload has in common: its attributes and the permissions they need.

use http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_TYPE, EXPIRES,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use super::access::{Call, Reply};
use super::checksum::{Algorithm, Checksum};
use super::error::S3Error;
use super::store::{Attributes, Bucket, Buckets, Object, StorageClass};
use super::tagging::Tags;
use super::{S3Request, acl, condition, name, object, reply};

/// The headers that are kept with an object and given back with it.
const KEPT_HEADERS: [HeaderName; 7] = [
    CACHE_CONTROL,
    CONTENT_DISPOSITION,
    CONTENT_ENCODING,
    CONTENT_LANGUAGE,
    CONTENT_TYPE,
    EXPIRES,
    HeaderName::from_static("x-amz-website-redirect-location"),
];
/// Headers for which something would have to be done that is not done here.
const UNSUPPORTED_HEADERS: [&str; 5] = [
    "x-amz-server-side-encryption-aws-kms-key-id",
    "x-amz-object-lock-mode",
    "x-amz-object-lock-retain-until-date",
    "x-amz-object-lock-legal-hold",
    "x-amz-write-offset-bytes",
];
/// The most a request may hold of user metadata, names and values together.
const MAX_METADATA_BYTES: usize = 2048;

/// `PutObject`.
pub(super) fn put(buckets: &mut Buckets, call: &mut Call<'_>) -> Reply {
    let bucket = call.open_mut(buckets)?;
    let request = call.request;
    name::check_key(call.key())?;
    let tags = requested_tags(request)?;
    authorize(bucket, call, &tags)?;
    let attributes = read_attributes(request, tags)?;
    let payload = call.payload()?;
    condition::check_write(request, call.key(), bucket.objects.get(call.key()))?;
    // S3 computes one of its own when the client sent none.
    let checksum = payload
        .checksum
        .unwrap_or_else(|| Checksum::of(Algorithm::Crc64Nvme, &payload.bytes));
    let object = Object::new(payload.bytes, attributes, checksum, call.now);
    let mut response = reply::empty(StatusCode::OK);
    reply::set_header(&mut response, "etag", &object.etag);
    reply::set_header(&mut response, "x-amz-server-side-encryption", "AES256");
    let checksum = &object.checksum;
    reply::set_header(&mut response, checksum.algorithm.header(), &checksum.value);
    reply::set_header(
        &mut response,
        "x-amz-checksum-type",
        checksum.coverage.name(),
    );
    bucket.objects.insert(call.key().to_owned(), object);
    Ok(response)
}

/// Asks for what a write needs: `s3:PutObject`, and more if tags or an ACL come with it.
pub(super) fn authorize(bucket: &Bucket, call: &mut Call<'_>, tags: &Tags) -> Result<(), S3Error> {
    let key = call.key();
    call.authorize_object_tags(bucket, "s3:PutObject", key, tags)?;
    if !tags.is_empty() {
        call.authorize_object_tags(bucket, "s3:PutObjectTagging", key, tags)?;
    }
    if acl::is_sent_with(call.request) {
        call.authorize_object(bucket, "s3:PutObjectAcl", key)?;
    }
    acl::check_upload(bucket, call)
}

/// The tags of `x-amz-tagging`.
pub(super) fn requested_tags(request: &S3Request) -> Result<Tags, S3Error> {
    request
        .header("x-amz-tagging")
        .map_or_else(|| Ok(Tags::default()), Tags::from_header)
}

/// What the headers say about the object.
///
/// # Errors
/// `MetadataTooLarge`, `InvalidStorageClass`, and `NotImplemented` for encryption keys, locks and the like.
pub(super) fn read_attributes(request: &S3Request, tags: Tags) -> Result<Attributes, S3Error> {
    object::check_no_customer_key(request)?;
    if let Some(name) = UNSUPPORTED_HEADERS
        .into_iter()
        .find(|name| request.headers.contains_key(*name))
    {
        return Err(S3Error::not_implemented(name));
    }
    match request.header("x-amz-server-side-encryption") {
        None | Some("AES256") => {}
        Some(other) => {
            return Err(S3Error::not_implemented(&format!(
                "x-amz-server-side-encryption: {other}"
            )));
        }
    }
    let storage_class = request
        .header("x-amz-storage-class")
        .map_or(Ok(StorageClass::Standard), StorageClass::named)?;
    Ok(Attributes {
        headers: kept_headers(request)?,
        tags,
        storage_class,
    })
}

fn kept_headers(request: &S3Request) -> Result<HeaderMap, S3Error> {
    let mut kept = HeaderMap::new();
    let mut metadata_bytes = 0;
    for (name, value) in &request.headers {
        if let Some(short) = name.as_str().strip_prefix("x-amz-meta-") {
            metadata_bytes += short.len() + value.len();
            kept.append(name.clone(), value.clone());
        } else if KEPT_HEADERS.contains(name) {
            kept.insert(name.clone(), value.clone());
        }
    }
    if metadata_bytes > MAX_METADATA_BYTES {
        return Err(S3Error::new(
            StatusCode::BAD_REQUEST,
            "MetadataTooLarge",
            "Your metadata headers exceed the maximum allowed metadata size",
        )
        .with("Size", metadata_bytes.to_string())
        .with("MaxSizeAllowed", MAX_METADATA_BYTES.to_string()));
    }
    remove_chunked_encoding(&mut kept);
    kept.entry(CONTENT_TYPE)
        .or_insert(HeaderValue::from_static("binary/octet-stream"));
    Ok(kept)
}

/// `aws-chunked` is about the transfer, not about the object.
fn remove_chunked_encoding(headers: &mut HeaderMap) {
    let Some(encoding) = headers.remove(CONTENT_ENCODING) else {
        return;
    };
    let rest: Vec<&str> = encoding
        .to_str()
        .unwrap_or_default()
        .split(',')
        .map(str::trim)
        .filter(|coding| !coding.is_empty() && !coding.eq_ignore_ascii_case("aws-chunked"))
        .collect();
    if !rest.is_empty()
        && let Ok(value) = HeaderValue::from_str(&rest.join(","))
    {
        headers.insert(CONTENT_ENCODING, value);
    }
}
