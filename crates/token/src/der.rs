//! The little DER that is needed to tell key files apart and to take a PKCS#1 key out of its PKCS#8 wrapping.

/// What a DER body turns out to be, whatever its PEM label says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape<'a> {
    /// `SubjectPublicKeyInfo` with its algorithm and the key inside.
    PublicKeyInfo(KeyAlgorithm, &'a [u8]),
    /// PKCS#1 `RSAPublicKey`.
    RsaPublicKey,
    /// PKCS#8 `PrivateKeyInfo` with its algorithm and the key inside.
    PrivateKeyInfo(KeyAlgorithm, &'a [u8]),
    /// PKCS#1 `RSAPrivateKey`.
    RsaPrivateKey,
    /// SEC 1 `ECPrivateKey`.
    EcPrivateKey,
    /// X.509 `Certificate`, with its `SubjectPublicKeyInfo`.
    Certificate(&'a [u8]),
    /// Anything else.
    Unknown,
}

/// The algorithm of a key as its object identifier names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyAlgorithm {
    Rsa,
    EllipticCurve,
    Ed25519,
    Other,
}

/// Tells what a DER body is by its outermost members.
pub(crate) fn shape(body: &[u8]) -> Shape<'_> {
    read_shape(body).unwrap_or(Shape::Unknown)
}

/// Returns the length in bits of the modulus of a PKCS#1 public or private key.
pub(crate) fn modulus_bits(pkcs1: &[u8]) -> Option<usize> {
    let private = shape(pkcs1) == Shape::RsaPrivateKey;
    let mut members = Reader(Reader(pkcs1).value(SEQUENCE)?);
    if private {
        members.value(INTEGER)?;
    }
    Some(bit_length(members.value(INTEGER)?))
}

/// Returns the length in bits of a big-endian number.
pub(crate) fn bit_length(number: &[u8]) -> usize {
    let zeros = number.iter().take_while(|&&byte| byte == 0).count();
    number.get(zeros).map_or(0, |first| {
        (number.len() - zeros) * 8 - first.leading_zeros() as usize
    })
}

fn read_shape(body: &[u8]) -> Option<Shape<'_>> {
    let mut outer = Reader(body);
    let mut members = Reader(outer.value(SEQUENCE)?);
    if !outer.0.is_empty() {
        return None;
    }
    match members.peek()? {
        SEQUENCE => {
            let inner = members.value(SEQUENCE)?;
            match members.peek()? {
                BIT_STRING => {
                    let (_unused_bits, key) = members.value(BIT_STRING)?.split_first()?;
                    Some(Shape::PublicKeyInfo(algorithm(inner)?, key))
                }
                SEQUENCE => Some(Shape::Certificate(certified_key(inner)?)),
                _ => None,
            }
        }
        INTEGER => {
            let first = members.value(INTEGER)?;
            match members.peek()? {
                SEQUENCE => {
                    let algorithm = algorithm(members.value(SEQUENCE)?)?;
                    Some(Shape::PrivateKeyInfo(
                        algorithm,
                        members.value(OCTET_STRING)?,
                    ))
                }
                OCTET_STRING => Some(Shape::EcPrivateKey),
                INTEGER => {
                    members.value(INTEGER)?;
                    if members.0.is_empty() {
                        Some(Shape::RsaPublicKey)
                    } else {
                        (first == [0]).then_some(Shape::RsaPrivateKey)
                    }
                }
                _ => None,
            }
        }
        _ => None,
    }
}

fn algorithm(identifier: &[u8]) -> Option<KeyAlgorithm> {
    let oid = Reader(identifier).value(OBJECT_IDENTIFIER)?;
    Some(if oid == OID_RSA_ENCRYPTION {
        KeyAlgorithm::Rsa
    } else if oid == OID_EC_PUBLIC_KEY {
        KeyAlgorithm::EllipticCurve
    } else if oid == OID_ED25519 {
        KeyAlgorithm::Ed25519
    } else {
        KeyAlgorithm::Other
    })
}

/// Finds the `SubjectPublicKeyInfo` in the inside of a `TBSCertificate`.
fn certified_key(to_be_signed: &[u8]) -> Option<&[u8]> {
    let mut members = Reader(to_be_signed);
    if members.peek()? == EXPLICIT_VERSION {
        members.value(EXPLICIT_VERSION)?;
    }
    members.value(INTEGER)?;
    for _signature_issuer_validity_subject in 0..4 {
        members.value(SEQUENCE)?;
    }
    let from = members.0;
    members.value(SEQUENCE)?;
    from.get(..from.len() - members.0.len())
}

/// Reads definite-length DER values one after the other.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<u8> {
        self.0.first().copied()
    }

    fn value(&mut self, tag: u8) -> Option<&'a [u8]> {
        let (&found, rest) = self.0.split_first()?;
        let (&first, mut rest) = rest.split_first()?;
        let length = if first < 0x80 {
            usize::from(first)
        } else {
            let count = usize::from(first & 0x7f);
            if count == 0 || count > MAX_LENGTH_BYTES {
                return None;
            }
            let (bytes, after) = rest.split_at_checked(count)?;
            rest = after;
            bytes
                .iter()
                .fold(0, |length, &byte| length << 8 | usize::from(byte))
        };
        let (value, after) = rest.split_at_checked(length)?;
        if found != tag {
            return None;
        }
        self.0 = after;
        Some(value)
    }
}

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const OBJECT_IDENTIFIER: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
const EXPLICIT_VERSION: u8 = 0xa0;

/// Three length bytes already allow 16 MiB, far above any key or certificate.
const MAX_LENGTH_BYTES: usize = 3;

const OID_RSA_ENCRYPTION: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const OID_EC_PUBLIC_KEY: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const OID_ED25519: &[u8] = &[0x2b, 0x65, 0x70];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn truncated_input_is_unknown_at_every_length() {
        let key = [0x30, 0x06, 0x02, 0x01, 0x05, 0x02, 0x01, 0x03];
        assert_eq!(shape(&key), Shape::RsaPublicKey);
        for length in 0..key.len() {
            assert_eq!(shape(&key[..length]), Shape::Unknown, "{length} bytes");
        }
    }

    #[test]
    fn lengths_are_read_in_their_shortest_form() {
        for (length, written) in [
            (0x7f, &[0x7f][..]),
            (0x80, &[0x81, 0x80]),
            (0x100, &[0x82, 1, 0]),
            (0x1_0000, &[0x83, 1, 0, 0]),
        ] {
            let key = sequence(written, &members_of(length));
            assert_eq!(shape(&key), Shape::RsaPrivateKey, "{length} bytes");
        }
    }

    /// DER knows no contents that tell their end themselves, and no long form where a short one would do (X.690, 10.1).
    #[test]
    fn lengths_that_no_key_has_are_unknown() {
        for (name, written, contents) in [
            (
                "ended by two zeros",
                &[0x80][..],
                &[0x02, 0x01, 0x05, 0x02, 0x01, 0x03, 0, 0][..],
            ),
            ("0x80 taken for a length", &[0x80], &members_of(0x80)),
            ("four bytes, absurd", &[0x84, 0xff, 0xff, 0xff, 0xff], &[]),
            ("four bytes", &[0x84, 0, 0, 0, 7], &members_of(7)),
        ] {
            assert_eq!(
                shape(&sequence(written, contents)),
                Shape::Unknown,
                "{name}"
            );
        }
    }

    #[test]
    fn leading_zero_bits_do_not_count() {
        for (number, bits) in [
            (&[][..], 0),
            (&[0, 0], 0),
            (&[1], 1),
            (&[0x80], 8),
            (&[0, 0xff], 8),
            (&[0x7f, 0xff], 15),
            (&[0, 1, 0], 9),
        ] {
            assert_eq!(bit_length(number), bits, "{number:?}");
        }
    }

    fn sequence(length: &[u8], contents: &[u8]) -> Vec<u8> {
        [&[SEQUENCE], length, contents].concat()
    }

    /// So many bytes, at least seven, that begin as the members of a PKCS#1 private key do.
    fn members_of(length: usize) -> Vec<u8> {
        let mut members = vec![0x02, 0x01, 0x00, 0x02, 0x01, 0x05];
        members.resize(length, 0x01);
        members
    }
}
