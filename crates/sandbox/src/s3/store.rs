//! What is kept: buckets with their settings, objects, and uploads under way. All in memory, and in a state if there is one.

use std::ops::{Deref, DerefMut};

use http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use podpass_policy::{AccountId, Document, Partition};
use serde::{Deserialize, Serialize};

use super::checksum::{Algorithm, Checksum, Coverage};
use super::error::S3Error;
use super::tagging::Tags;
use super::{kept, name};
use crate::renaming::Renamed;
use crate::state::{Content, Table, Watched};

/// All buckets of all accounts and partitions: their names share one namespace.
#[derive(Debug, Default)]
pub(crate) struct Buckets {
    pub(super) buckets: Table<String, Bucket>,
}

/// A bucket, its settings and its content.
#[derive(Debug)]
pub(super) struct Bucket {
    pub(super) settings: Watched<BucketSettings>,
    /// In UTF-8 byte order, which is also how listings are sorted.
    pub(super) objects: Table<String, Object>,
    pub(super) uploads: Table<String, Upload>,
}

/// A bucket without its content.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BucketSettings {
    pub(super) name: String,
    pub(super) owner: AccountId,
    pub(super) region: String,
    pub(super) created: Timestamp,
    /// Never empty: a bucket without tags has no tag set.
    pub(super) tags: Option<Tags>,
    pub(super) policy: Option<BucketPolicy>,
    /// `None` after its deletion, which is the same as all four switched off.
    pub(super) public_access_block: Option<PublicAccessBlock>,
    /// `None` after its deletion, which is the same as [`Ownership::ObjectWriter`].
    pub(super) ownership: Option<Ownership>,
}

/// A bucket policy.
#[derive(Clone, Debug)]
pub(super) struct BucketPolicy {
    /// As `GetBucketPolicy` returns it.
    pub(super) text: String,
    pub(super) document: Document,
    pub(super) is_public: bool,
}

/// The four settings of S3 Block Public Access.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "AWS's own four switches")]
pub(super) struct PublicAccessBlock {
    pub(super) block_public_acls: bool,
    pub(super) ignore_public_acls: bool,
    pub(super) block_public_policy: bool,
    pub(super) restrict_public_buckets: bool,
}

/// Who owns uploaded objects, and with that whether ACLs count at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Ownership {
    BucketOwnerEnforced,
    BucketOwnerPreferred,
    ObjectWriter,
}

/// An object. Its bytes are shared, not copied, between versions of the answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Object {
    /// The content.
    #[serde(skip)]
    pub(crate) bytes: Content,
    /// With its quotes.
    pub(super) etag: String,
    /// In whole seconds, as headers can say it.
    pub(super) last_modified: Timestamp,
    pub(super) attributes: Attributes,
    pub(super) checksum: Checksum,
    /// The sizes of the parts of a multipart upload, in order; empty for any other object.
    pub(super) part_sizes: Vec<usize>,
}

/// What an upload says about the object besides its bytes.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Attributes {
    /// `Content-Type` and its kin, and `x-amz-meta-*`.
    #[serde(with = "kept::headers")]
    pub(super) headers: HeaderMap,
    pub(super) tags: Tags,
    pub(super) storage_class: StorageClass,
}

/// The storage classes whose objects can be read at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum StorageClass {
    #[default]
    Standard,
    ReducedRedundancy,
    StandardIa,
    OneZoneIa,
    IntelligentTiering,
    GlacierIr,
}

/// A multipart upload under way. Only its parts change.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Upload {
    pub(super) key: String,
    pub(super) initiated: Timestamp,
    pub(super) attributes: Attributes,
    pub(super) checksums: Option<(Algorithm, Coverage)>,
    #[serde(skip)]
    pub(super) parts: Table<u16, Part>,
}

/// An uploaded part.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Part {
    #[serde(skip)]
    pub(super) bytes: Content,
    /// The MD5 of the bytes; the object's entity tag is made from these.
    pub(super) md5: [u8; 16],
    pub(super) last_modified: Timestamp,
    pub(super) checksum: Option<Checksum>,
}

// === impl Buckets ===

impl Buckets {
    /// The bucket of that name.
    ///
    /// # Errors
    /// `NoSuchBucket`; `InvalidBucketName` for a name none can have.
    pub(super) fn find(&self, name: &str) -> Result<&Bucket, S3Error> {
        name::check_bucket_name(name)?;
        self.buckets
            .get(name)
            .ok_or_else(|| S3Error::no_such_bucket(name))
    }

    /// The bucket of that name, to be changed; errors as for [`Buckets::find`].
    pub(super) fn find_mut(&mut self, name: &str) -> Result<&mut Bucket, S3Error> {
        name::check_bucket_name(name)?;
        self.buckets
            .open_mut(name)
            .ok_or_else(|| S3Error::no_such_bucket(name))
    }

    /// Whether there is a bucket of that name.
    pub(crate) fn contains(&self, name: &str) -> bool {
        self.buckets.contains_key(name)
    }

    pub(super) fn insert(&mut self, bucket: Bucket) {
        self.buckets.insert(bucket.name.clone(), bucket);
    }

    pub(super) fn remove(&mut self, name: &str) {
        self.buckets.remove(name);
    }

    /// Lets every bucket policy show a principal as it is called now.
    pub(crate) fn rename(&mut self, renamed: &Renamed) {
        let names_it = |policy: &BucketPolicy| renamed.is_named_in(&policy.document);
        let naming = self
            .buckets
            .values()
            .filter(|bucket| bucket.policy.as_ref().is_some_and(names_it));
        let naming: Vec<String> = naming.map(|bucket| bucket.name.clone()).collect();
        for name in &naming {
            let bucket = self.buckets.open_mut(name);
            if let Some(policy) = bucket.and_then(|bucket| bucket.policy.as_mut()) {
                renamed.apply(&mut policy.document);
                policy.text = policy.document.to_json();
            }
        }
    }

    /// The buckets of an account, by name.
    pub(super) fn of_account<'a>(
        &'a self,
        account: &'a AccountId,
    ) -> impl Iterator<Item = &'a Bucket> {
        self.buckets
            .values()
            .filter(move |bucket| bucket.owner == *account)
    }
}

// === impl Bucket ===

impl Bucket {
    /// A bucket as S3 makes it since April 2023: nothing public, no ACLs.
    pub(super) fn new(name: &str, owner: &AccountId, region: &str, created: Timestamp) -> Self {
        Self::with(BucketSettings {
            name: name.to_owned(),
            owner: owner.clone(),
            region: region.to_owned(),
            created: whole_seconds(created),
            tags: None,
            policy: None,
            public_access_block: Some(PublicAccessBlock::ALL),
            ownership: Some(Ownership::BucketOwnerEnforced),
        })
    }

    /// A bucket of these settings without content.
    pub(super) fn with(settings: BucketSettings) -> Self {
        Self {
            settings: Watched::new(settings),
            objects: Table::default(),
            uploads: Table::default(),
        }
    }

    /// `arn:PARTITION:s3:::BUCKET`.
    pub(super) fn arn(&self) -> String {
        bucket_arn(&self.region, &self.name)
    }

    /// `arn:PARTITION:s3:::BUCKET/KEY`.
    pub(super) fn object_arn(&self, key: &str) -> String {
        format!("{}/{key}", self.arn())
    }

    /// The host of the region's endpoint.
    pub(super) fn endpoint(&self) -> String {
        let suffix = Partition::of_region(&self.region).dns_suffix();
        format!("s3.{}.{suffix}", self.region)
    }

    /// The settings in force.
    pub(super) fn blocks(&self) -> PublicAccessBlock {
        self.public_access_block.unwrap_or(PublicAccessBlock::NONE)
    }

    /// The object under that key.
    ///
    /// # Errors
    /// `NoSuchKey`.
    pub(super) fn object(&self, key: &str) -> Result<&Object, S3Error> {
        self.objects
            .get(key)
            .ok_or_else(|| S3Error::no_such_key(key))
    }
}

impl Deref for Bucket {
    type Target = BucketSettings;

    fn deref(&self) -> &BucketSettings {
        &self.settings
    }
}

impl DerefMut for Bucket {
    fn deref_mut(&mut self) -> &mut BucketSettings {
        &mut self.settings
    }
}

/// The ARN of a bucket that may not exist yet.
pub(super) fn bucket_arn(region: &str, name: &str) -> String {
    format!("arn:{}:s3:::{name}", Partition::of_region(region).as_str())
}

/// S3 shows times of objects in whole seconds everywhere.
pub(super) fn whole_seconds(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}

// === impl PublicAccessBlock ===

impl PublicAccessBlock {
    pub(super) const ALL: Self = Self {
        block_public_acls: true,
        ignore_public_acls: true,
        block_public_policy: true,
        restrict_public_buckets: true,
    };
    pub(super) const NONE: Self = Self {
        block_public_acls: false,
        ignore_public_acls: false,
        block_public_policy: false,
        restrict_public_buckets: false,
    };
}

// === impl Ownership ===

impl Ownership {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::BucketOwnerEnforced => "BucketOwnerEnforced",
            Self::BucketOwnerPreferred => "BucketOwnerPreferred",
            Self::ObjectWriter => "ObjectWriter",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        [
            Self::BucketOwnerEnforced,
            Self::BucketOwnerPreferred,
            Self::ObjectWriter,
        ]
        .into_iter()
        .find(|ownership| ownership.name() == name)
    }
}

// === impl StorageClass ===

impl StorageClass {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Standard => "STANDARD",
            Self::ReducedRedundancy => "REDUCED_REDUNDANCY",
            Self::StandardIa => "STANDARD_IA",
            Self::OneZoneIa => "ONEZONE_IA",
            Self::IntelligentTiering => "INTELLIGENT_TIERING",
            Self::GlacierIr => "GLACIER_IR",
        }
    }

    /// The class of an `x-amz-storage-class` header.
    ///
    /// # Errors
    /// `InvalidStorageClass`, and `NotImplemented` for the archives, whose objects must be restored to be read.
    pub(super) fn named(name: &str) -> Result<Self, S3Error> {
        let readable = [
            Self::Standard,
            Self::ReducedRedundancy,
            Self::StandardIa,
            Self::OneZoneIa,
            Self::IntelligentTiering,
            Self::GlacierIr,
        ];
        if let Some(class) = readable.into_iter().find(|class| class.name() == name) {
            return Ok(class);
        }
        Err(match name {
            "GLACIER" | "DEEP_ARCHIVE" => {
                S3Error::not_implemented(&format!("x-amz-storage-class: {name}"))
            }
            _ => S3Error::new(
                StatusCode::BAD_REQUEST,
                "InvalidStorageClass",
                "The storage class you specified is not valid",
            )
            .with("StorageClassRequested", name),
        })
    }
}

// === impl Object ===

impl Object {
    /// An object from one request: its entity tag is the MD5 of its bytes.
    pub(super) fn new(
        bytes: impl Into<Content>,
        attributes: Attributes,
        checksum: Checksum,
        now: Timestamp,
    ) -> Self {
        let bytes = bytes.into();
        Self {
            etag: etag(&md5_of(&bytes)),
            last_modified: whole_seconds(now),
            attributes,
            checksum,
            part_sizes: Vec::new(),
            bytes,
        }
    }
}

/// The MD5 of the bytes.
pub(super) fn md5_of(bytes: &[u8]) -> [u8; 16] {
    use md5::Digest as _;
    md5::Md5::digest(bytes).into()
}

/// An entity tag made from an MD5.
pub(super) fn etag(md5: &[u8; 16]) -> String {
    format!("\"{}\"", hex::encode(md5))
}
