//! The rows of buckets, as a state keeps them: `bucket/NAME`, and below it `object/KEY`, `upload/ID` and
//! `upload/ID/part/NUMBER`.

use http::header::{HeaderMap, HeaderName, HeaderValue};
use podpass_policy::{Document, DocumentKind};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::Value;

use super::store::{Bucket, BucketPolicy, BucketSettings, Buckets, Object, Part, Upload};
use crate::state::{Changes, Content, Digest, Extent, RowError, Rows, read};

/// Something with a content, whose row has the content's digest in its place.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WithContent<T> {
    content: Digest,
    about: T,
}

/// Gives the content of a digest back.
pub(crate) type LoadContent<'a> = &'a mut dyn FnMut(Digest) -> Result<Content, RowError>;

// === impl Buckets ===

impl Buckets {
    /// Adds the rows of all buckets to a change.
    pub(crate) fn write_changes(&self, changes: &mut Changes, extent: Extent) {
        for row in self.buckets.touched(extent) {
            if let Some(before) = row.before {
                before.delete(changes);
            }
            if let Some(now) = row.now {
                now.write_changes(changes, Extent::Whole);
            }
        }
        if extent == Extent::Touched {
            for (_, bucket) in self.buckets.opened() {
                bucket.write_changes(changes, extent);
            }
        }
    }

    /// Takes a row, whose key is given without `bucket`.
    pub(crate) fn load(
        &mut self,
        key: &[&str],
        value: Value,
        contents: LoadContent<'_>,
    ) -> Result<(), RowError> {
        let Some((name, key)) = key.split_first() else {
            return Err(RowError::new("there is no such row"));
        };
        if key.is_empty() {
            let settings: BucketSettings = read(value)?;
            self.insert(Bucket::with(settings));
            return Ok(());
        }
        let bucket = self.buckets.open_mut(*name);
        bucket
            .ok_or_else(|| RowError::new("its bucket is missing"))?
            .load(key, value, contents)
    }
}

impl Rows for Buckets {
    fn settle(&mut self) {
        self.buckets.settle();
    }

    fn undo(&mut self) {
        self.buckets.undo();
    }
}

// === impl Bucket ===

impl Bucket {
    fn write_changes(&self, changes: &mut Changes, extent: Extent) {
        let name = self.name.as_str();
        if let Some(settings) = self.settings.touched(extent) {
            changes.put(&[BUCKET, name], settings);
        }
        for row in self.objects.touched(extent) {
            let key = [BUCKET, name, OBJECT, row.key];
            write_content(changes, &key, row.before, row.now, |object| &object.bytes);
        }
        for row in self.uploads.touched(extent) {
            if let Some(before) = row.before {
                before.delete(changes, name, row.key);
            }
            if let Some(now) = row.now {
                now.write_changes(changes, name, row.key, Extent::Whole);
            }
        }
        if extent == Extent::Touched {
            for (id, upload) in self.uploads.opened() {
                upload.write_changes(changes, name, id, extent);
            }
        }
    }

    /// A change removes a bucket or something in it, never both.
    fn delete(&self, changes: &mut Changes) {
        let name = self.name.as_str();
        for (key, object) in self.objects.iter() {
            changes.delete(&[BUCKET, name, OBJECT, key]);
            changes.release(&object.bytes);
        }
        for (id, upload) in self.uploads.iter() {
            upload.delete(changes, name, id);
        }
        changes.delete(&[BUCKET, name]);
    }

    fn load(
        &mut self,
        key: &[&str],
        value: Value,
        contents: LoadContent<'_>,
    ) -> Result<(), RowError> {
        match key {
            [OBJECT, key] => {
                let WithContent { content, about } = read::<WithContent<Object>>(value)?;
                let bytes = contents(content)?;
                self.objects
                    .insert((*key).to_owned(), Object { bytes, ..about });
            }
            [UPLOAD, id] => self.uploads.insert((*id).to_owned(), read(value)?),
            [UPLOAD, id, PART, number] => {
                let number = number
                    .parse()
                    .map_err(|_| RowError::new("its number is none of a part"))?;
                let WithContent { content, about } = read::<WithContent<Part>>(value)?;
                let bytes = contents(content)?;
                let upload = self.uploads.open_mut(*id);
                upload
                    .ok_or_else(|| RowError::new("its upload is missing"))?
                    .parts
                    .insert(number, Part { bytes, ..about });
            }
            _ => return Err(RowError::new("a bucket has no such row")),
        }
        Ok(())
    }
}

impl Rows for Bucket {
    fn settle(&mut self) {
        self.settings.settle();
        self.objects.settle_flat();
        self.uploads.settle();
    }

    fn undo(&mut self) {
        self.settings.undo();
        self.objects.undo_flat();
        self.uploads.undo();
    }
}

// === impl Upload ===

impl Upload {
    fn write_changes(&self, changes: &mut Changes, bucket: &str, id: &str, extent: Extent) {
        // What an upload says of itself never changes.
        if extent == Extent::Whole {
            changes.put(&[BUCKET, bucket, UPLOAD, id], self);
        }
        for row in self.parts.touched(extent) {
            let number = row.key.to_string();
            let key = [BUCKET, bucket, UPLOAD, id, PART, &number];
            write_content(changes, &key, row.before, row.now, |part| &part.bytes);
        }
    }

    fn delete(&self, changes: &mut Changes, bucket: &str, id: &str) {
        for (number, part) in self.parts.iter() {
            changes.delete(&[BUCKET, bucket, UPLOAD, id, PART, &number.to_string()]);
            changes.release(&part.bytes);
        }
        changes.delete(&[BUCKET, bucket, UPLOAD, id]);
    }
}

impl Rows for Upload {
    fn settle(&mut self) {
        self.parts.settle_flat();
    }

    fn undo(&mut self) {
        self.parts.undo_flat();
    }
}

fn write_content<T: Serialize>(
    changes: &mut Changes,
    key: &[&str],
    before: Option<&T>,
    now: Option<&T>,
    content: fn(&T) -> &Content,
) {
    if let Some(before) = before {
        changes.release(content(before));
    }
    match (before, now) {
        (_, Some(about)) => {
            changes.hold(content(about));
            let content = content(about).digest();
            changes.put(key, &WithContent { content, about });
        }
        (Some(_), None) => changes.delete(key),
        (None, None) => {}
    }
}

// === Types with a form of their own ===

/// A policy is its text.
impl Serialize for BucketPolicy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for BucketPolicy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let document = Document::parse(&text, DocumentKind::Bucket).map_err(de::Error::custom)?;
        Ok(Self {
            is_public: document.is_public(),
            text,
            document,
        })
    }
}

/// Headers as pairs. A value is bytes, each of which is the character of its number.
pub(super) mod headers {
    use super::{Deserialize, Deserializer, HeaderMap, HeaderName, HeaderValue, Serializer, de};

    pub(in crate::s3) fn serialize<S: Serializer>(
        headers: &HeaderMap,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let text = |value: &HeaderValue| -> String {
            value.as_bytes().iter().copied().map(char::from).collect()
        };
        let pairs = headers.iter();
        serializer.collect_seq(pairs.map(|(name, value)| (name.as_str(), text(value))))
    }

    pub(in crate::s3) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<HeaderMap, D::Error> {
        let mut headers = HeaderMap::new();
        for (name, value) in Vec::<(String, String)>::deserialize(deserializer)? {
            let bytes: Result<Vec<u8>, _> = value.chars().map(u8::try_from).collect();
            let name = HeaderName::try_from(name).map_err(de::Error::custom)?;
            let value = HeaderValue::from_bytes(&bytes.map_err(de::Error::custom)?);
            headers.append(name, value.map_err(de::Error::custom)?);
        }
        Ok(headers)
    }
}

const BUCKET: &str = "bucket";
const OBJECT: &str = "object";
const UPLOAD: &str = "upload";
const PART: &str = "part";
