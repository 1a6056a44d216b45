//! Settings of a bucket that cannot be set here: their reading answers as for a bucket on which nobody set them.
//!
//! Terraform reads all of them whenever it looks at a bucket.

use http::StatusCode;

use super::access::{Call, Reply};
use super::error::S3Error;
use super::reply;
use super::store::Buckets;

/// A setting of a bucket, by its sub-resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Setting {
    Accelerate,
    Cors,
    Encryption,
    Lifecycle,
    Logging,
    Notification,
    ObjectLock,
    Replication,
    RequestPayment,
    Versioning,
    Website,
}

impl Setting {
    pub(super) const ALL: [Self; 11] = [
        Self::Accelerate,
        Self::Cors,
        Self::Encryption,
        Self::Lifecycle,
        Self::Logging,
        Self::Notification,
        Self::ObjectLock,
        Self::Replication,
        Self::RequestPayment,
        Self::Versioning,
        Self::Website,
    ];

    /// The setting of that sub-resource.
    pub(super) fn named(sub_resource: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|setting| setting.sub_resource() == sub_resource)
    }

    pub(super) fn operation(self) -> &'static str {
        match self {
            Self::Accelerate => "GetBucketAccelerateConfiguration",
            Self::Cors => "GetBucketCors",
            Self::Encryption => "GetBucketEncryption",
            Self::Lifecycle => "GetBucketLifecycleConfiguration",
            Self::Logging => "GetBucketLogging",
            Self::Notification => "GetBucketNotificationConfiguration",
            Self::ObjectLock => "GetObjectLockConfiguration",
            Self::Replication => "GetBucketReplication",
            Self::RequestPayment => "GetBucketRequestPayment",
            Self::Versioning => "GetBucketVersioning",
            Self::Website => "GetBucketWebsite",
        }
    }

    fn sub_resource(self) -> &'static str {
        match self {
            Self::Accelerate => "accelerate",
            Self::Cors => "cors",
            Self::Encryption => "encryption",
            Self::Lifecycle => "lifecycle",
            Self::Logging => "logging",
            Self::Notification => "notification",
            Self::ObjectLock => "object-lock",
            Self::Replication => "replication",
            Self::RequestPayment => "requestPayment",
            Self::Versioning => "versioning",
            Self::Website => "website",
        }
    }

    fn action(self) -> &'static str {
        match self {
            Self::Accelerate => "s3:GetAccelerateConfiguration",
            Self::Cors => "s3:GetBucketCORS",
            Self::Encryption => "s3:GetEncryptionConfiguration",
            Self::Lifecycle => "s3:GetLifecycleConfiguration",
            Self::Logging => "s3:GetBucketLogging",
            Self::Notification => "s3:GetBucketNotification",
            Self::ObjectLock => "s3:GetBucketObjectLockConfiguration",
            Self::Replication => "s3:GetReplicationConfiguration",
            Self::RequestPayment => "s3:GetBucketRequestPayment",
            Self::Versioning => "s3:GetBucketVersioning",
            Self::Website => "s3:GetBucketWebsite",
        }
    }
}

/// Reads the setting.
pub(super) fn read(buckets: &Buckets, call: &mut Call<'_>, setting: Setting) -> Reply {
    let bucket = call.open(buckets)?;
    call.authorize(bucket, setting.action())?;
    let (code, message) = match setting {
        Setting::Accelerate => return Ok(reply::document("AccelerateConfiguration", |_| {})),
        Setting::Logging => return Ok(reply::document("BucketLoggingStatus", |_| {})),
        Setting::Notification => return Ok(reply::document("NotificationConfiguration", |_| {})),
        Setting::Versioning => return Ok(reply::document("VersioningConfiguration", |_| {})),
        Setting::RequestPayment => {
            return Ok(reply::document("RequestPaymentConfiguration", |xml| {
                xml.text("Payer", "BucketOwner");
            }));
        }
        // Since January 2023 every bucket encrypts with S3's own keys unless told otherwise.
        Setting::Encryption => {
            return Ok(reply::document(
                "ServerSideEncryptionConfiguration",
                |xml| {
                    xml.element("Rule", |xml| {
                        xml.element("ApplyServerSideEncryptionByDefault", |xml| {
                            xml.text("SSEAlgorithm", "AES256");
                        });
                        xml.text("BucketKeyEnabled", "false");
                    });
                },
            ));
        }
        Setting::Cors => (
            "NoSuchCORSConfiguration",
            "The CORS configuration does not exist",
        ),
        Setting::Lifecycle => (
            "NoSuchLifecycleConfiguration",
            "The lifecycle configuration does not exist",
        ),
        Setting::ObjectLock => (
            "ObjectLockConfigurationNotFoundError",
            "Object Lock configuration does not exist for this bucket",
        ),
        Setting::Replication => (
            "ReplicationConfigurationNotFoundError",
            "The replication configuration was not found",
        ),
        Setting::Website => (
            "NoSuchWebsiteConfiguration",
            "The specified bucket does not have a website configuration",
        ),
    };
    Err(S3Error::new(StatusCode::NOT_FOUND, code, message).with("BucketName", &bucket.name))
}
