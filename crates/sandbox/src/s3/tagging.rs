//! Tag sets of buckets and objects: limits, both input forms, and the operations on them.

use http::StatusCode;
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};

use super::access::{Call, Reply};
use super::error::S3Error;
use super::store::{Bucket, Buckets};
use super::xml::{Element, Writer};
use super::{object, reply};

/// Tags in the order they were given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Tags(Vec<(String, String)>);

/// Whose tags they are; the limit differs.
#[derive(Clone, Copy)]
enum Owner {
    Bucket,
    Object,
}

const MAX_KEY_CHARACTERS: usize = 128;
const MAX_VALUE_CHARACTERS: usize = 256;

// === impl Tags ===

impl Tags {
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Reads the form of `x-amz-tagging`: `a=b&c=d`, URL-encoded.
    pub(super) fn from_header(value: &str) -> Result<Self, S3Error> {
        let invalid = || {
            S3Error::invalid_argument(
                "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without \
                 tag name duplicates.",
                "x-amz-tagging",
                value,
            )
        };
        let decode = |text: &str| {
            percent_decode_str(&text.replace('+', " "))
                .decode_utf8()
                .map(std::borrow::Cow::into_owned)
                .map_err(|_| invalid())
        };
        let mut tags = Vec::new();
        for pair in value.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            tags.push((decode(key)?, decode(value)?));
        }
        let tags = Self(tags);
        if tags.has_duplicates() {
            return Err(invalid());
        }
        tags.checked(Owner::Object)
    }

    fn from_document(document: &[u8], owner: Owner) -> Result<Self, S3Error> {
        let root = Element::read(document, "Tagging")?;
        let set = root.allow(&["TagSet"])?.required("TagSet")?;
        let mut tags = Vec::new();
        for tag in set.allow(&["Tag"])?.all("Tag") {
            tag.allow(&["Key", "Value"])?;
            tags.push((
                tag.required("Key")?.text().to_owned(),
                tag.required("Value")?.text().to_owned(),
            ));
        }
        Self(tags).checked(owner)
    }

    fn has_duplicates(&self) -> bool {
        let mut keys: Vec<&str> = self.iter().map(|(key, _)| key).collect();
        keys.sort_unstable();
        keys.windows(2).any(|pair| pair[0] == pair[1])
    }

    fn checked(self, owner: Owner) -> Result<Self, S3Error> {
        let (maximum, name) = match owner {
            Owner::Bucket => (50, "Bucket"),
            Owner::Object => (10, "Object"),
        };
        if self.len() > maximum {
            return Err(S3Error::new(
                StatusCode::BAD_REQUEST,
                "BadRequest",
                format!("{name} tags cannot be greater than {maximum}"),
            ));
        }
        if self.has_duplicates() {
            return Err(invalid_tag(
                "Cannot provide multiple Tags with the same key",
            ));
        }
        for (key, value) in self.iter() {
            check_tag(key, value)?;
        }
        Ok(self)
    }

    fn write(&self, xml: &mut Writer) {
        xml.element("TagSet", |xml| {
            for (key, value) in self.iter() {
                xml.element("Tag", |xml| {
                    xml.text("Key", key);
                    xml.text("Value", value);
                });
            }
        });
    }
}

fn check_tag(key: &str, value: &str) -> Result<(), S3Error> {
    let is_allowed = |character: char| {
        character.is_alphanumeric() || character.is_whitespace() || "_.:/=+-@".contains(character)
    };
    if key.starts_with("aws:") {
        return Err(invalid_tag(
            "System tags cannot be added/updated by requester",
        ));
    }
    let key_length = key.chars().count();
    if key_length == 0 || key_length > MAX_KEY_CHARACTERS || !key.chars().all(is_allowed) {
        return Err(invalid_tag("The TagKey you have provided is invalid").with("TagKey", key));
    }
    if value.chars().count() > MAX_VALUE_CHARACTERS || !value.chars().all(is_allowed) {
        return Err(invalid_tag("The TagValue you have provided is invalid")
            .with("TagKey", key)
            .with("TagValue", value));
    }
    Ok(())
}

fn invalid_tag(message: &str) -> S3Error {
    S3Error::new(StatusCode::BAD_REQUEST, "InvalidTag", message)
}

// === Operations on a bucket's tags ===

/// `GetBucketTagging`.
pub(super) fn of_bucket(buckets: &Buckets, call: &mut Call<'_>) -> Reply {
    let bucket = call.open(buckets)?;
    call.authorize(bucket, "s3:GetBucketTagging")?;
    let tags = bucket.tags.as_ref().ok_or_else(|| {
        S3Error::new(
            StatusCode::NOT_FOUND,
            "NoSuchTagSet",
            "The TagSet does not exist",
        )
        .with("BucketName", &bucket.name)
    })?;
    Ok(reply::document("Tagging", |xml| tags.write(xml)))
}

/// `PutBucketTagging`.
pub(super) fn put_of_bucket(buckets: &mut Buckets, call: &mut Call<'_>) -> Reply {
    let bucket = call.open_mut(buckets)?;
    call.authorize(bucket, "s3:PutBucketTagging")?;
    let tags = Tags::from_document(&call.payload()?.bytes, Owner::Bucket)?;
    bucket.tags = (!tags.is_empty()).then_some(tags);
    Ok(reply::empty(StatusCode::NO_CONTENT))
}

/// `DeleteBucketTagging`, which AWS authorises as `s3:PutBucketTagging`.
pub(super) fn delete_of_bucket(buckets: &mut Buckets, call: &mut Call<'_>) -> Reply {
    let bucket = call.open_mut(buckets)?;
    call.authorize(bucket, "s3:PutBucketTagging")?;
    bucket.tags = None;
    Ok(reply::empty(StatusCode::NO_CONTENT))
}

// === Operations on an object's tags ===

/// `GetObjectTagging`.
pub(super) fn of_object(buckets: &Buckets, call: &mut Call<'_>) -> Reply {
    let bucket = call.open(buckets)?;
    object::check_version(call.request)?;
    call.authorize_object(bucket, "s3:GetObjectTagging", call.key())?;
    let object = bucket.object(call.key())?;
    Ok(reply::document("Tagging", |xml| {
        object.attributes.tags.write(xml);
    }))
}

/// `PutObjectTagging`.
pub(super) fn put_of_object(buckets: &mut Buckets, call: &mut Call<'_>) -> Reply {
    let bucket = call.open_mut(buckets)?;
    object::check_version(call.request)?;
    let tags = Tags::from_document(&call.payload()?.bytes, Owner::Object)?;
    call.authorize_object_tags(bucket, "s3:PutObjectTagging", call.key(), &tags)?;
    replace(bucket, call.key(), tags)?;
    Ok(reply::empty(StatusCode::OK))
}

/// `DeleteObjectTagging`.
pub(super) fn delete_of_object(buckets: &mut Buckets, call: &mut Call<'_>) -> Reply {
    let bucket = call.open_mut(buckets)?;
    object::check_version(call.request)?;
    call.authorize_object(bucket, "s3:DeleteObjectTagging", call.key())?;
    replace(bucket, call.key(), Tags::default())?;
    Ok(reply::empty(StatusCode::NO_CONTENT))
}

fn replace(bucket: &mut Bucket, key: &str, tags: Tags) -> Result<(), S3Error> {
    let object = bucket
        .objects
        .get_mut(key)
        .ok_or_else(|| S3Error::no_such_key(key))?;
    object.attributes.tags = tags;
    Ok(())
}
