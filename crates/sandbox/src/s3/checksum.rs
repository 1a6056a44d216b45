//! The five checksum algorithms of S3's upload integrity.

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

/// An algorithm of `x-amz-checksum-*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Algorithm {
    Crc32,
    Crc32c,
    Crc64Nvme,
    Sha1,
    Sha256,
}

/// Whether a checksum covers the object's bytes or, for multipart uploads, the checksums of its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Coverage {
    FullObject,
    Composite,
}

/// A checksum in the form of its header: Base64, big-endian, and `-N` for a composite of N parts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Checksum {
    pub(super) algorithm: Algorithm,
    pub(super) coverage: Coverage,
    pub(super) value: String,
}

// === impl Algorithm ===

impl Algorithm {
    pub(super) const ALL: [Self; 5] = [
        Self::Crc32,
        Self::Crc32c,
        Self::Crc64Nvme,
        Self::Sha1,
        Self::Sha256,
    ];

    /// The name as in `x-amz-sdk-checksum-algorithm`.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Crc32 => "CRC32",
            Self::Crc32c => "CRC32C",
            Self::Crc64Nvme => "CRC64NVME",
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
        }
    }

    pub(super) fn header(self) -> &'static str {
        match self {
            Self::Crc32 => "x-amz-checksum-crc32",
            Self::Crc32c => "x-amz-checksum-crc32c",
            Self::Crc64Nvme => "x-amz-checksum-crc64nvme",
            Self::Sha1 => "x-amz-checksum-sha1",
            Self::Sha256 => "x-amz-checksum-sha256",
        }
    }

    /// The name of the element in XML documents.
    pub(super) fn element(self) -> &'static str {
        match self {
            Self::Crc32 => "ChecksumCRC32",
            Self::Crc32c => "ChecksumCRC32C",
            Self::Crc64Nvme => "ChecksumCRC64NVME",
            Self::Sha1 => "ChecksumSHA1",
            Self::Sha256 => "ChecksumSHA256",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.name().eq_ignore_ascii_case(name))
    }

    /// The algorithm of an `x-amz-checksum-*` header or trailer; its name in any case.
    pub(super) fn of_header(header: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.header().eq_ignore_ascii_case(header))
    }

    /// What a multipart upload computes when the client does not say.
    pub(super) fn default_coverage(self) -> Coverage {
        match self {
            Self::Crc64Nvme => Coverage::FullObject,
            _ => Coverage::Composite,
        }
    }

    /// Whether a multipart upload may ask for this coverage.
    pub(super) fn supports(self, coverage: Coverage) -> bool {
        match self {
            Self::Crc32 | Self::Crc32c => true,
            Self::Crc64Nvme => coverage == Coverage::FullObject,
            Self::Sha1 | Self::Sha256 => coverage == Coverage::Composite,
        }
    }

    /// The length of the value in bytes.
    pub(super) fn size(self) -> usize {
        match self {
            Self::Crc32 | Self::Crc32c => 4,
            Self::Crc64Nvme => 8,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
        }
    }

    fn digest(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Self::Crc32 => crc32fast::hash(bytes).to_be_bytes().to_vec(),
            Self::Crc32c => crc32c(bytes).to_be_bytes().to_vec(),
            Self::Crc64Nvme => crc64_nvme(bytes).to_be_bytes().to_vec(),
            Self::Sha1 => digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, bytes)
                .as_ref()
                .to_vec(),
            Self::Sha256 => digest::digest(&digest::SHA256, bytes).as_ref().to_vec(),
        }
    }
}

// === impl Coverage ===

impl Coverage {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::FullObject => "FULL_OBJECT",
            Self::Composite => "COMPOSITE",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        [Self::FullObject, Self::Composite]
            .into_iter()
            .find(|coverage| coverage.name() == name)
    }
}

// === impl Checksum ===

impl Checksum {
    /// The checksum of the bytes.
    pub(super) fn of(algorithm: Algorithm, bytes: &[u8]) -> Self {
        Self {
            algorithm,
            coverage: Coverage::FullObject,
            value: STANDARD.encode(algorithm.digest(bytes)),
        }
    }

    /// The checksum over the parts' checksums, as S3 computes it for `COMPOSITE`; `None` if a value is not Base64.
    pub(super) fn composite<'a>(
        algorithm: Algorithm,
        parts: impl Iterator<Item = &'a str>,
    ) -> Option<Self> {
        let mut joined = Vec::new();
        let mut count = 0;
        for part in parts {
            joined.extend(STANDARD.decode(part).ok()?);
            count += 1;
        }
        Some(Self {
            algorithm,
            coverage: Coverage::Composite,
            value: format!("{}-{count}", STANDARD.encode(algorithm.digest(&joined))),
        })
    }
}

// === CRCs that no crate of the workspace computes ===

/// The CRC-64/NVME of the bytes, as in the NVM Express specification.
fn crc64_nvme(bytes: &[u8]) -> u64 {
    !bytes.iter().fold(u64::MAX, |crc, byte| {
        CRC64_NVME[usize::from(crc.to_le_bytes()[0] ^ byte)] ^ (crc >> 8)
    })
}

/// The CRC-32C (Castagnoli) of the bytes, RFC 3720 appendix B.4.
fn crc32c(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        CRC32C[usize::from(crc.to_le_bytes()[0] ^ byte)] ^ (crc >> 8)
    })
}

const fn reflected_table_64(polynomial: u64) -> [u64; 256] {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        let mut crc = index as u64;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 {
                (crc >> 1) ^ polynomial
            } else {
                crc >> 1
            };
            bit += 1;
        }
        table[index] = crc;
        index += 1;
    }
    table
}

const fn reflected_table_32(polynomial: u32) -> [u32; 256] {
    // A reflected division only ever shifts towards the low bits, so the 64-bit table's entries fit.
    let wide = reflected_table_64(polynomial as u64);
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        let bytes = wide[index].to_le_bytes();
        table[index] = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        index += 1;
    }
    table
}

/// The reversed form of 0xAD93_D235_94C9_3659.
static CRC64_NVME: [u64; 256] = reflected_table_64(0x9A6C_9329_AC4B_C9B5);
/// The reversed form of 0x1EDC_6F41.
static CRC32C: [u32; 256] = reflected_table_32(0x82F6_3B78);

#[cfg(test)]
mod tests {
    use super::*;

    // The check values of the CRC catalogue and FIPS 180 for "123456789".
    #[test]
    fn computes_the_published_check_values() {
        let hex = |algorithm: Algorithm| hex::encode(algorithm.digest(b"123456789"));
        assert_eq!(hex(Algorithm::Crc32), "cbf43926");
        assert_eq!(hex(Algorithm::Crc32c), "e3069283");
        assert_eq!(hex(Algorithm::Crc64Nvme), "ae8b14860a799888");
        assert_eq!(
            hex(Algorithm::Sha1),
            "f7c3bc1d808e04732adf679965ccc34ca7ae3441"
        );
        assert_eq!(
            hex(Algorithm::Sha256),
            "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225"
        );
    }

    // specs/aws.md D.2: what boto3 sent for the body "hello".
    #[test]
    fn matches_the_checksum_an_sdk_sent() {
        assert_eq!(Checksum::of(Algorithm::Crc32, b"hello").value, "NhCmhg==");
    }

    #[test]
    fn composite_has_the_number_of_parts() {
        let parts = ["NhCmhg==", "NhCmhg=="];
        let composite = Checksum::composite(Algorithm::Crc32, parts.into_iter()).unwrap();
        assert_eq!(composite.coverage, Coverage::Composite);
        assert!(composite.value.ends_with("==-2"), "{}", composite.value);
    }

    #[test]
    fn every_algorithm_has_the_size_it_says() {
        for algorithm in Algorithm::ALL {
            assert_eq!(
                algorithm.digest(b"x").len(),
                algorithm.size(),
                "{algorithm:?}"
            );
            assert_eq!(Algorithm::named(algorithm.name()), Some(algorithm));
            assert_eq!(Algorithm::of_header(algorithm.header()), Some(algorithm));
        }
    }
}
