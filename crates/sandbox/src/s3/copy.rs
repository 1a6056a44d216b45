//! Copies inside S3: of an object, and of a range of one as a part of a multipart upload.

use bytes::Bytes;
use http::Response;
use percent_encoding::percent_decode_str;

use super::access::{Call, Reply};
use super::checksum::{Algorithm, Checksum};
use super::error::S3Error;
use super::reply::{self, xml_time};
use super::store::{Attributes, Bucket, Buckets, Object};
use super::{condition, multipart, name, object, range, tagging::Tags, upload};

/// What `x-amz-copy-source` names, decoded.
struct Source {
    bucket: String,
    key: String,
}

/// `CopyObject`.
pub(super) fn object(buckets: &mut Buckets, call: &mut Call<'_>) -> Reply {
    let request = call.request;
    name::check_key(call.key())?;
    let source = Source::read(call)?;
    let replaces_metadata = is_replace(call, "x-amz-metadata-directive")?;
    let replaces_tags = is_replace(call, "x-amz-tagging-directive")?;
    call.open_mut(buckets)?;
    let original = source.open(buckets, call)?;
    let tags = if replaces_tags {
        upload::requested_tags(request)?
    } else {
        copied_tags(buckets.find(&source.bucket)?, call, &source, &original)?
    };
    let bucket = call.open_mut(buckets)?;
    upload::authorize(bucket, call, &tags)?;
    let requested = upload::read_attributes(request, tags)?;
    let is_same = source.bucket == bucket.name && source.key == call.key();
    if is_same
        && !replaces_metadata
        && !replaces_tags
        && request.header("x-amz-storage-class").is_none()
    {
        return Err(S3Error::invalid_request(
            "This copy request is illegal because it is trying to copy an object to itself without changing the \
             object's metadata, storage class, website redirect location or encryption attributes.",
        ));
    }
    condition::check_write(request, call.key(), bucket.objects.get(call.key()))?;
    let headers = if replaces_metadata {
        requested.headers
    } else {
        original.attributes.headers
    };
    let attributes = Attributes {
        headers,
        tags: requested.tags,
        storage_class: requested.storage_class,
    };
    let algorithm = checksum_algorithm(call)?.unwrap_or(original.checksum.algorithm);
    let checksum = Checksum::of(algorithm, &original.bytes);
    let copy = Object::new(original.bytes, attributes, checksum, call.now);
    let response = result("CopyObjectResult", &copy.etag, &copy.checksum, &copy);
    bucket.objects.insert(call.key().to_owned(), copy);
    Ok(response)
}

/// `UploadPartCopy`.
pub(super) fn part(buckets: &mut Buckets, call: &mut Call<'_>) -> Reply {
    let source = Source::read(call)?;
    let number = multipart::part_number(call.request)?;
    let bucket = call.open_mut(buckets)?;
    call.authorize_object(bucket, "s3:PutObject", call.key())?;
    let original = source.open(buckets, call)?;
    let bytes = match call.request.header("x-amz-copy-source-range") {
        Some(header) => original
            .bytes
            .slice(range::of_copy_source(header, original.bytes.len())?)
            .into(),
        None => original.bytes,
    };
    let now = call.now;
    let upload = multipart::find_mut(call.open_mut(buckets)?, call)?;
    let part = upload.add(number, bytes, None, now);
    Ok(reply::document("CopyPartResult", |xml| {
        xml.text("LastModified", &xml_time(part.last_modified));
        xml.text("ETag", &part.etag());
        if let Some(checksum) = &part.checksum {
            xml.text(checksum.algorithm.element(), &checksum.value);
        }
    }))
}

fn result(root: &str, etag: &str, checksum: &Checksum, object: &Object) -> Response<Bytes> {
    reply::document(root, |xml| {
        xml.text("LastModified", &xml_time(object.last_modified));
        xml.text("ETag", etag);
        xml.text(checksum.algorithm.element(), &checksum.value);
        xml.text("ChecksumType", checksum.coverage.name());
    })
}

/// The source's tags; who copies them must be allowed to read them.
fn copied_tags(
    bucket: &Bucket,
    call: &mut Call<'_>,
    source: &Source,
    original: &Object,
) -> Result<Tags, S3Error> {
    let tags = original.attributes.tags.clone();
    if !tags.is_empty() {
        call.authorize_object(bucket, "s3:GetObjectTagging", &source.key)?;
    }
    Ok(tags)
}

/// Reads a directive: `COPY`, which is the default, or `REPLACE`.
fn is_replace(call: &Call<'_>, header: &'static str) -> Result<bool, S3Error> {
    match call.request.header(header) {
        None | Some("COPY") => Ok(false),
        Some("REPLACE") => Ok(true),
        Some(other) => Err(S3Error::invalid_argument(
            format!("Unknown directive: {header}."),
            header,
            other,
        )),
    }
}

/// The algorithm of `x-amz-checksum-algorithm`.
pub(super) fn checksum_algorithm(call: &Call<'_>) -> Result<Option<Algorithm>, S3Error> {
    let header = "x-amz-checksum-algorithm";
    call.request
        .header(header)
        .map(|text| {
            Algorithm::named(text)
                .ok_or_else(|| S3Error::not_implemented(&format!("{header}: {text}")))
        })
        .transpose()
}

// === impl Source ===

impl Source {
    fn read(call: &Call<'_>) -> Result<Self, S3Error> {
        let header = "x-amz-copy-source";
        let value = call.request.header(header).unwrap_or_default();
        let invalid = |message: &str| S3Error::invalid_argument(message, header, value);
        let path = match value.split_once('?') {
            None => value,
            Some((path, "versionId=null")) => path,
            Some(_) => return Err(invalid("Invalid version id specified")),
        };
        let decoded = percent_decode_str(path)
            .decode_utf8()
            .map_err(|_| invalid("Invalid copy source encoding."))?;
        let path = decoded.strip_prefix('/').unwrap_or(&decoded);
        if path.starts_with("arn:") {
            return Err(S3Error::not_implemented(
                "x-amz-copy-source with an access point",
            ));
        }
        match path.split_once('/') {
            Some((bucket, key)) if !bucket.is_empty() && !key.is_empty() => Ok(Self {
                bucket: bucket.to_owned(),
                key: key.to_owned(),
            }),
            _ => Err(invalid(
                "Copy Source must mention the source bucket and key: sourcebucket/sourcekey",
            )),
        }
    }

    /// The object, if the caller may read it and its conditions hold.
    fn open(&self, buckets: &Buckets, call: &mut Call<'_>) -> Result<Object, S3Error> {
        let bucket = buckets.find(&self.bucket)?;
        call.check_expected_owner(bucket, "x-amz-source-expected-bucket-owner")?;
        let object = object::find_readable(bucket, call, &self.key)?;
        condition::check_copy_source(call.request, object)?;
        Ok(object.clone())
    }
}
