//! Multipart uploads: what the AWS CLI does for anything of 8 MiB and more.

use http::StatusCode;
use jiff::Timestamp;
use uuid::Uuid;

mod assembly;

use super::S3Request;
use super::access::{Call, Reply};
use super::acl::canonical_id;
use super::checksum::{Algorithm, Checksum, Coverage};
use super::error::S3Error;
use super::reply::{self, set_header, xml_time};
use super::store::{Bucket, Buckets, Part, Upload, etag, md5_of, whole_seconds};
use super::{condition, copy, name, upload};
use crate::state::{Content, Table};

const MAX_PARTS: u16 = 10_000;
/// The most parts or uploads of one page.
const MAX_LISTED: usize = 1000;

/// `CreateMultipartUpload`.
pub(super) fn create(buckets: &mut Buckets, call: &mut Call<'_>) -> Reply {
    let bucket = call.open_mut(buckets)?;
    name::check_key(call.key())?;
    let tags = upload::requested_tags(call.request)?;
    upload::authorize(bucket, call, &tags)?;
    let attributes = upload::read_attributes(call.request, tags)?;
    let checksums = requested_checksums(call)?;
    let id = Uuid::new_v4().simple().to_string();
    let response = reply::document("InitiateMultipartUploadResult", |xml| {
        xml.text("Bucket", &bucket.name);
        xml.text("Key", call.key());
        xml.text("UploadId", &id);
    });
    bucket.uploads.insert(
        id,
        Upload {
            key: call.key().to_owned(),
            initiated: whole_seconds(call.now),
            attributes,
            checksums,
            parts: Table::default(),
        },
    );
    let mut response = response;
    set_header(&mut response, "x-amz-server-side-encryption", "AES256");
    if let Some((algorithm, coverage)) = checksums {
        set_header(&mut response, "x-amz-checksum-algorithm", algorithm.name());
        set_header(&mut response, "x-amz-checksum-type", coverage.name());
    }
    Ok(response)
}

/// `UploadPart`.
pub(super) fn upload_part(buckets: &mut Buckets, call: &mut Call<'_>) -> Reply {
    let number = part_number(call.request)?;
    let bucket = call.open_mut(buckets)?;
    call.authorize_object(bucket, "s3:PutObject", call.key())?;
    let now = call.now;
    let upload = find_mut(bucket, call)?;
    let payload = call.payload()?;
    if let (Some(sent), Some((expected, _))) = (&payload.checksum, upload.checksums)
        && sent.algorithm != expected
    {
        return Err(type_mismatch(expected, sent.algorithm));
    }
    let part = upload.add(number, payload.bytes, payload.checksum, now);
    let mut response = reply::empty(StatusCode::OK);
    set_header(&mut response, "etag", &part.etag());
    set_header(&mut response, "x-amz-server-side-encryption", "AES256");
    if let Some(checksum) = &part.checksum {
        set_header(&mut response, checksum.algorithm.header(), &checksum.value);
    }
    Ok(response)
}

/// `CompleteMultipartUpload`.
pub(super) fn complete(buckets: &mut Buckets, call: &mut Call<'_>) -> Reply {
    let bucket = call.open_mut(buckets)?;
    call.authorize_object(bucket, "s3:PutObject", call.key())?;
    let now = call.now;
    let listed = assembly::listed_parts(call)?;
    let upload = find(bucket, call)?;
    let object = upload.assemble(&listed, call.request, now)?;
    condition::check_write(call.request, call.key(), bucket.objects.get(call.key()))?;
    let mut response = reply::document("CompleteMultipartUploadResult", |xml| {
        let location = format!(
            "https://{}.{}/{}",
            bucket.name,
            bucket.endpoint(),
            call.key()
        );
        xml.text("Location", &location);
        xml.text("Bucket", &bucket.name);
        xml.text("Key", call.key());
        xml.text("ETag", &object.etag);
        xml.text(object.checksum.algorithm.element(), &object.checksum.value);
        xml.text("ChecksumType", object.checksum.coverage.name());
    });
    set_header(&mut response, "x-amz-server-side-encryption", "AES256");
    bucket.uploads.remove(upload_id(call.request));
    bucket.objects.insert(call.key().to_owned(), object);
    Ok(response)
}

/// `AbortMultipartUpload`.
pub(super) fn abort(buckets: &mut Buckets, call: &mut Call<'_>) -> Reply {
    let bucket = call.open_mut(buckets)?;
    call.authorize_object(bucket, "s3:AbortMultipartUpload", call.key())?;
    find(bucket, call)?;
    bucket.uploads.remove(upload_id(call.request));
    Ok(reply::empty(StatusCode::NO_CONTENT))
}

/// `ListParts`.
pub(super) fn list_parts(buckets: &Buckets, call: &mut Call<'_>) -> Reply {
    let bucket = call.open(buckets)?;
    call.authorize_object(bucket, "s3:ListMultipartUploadParts", call.key())?;
    let owner = canonical_id(&bucket.owner);
    let bucket_name = bucket.name.clone();
    let upload = find(bucket, call)?;
    let marker: u16 = number_parameter(call.request, "part-number-marker", 0)?;
    let limit = number_parameter(call.request, "max-parts", MAX_LISTED)?.min(MAX_LISTED);
    let mut parts = upload.parts.range(marker.saturating_add(1)..);
    let page: Vec<(&u16, &Part)> = parts.by_ref().take(limit).collect();
    let next = page.last().filter(|_| parts.next().is_some());
    Ok(reply::document("ListPartsResult", |xml| {
        xml.text("Bucket", &bucket_name);
        xml.text("Key", call.key());
        xml.text("UploadId", upload_id(call.request));
        xml.element("Initiator", |xml| xml.text("ID", &owner));
        xml.element("Owner", |xml| xml.text("ID", &owner));
        xml.text("StorageClass", upload.attributes.storage_class.name());
        xml.text("PartNumberMarker", &marker.to_string());
        if let Some((number, _)) = next {
            xml.text("NextPartNumberMarker", &number.to_string());
        }
        xml.text("MaxParts", &limit.to_string());
        xml.text("IsTruncated", if next.is_some() { "true" } else { "false" });
        if let Some((algorithm, coverage)) = upload.checksums {
            xml.text("ChecksumAlgorithm", algorithm.name());
            xml.text("ChecksumType", coverage.name());
        }
        for (number, part) in &page {
            xml.element("Part", |xml| {
                xml.text("PartNumber", &number.to_string());
                xml.text("LastModified", &xml_time(part.last_modified));
                xml.text("ETag", &part.etag());
                xml.text("Size", &part.bytes.len().to_string());
                if let Some(checksum) = &part.checksum {
                    xml.text(checksum.algorithm.element(), &checksum.value);
                }
            });
        }
    }))
}

/// `ListMultipartUploads`: one page of all uploads under way under a prefix, by key and id.
pub(super) fn list(buckets: &Buckets, call: &mut Call<'_>) -> Reply {
    let bucket = call.open(buckets)?;
    call.authorize(bucket, "s3:ListBucketMultipartUploads")?;
    if let Some(unsupported) = ["delimiter", "key-marker", "upload-id-marker"]
        .into_iter()
        .find(|name| {
            call.request
                .query(name)
                .is_some_and(|value| !value.is_empty())
        })
    {
        return Err(S3Error::not_implemented(unsupported));
    }
    let prefix = call.request.query("prefix").unwrap_or_default();
    let mut uploads: Vec<(&String, &Upload)> = bucket
        .uploads
        .iter()
        .filter(|(_, upload)| upload.key.starts_with(prefix))
        .collect();
    uploads
        .sort_by(|(id, upload), (other_id, other)| (&upload.key, id).cmp(&(&other.key, other_id)));
    let owner = canonical_id(&bucket.owner);
    Ok(reply::document("ListMultipartUploadsResult", |xml| {
        xml.text("Bucket", &bucket.name);
        xml.text("KeyMarker", "");
        xml.text("UploadIdMarker", "");
        xml.text("Prefix", prefix);
        xml.text("MaxUploads", &MAX_LISTED.to_string());
        xml.text("IsTruncated", "false");
        for (id, upload) in &uploads {
            xml.element("Upload", |xml| {
                xml.text("Key", &upload.key);
                xml.text("UploadId", id);
                xml.element("Initiator", |xml| xml.text("ID", &owner));
                xml.element("Owner", |xml| xml.text("ID", &owner));
                xml.text("StorageClass", upload.attributes.storage_class.name());
                xml.text("Initiated", &xml_time(upload.initiated));
            });
        }
    }))
}

/// The upload that the request names, which must be of the request's key.
///
/// # Errors
/// `NoSuchUpload`.
fn find<'b>(bucket: &'b Bucket, call: &Call<'_>) -> Result<&'b Upload, S3Error> {
    let id = upload_id(call.request);
    bucket
        .uploads
        .get(id)
        .filter(|upload| upload.key == call.key())
        .ok_or_else(|| no_such_upload(id))
}

/// The upload that the request names, to be changed; errors as for [`find`].
pub(super) fn find_mut<'b>(
    bucket: &'b mut Bucket,
    call: &Call<'_>,
) -> Result<&'b mut Upload, S3Error> {
    let id = upload_id(call.request);
    bucket
        .uploads
        .open_mut(id)
        .filter(|upload| upload.key == call.key())
        .ok_or_else(|| no_such_upload(id))
}

/// The number of the part that the request is about.
///
/// # Errors
/// `InvalidArgument`.
pub(super) fn part_number(request: &S3Request) -> Result<u16, S3Error> {
    let text = request.query("partNumber").unwrap_or_default();
    text.parse()
        .ok()
        .filter(|number| (1..=MAX_PARTS).contains(number))
        .ok_or_else(|| {
            S3Error::invalid_argument(
                "Part number must be an integer between 1 and 10000, inclusive",
                "partNumber",
                text,
            )
        })
}

// === impl Upload ===

impl Upload {
    /// Adds a part, replacing the one of that number.
    pub(super) fn add(
        &mut self,
        number: u16,
        bytes: impl Into<Content>,
        checksum: Option<Checksum>,
        now: Timestamp,
    ) -> &Part {
        let bytes = bytes.into();
        let algorithm = self.checksums.map(|(algorithm, _)| algorithm);
        let part = Part {
            md5: md5_of(&bytes),
            last_modified: whole_seconds(now),
            checksum: checksum
                .or_else(|| algorithm.map(|algorithm| Checksum::of(algorithm, &bytes))),
            bytes,
        };
        self.parts.insert(number, part);
        &self.parts[&number]
    }
}

// === impl Part ===

impl Part {
    pub(super) fn etag(&self) -> String {
        etag(&self.md5)
    }
}

// === Reading requests ===

fn upload_id(request: &S3Request) -> &str {
    request.query("uploadId").unwrap_or_default()
}

fn number_parameter<T: std::str::FromStr>(
    request: &S3Request,
    name: &str,
    default: T,
) -> Result<T, S3Error> {
    match request.query(name) {
        None | Some("") => Ok(default),
        Some(text) => text.parse().map_err(|_| {
            S3Error::invalid_argument(
                format!("Provided {name} not an integer or within integer range"),
                name,
                text,
            )
        }),
    }
}

fn requested_checksums(call: &Call<'_>) -> Result<Option<(Algorithm, Coverage)>, S3Error> {
    let coverage = match call.request.header("x-amz-checksum-type") {
        None => None,
        Some(text) => Some(Coverage::named(text).ok_or_else(|| {
            S3Error::invalid_request("Value for x-amz-checksum-type header is invalid.")
        })?),
    };
    let Some(algorithm) = copy::checksum_algorithm(call)? else {
        return match coverage {
            None => Ok(None),
            Some(_) => Err(S3Error::invalid_request(
                "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.",
            )),
        };
    };
    let coverage = coverage.unwrap_or_else(|| algorithm.default_coverage());
    if algorithm.supports(coverage) {
        return Ok(Some((algorithm, coverage)));
    }
    Err(S3Error::invalid_request(format!(
        "The {} checksum type cannot be used with the {} checksum algorithm.",
        coverage.name(),
        algorithm.name().to_ascii_lowercase()
    )))
}

fn no_such_upload(id: &str) -> S3Error {
    S3Error::new(
        StatusCode::NOT_FOUND,
        "NoSuchUpload",
        "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or \
         completed.",
    )
    .with("UploadId", id)
}

/// The error for a checksum of another algorithm than the upload's.
pub(super) fn type_mismatch(expected: Algorithm, actual: Algorithm) -> S3Error {
    S3Error::invalid_request(format!(
        "Checksum Type mismatch occurred, expected checksum Type: {}, actual checksum Type: {}",
        expected.name().to_ascii_lowercase(),
        actual.name().to_ascii_lowercase()
    ))
}
