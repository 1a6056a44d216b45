//! The end of a multipart upload: the parts the client lists, checked against the parts that came, become an object.

use bytes::BytesMut;
use http::StatusCode;
use jiff::Timestamp;

use super::{MAX_PARTS, type_mismatch};
use crate::s3::S3Request;
use crate::s3::access::Call;
use crate::s3::checksum::{Algorithm, Checksum, Coverage};
use crate::s3::error::S3Error;
use crate::s3::payload;
use crate::s3::store::{Object, Part, Upload, etag, md5_of};
use crate::s3::xml::Element;

/// All parts but the last have at least this many bytes.
const MIN_PART_BYTES: usize = 5 * 1024 * 1024;

/// A part as `CompleteMultipartUpload` lists it.
pub(super) struct Listed {
    number: u16,
    etag: String,
    checksum: Option<(Algorithm, String)>,
}

/// The parts that the request's document lists.
pub(super) fn listed_parts(call: &Call<'_>) -> Result<Vec<Listed>, S3Error> {
    read_parts(&completion_document(call)?)
}

// === impl Upload ===

impl Upload {
    /// Makes the object of the listed parts.
    pub(super) fn assemble(
        &self,
        listed: &[Listed],
        request: &S3Request,
        now: Timestamp,
    ) -> Result<Object, S3Error> {
        let parts = self.select(listed)?;
        let mut bytes = BytesMut::with_capacity(parts.iter().map(|part| part.bytes.len()).sum());
        let mut md5s = Vec::with_capacity(parts.len() * 16);
        for part in &parts {
            bytes.extend_from_slice(&part.bytes);
            md5s.extend_from_slice(&part.md5);
        }
        let bytes = bytes.freeze();
        let checksum = self.checksum(&parts, &bytes)?;
        verify_whole(&checksum, bytes.len(), request)?;
        let part_sizes = parts.iter().map(|part| part.bytes.len()).collect();
        let mut object = Object::new(bytes, self.attributes.clone(), checksum, now);
        object.etag = format!(
            "{}-{}\"",
            etag(&md5_of(&md5s)).trim_end_matches('"'),
            parts.len()
        );
        object.part_sizes = part_sizes;
        Ok(object)
    }

    /// The parts in the order listed, each as the client says it is.
    fn select(&self, listed: &[Listed]) -> Result<Vec<&Part>, S3Error> {
        if listed
            .windows(2)
            .any(|pair| pair[0].number >= pair[1].number)
        {
            return Err(S3Error::new(
                StatusCode::BAD_REQUEST,
                "InvalidPartOrder",
                "The list of parts was not in ascending order. Parts must be ordered by part number.",
            ));
        }
        let mut parts = Vec::with_capacity(listed.len());
        for (index, wanted) in listed.iter().enumerate() {
            let part = self
                .parts
                .get(&wanted.number)
                .filter(|part| part.etag().trim_matches('"') == wanted.etag)
                .filter(|part| wanted.agrees_with(part.checksum.as_ref()))
                .ok_or_else(|| invalid_part(wanted))?;
            if index + 1 < listed.len() && part.bytes.len() < MIN_PART_BYTES {
                return Err(S3Error::new(
                    StatusCode::BAD_REQUEST,
                    "EntityTooSmall",
                    "Your proposed upload is smaller than the minimum allowed size",
                )
                .with("ProposedSize", part.bytes.len().to_string())
                .with("MinSizeAllowed", MIN_PART_BYTES.to_string())
                .with("PartNumber", wanted.number.to_string()));
            }
            parts.push(part);
        }
        Ok(parts)
    }

    fn checksum(&self, parts: &[&Part], bytes: &[u8]) -> Result<Checksum, S3Error> {
        let Some((algorithm, coverage)) = self.checksums else {
            return Ok(Checksum::of(Algorithm::Crc64Nvme, bytes));
        };
        match coverage {
            Coverage::FullObject => Ok(Checksum::of(algorithm, bytes)),
            Coverage::Composite => {
                let values = parts
                    .iter()
                    .filter_map(|part| part.checksum.as_ref())
                    .map(|checksum| checksum.value.as_str());
                Checksum::composite(algorithm, values).ok_or_else(|| {
                    S3Error::invalid_request("The checksum of a part is not valid Base64.")
                })
            }
        }
    }
}

// === impl Listed ===

impl Listed {
    fn agrees_with(&self, checksum: Option<&Checksum>) -> bool {
        match (&self.checksum, checksum) {
            (None, _) => true,
            (Some((algorithm, value)), Some(checksum)) => {
                checksum.algorithm == *algorithm && checksum.value == *value
            }
            (Some(_), None) => false,
        }
    }
}

// === Reading requests ===

/// The document that lists the parts. Its checksum headers are about the object, so they are not verified with it.
fn completion_document(call: &Call<'_>) -> Result<Element, S3Error> {
    let mut request = call.request.clone();
    for algorithm in Algorithm::ALL {
        request.headers.remove(algorithm.header());
    }
    let payload = payload::read(&request)?;
    Element::read(&payload.bytes, "CompleteMultipartUpload")
}

fn read_parts(root: &Element) -> Result<Vec<Listed>, S3Error> {
    let mut listed = Vec::new();
    for part in root.allow(&["Part"])?.all("Part") {
        let mut checksum = None;
        for algorithm in Algorithm::ALL {
            if let Some(element) = part.optional(algorithm.element())? {
                checksum = Some((algorithm, element.text().trim().to_owned()));
            }
        }
        let number = part.required("PartNumber")?.text().trim();
        let number = number
            .parse()
            .ok()
            .filter(|number| (1..=MAX_PARTS).contains(number))
            .ok_or_else(S3Error::malformed_xml)?;
        let etag = part.required("ETag")?.text().trim();
        listed.push(Listed {
            number,
            etag: etag.trim_matches('"').to_owned(),
            checksum,
        });
    }
    if listed.is_empty() {
        return Err(S3Error::malformed_xml());
    }
    Ok(listed)
}

/// Compares size and checksum of the object with the headers of `CompleteMultipartUpload`.
fn verify_whole(checksum: &Checksum, size: usize, request: &S3Request) -> Result<(), S3Error> {
    if let Some(sent) = request.header("x-amz-mp-object-size")
        && sent.parse() != Ok(size)
    {
        return Err(S3Error::invalid_request(format!(
            "The provided 'x-amz-mp-object-size' header value {sent} does not match what was computed: {size}"
        )));
    }
    for algorithm in Algorithm::ALL {
        match request.header(algorithm.header()) {
            Some(_) if algorithm != checksum.algorithm => {
                return Err(type_mismatch(checksum.algorithm, algorithm));
            }
            Some(sent) if sent != checksum.value => {
                return Err(S3Error::bad_digest(format!(
                    "The {} you specified did not match the calculated checksum.",
                    algorithm.name()
                )));
            }
            _ => {}
        }
    }
    Ok(())
}

fn invalid_part(wanted: &Listed) -> S3Error {
    S3Error::new(
        StatusCode::BAD_REQUEST,
        "InvalidPart",
        "One or more of the specified parts could not be found.  The part may not have been uploaded, or the \
         specified entity tag may not match the part's entity tag.",
    )
    .with("PartNumber", wanted.number.to_string())
    .with("ETag", wanted.etag.as_str())
}
