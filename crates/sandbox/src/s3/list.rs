//! Listing a bucket, in both versions of the operation: pages, prefixes, delimiters.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Bound;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use podpass_policy::AccountId;

use super::S3Request;
use super::access::{Call, Reply};
use super::acl::canonical_id;
use super::error::S3Error;
use super::reply::{self, xml_time};
use super::store::{Buckets, Object};
use super::xml::Writer;

/// One page: what is shown, in key order, and where the next page starts.
#[derive(Debug, Default, PartialEq)]
struct Page<'a> {
    entries: Vec<Entry<'a>>,
    /// The last key or common prefix of a page that is not the last.
    next_after: Option<&'a str>,
}

#[derive(Debug, PartialEq)]
enum Entry<'a> {
    Object(&'a str),
    CommonPrefix(&'a str),
}

/// What both versions have in common.
struct Query<'a> {
    request: &'a S3Request,
    prefix: &'a str,
    delimiter: Option<&'a str>,
    max_keys: usize,
    is_url_encoded: bool,
}

/// The most entries of one page.
const MAX_KEYS: usize = 1000;

/// What `encoding-type=url` leaves as it is.
const KEPT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'*')
    .remove(b'/');

/// `ListObjects`.
pub(super) fn version_1(buckets: &Buckets, call: &mut Call<'_>) -> Reply {
    let bucket = call.open(buckets)?;
    let query = Query::read(call.request)?;
    call.authorize_with(bucket, "s3:ListBucket", query.context())?;
    let marker = call.request.query("marker").unwrap_or_default();
    let page = page(&bucket.objects, &query, marker);
    Ok(reply::document("ListBucketResult", |xml| {
        xml.text("Name", &bucket.name);
        xml.text("Prefix", &query.encode(query.prefix));
        xml.text("Marker", &query.encode(marker));
        if let (Some(next), Some(_)) = (page.next_after, query.delimiter) {
            xml.text("NextMarker", &query.encode(next));
        }
        query.write(xml, &page);
        page.write(xml, &query, &bucket.objects, Some(&bucket.owner));
    }))
}

/// `ListObjectsV2`.
pub(super) fn version_2(buckets: &Buckets, call: &mut Call<'_>) -> Reply {
    let bucket = call.open(buckets)?;
    let request = call.request;
    let query = Query::read(request)?;
    call.authorize_with(bucket, "s3:ListBucket", query.context())?;
    let token = request.query("continuation-token");
    let start_after = request.query("start-after");
    let after = match read_token(token)? {
        Some(after) => after,
        None => start_after.unwrap_or_default().to_owned(),
    };
    let page = page(&bucket.objects, &query, &after);
    let owner = (request.query("fetch-owner") == Some("true")).then_some(&bucket.owner);
    let mut response = reply::document("ListBucketResult", |xml| {
        xml.text("Name", &bucket.name);
        xml.text("Prefix", &query.encode(query.prefix));
        if let Some(token) = token {
            xml.text("ContinuationToken", token);
        }
        if let Some(next) = page.next_after {
            xml.text("NextContinuationToken", &write_token(next));
        }
        if let Some(start_after) = start_after {
            xml.text("StartAfter", &query.encode(start_after));
        }
        xml.text("KeyCount", &page.entries.len().to_string());
        query.write(xml, &page);
        page.write(xml, &query, &bucket.objects, owner);
    });
    reply::set_header(&mut response, "x-amz-bucket-region", &bucket.region);
    Ok(response)
}

/// Makes an opaque continuation token.
pub(super) fn write_token(after: &str) -> String {
    URL_SAFE_NO_PAD.encode(after)
}

/// Reads a continuation token.
///
/// # Errors
/// `InvalidArgument` for anything [`write_token`] did not make.
pub(super) fn read_token(token: Option<&str>) -> Result<Option<String>, S3Error> {
    let Some(token) = token else {
        return Ok(None);
    };
    URL_SAFE_NO_PAD
        .decode(token)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .filter(|after| !after.is_empty())
        .map(Some)
        .ok_or_else(|| {
            S3Error::invalid_argument(
                "The continuation token provided is incorrect",
                "continuation-token",
                token,
            )
        })
}

/// The entries after `after`; keys under one common prefix count as one entry.
fn page<'a>(objects: &'a BTreeMap<String, Object>, query: &Query<'_>, after: &str) -> Page<'a> {
    let mut page = Page::default();
    let start = if after < query.prefix {
        Bound::Included(query.prefix)
    } else {
        Bound::Excluded(after)
    };
    let mut previous_group: Option<&str> = None;
    let keys = objects
        .range::<str, _>((start, Bound::Unbounded))
        .map(|(key, _)| key.as_str())
        .take_while(|key| key.starts_with(query.prefix));
    for key in keys {
        let entry = match query.group(key) {
            // The rest of a group that this page, or the one before, has shown already.
            Some(group) if previous_group == Some(group) || group == after => continue,
            Some(group) => {
                previous_group = Some(group);
                Entry::CommonPrefix(group)
            }
            None => Entry::Object(key),
        };
        if page.entries.len() == query.max_keys {
            page.next_after = page.entries.last().map(Entry::name);
            return page;
        }
        page.entries.push(entry);
    }
    page
}

// === impl Query ===

impl<'a> Query<'a> {
    fn read(request: &'a S3Request) -> Result<Self, S3Error> {
        let max_keys = match request.query("max-keys") {
            None => MAX_KEYS,
            Some(text) => text
                .parse::<i32>()
                .map_err(|_| {
                    S3Error::invalid_argument(
                        "Provided max-keys not an integer or within integer range",
                        "max-keys",
                        text,
                    )
                })
                .and_then(|number| {
                    usize::try_from(number).map_err(|_| {
                        S3Error::invalid_argument(
                            "Argument maxKeys must be an integer between 0 and 2147483647",
                            "maxKeys",
                            text,
                        )
                    })
                })?,
        };
        let is_url_encoded = match request.query("encoding-type") {
            None => false,
            Some("url") => true,
            Some(other) => {
                return Err(S3Error::invalid_argument(
                    "Invalid Encoding Method specified in Request",
                    "encoding-type",
                    other,
                ));
            }
        };
        Ok(Self {
            request,
            prefix: request.query("prefix").unwrap_or_default(),
            delimiter: request
                .query("delimiter")
                .filter(|delimiter| !delimiter.is_empty()),
            max_keys: max_keys.min(MAX_KEYS),
            is_url_encoded,
        })
    }

    /// The condition keys of the parameters that were sent.
    fn context(&self) -> Vec<(String, String)> {
        ["prefix", "delimiter", "max-keys"]
            .into_iter()
            .filter_map(|name| {
                let value = self.request.query(name)?;
                Some((format!("s3:{name}"), value.to_owned()))
            })
            .collect()
    }

    /// The common prefix a key belongs to.
    fn group<'k>(&self, key: &'k str) -> Option<&'k str> {
        let delimiter = self.delimiter?;
        let rest = &key[self.prefix.len()..];
        let end = rest.find(delimiter)? + delimiter.len();
        Some(&key[..self.prefix.len() + end])
    }

    fn encode<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if self.is_url_encoded {
            utf8_percent_encode(text, KEPT).into()
        } else {
            Cow::Borrowed(text)
        }
    }

    fn write(&self, xml: &mut Writer, page: &Page<'_>) {
        xml.text("MaxKeys", &self.max_keys.to_string());
        if let Some(delimiter) = self.delimiter {
            xml.text("Delimiter", &self.encode(delimiter));
        }
        if self.is_url_encoded {
            xml.text("EncodingType", "url");
        }
        let is_truncated = page.next_after.is_some();
        xml.text("IsTruncated", if is_truncated { "true" } else { "false" });
    }
}

// === impl Entry ===

impl<'a> Entry<'a> {
    fn name(&self) -> &'a str {
        match self {
            Self::Object(name) | Self::CommonPrefix(name) => name,
        }
    }
}

// === impl Page ===

impl Page<'_> {
    fn write(
        &self,
        xml: &mut Writer,
        query: &Query<'_>,
        objects: &BTreeMap<String, Object>,
        owner: Option<&AccountId>,
    ) {
        for entry in &self.entries {
            if let Entry::Object(key) = entry
                && let Some(object) = objects.get(*key)
            {
                xml.element("Contents", |xml| {
                    xml.text("Key", &query.encode(key));
                    xml.text("LastModified", &xml_time(object.last_modified));
                    xml.text("ETag", &object.etag);
                    xml.text("ChecksumAlgorithm", object.checksum.algorithm.name());
                    xml.text("ChecksumType", object.checksum.coverage.name());
                    xml.text("Size", &object.bytes.len().to_string());
                    if let Some(owner) = owner {
                        xml.element("Owner", |xml| xml.text("ID", &canonical_id(owner)));
                    }
                    xml.text("StorageClass", object.attributes.storage_class.name());
                });
            }
        }
        for entry in &self.entries {
            if let Entry::CommonPrefix(prefix) = entry {
                xml.element("CommonPrefixes", |xml| {
                    xml.text("Prefix", &query.encode(prefix));
                });
            }
        }
    }
}
