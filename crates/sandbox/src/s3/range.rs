//! Byte ranges: `Range` of a read and `x-amz-copy-source-range` of a part copy.

use std::ops::Range;

use http::StatusCode;

use super::error::S3Error;

/// The part of an object of `length` bytes that a `Range` header asks for.
///
/// `None` when the whole object is to be sent: no `bytes=` range, several ranges, or a syntax S3 ignores.
///
/// # Errors
/// `InvalidRange` when the range starts beyond the end.
pub(super) fn requested(
    header: Option<&str>,
    length: usize,
) -> Result<Option<Range<usize>>, S3Error> {
    let Some((header, bounds)) =
        header.and_then(|header| Some((header, header.trim().strip_prefix("bytes=")?)))
    else {
        return Ok(None);
    };
    let Some((first, last)) = bounds.trim().split_once('-') else {
        return Ok(None);
    };
    let range = match (parse(first), parse(last)) {
        (Some(first), Some(last)) if first > last => return Ok(None),
        (Some(first), Some(last)) => first..length.min(last.saturating_add(1)),
        (Some(first), None) if last.is_empty() => first..length,
        (None, Some(suffix)) if first.is_empty() => match suffix {
            0 => length..length,
            _ => length.saturating_sub(suffix)..length,
        },
        _ => return Ok(None),
    };
    if range.start < length {
        return Ok(Some(range));
    }
    Err(S3Error::new(
        StatusCode::RANGE_NOT_SATISFIABLE,
        "InvalidRange",
        "The requested range is not satisfiable",
    )
    .with("RangeRequested", header)
    .with("ActualObjectSize", length.to_string())
    .header("content-range", format!("bytes */{length}")))
}

/// The range of a copied part, which must name its first and last byte, both inside the source.
///
/// # Errors
/// `InvalidArgument` otherwise.
pub(super) fn of_copy_source(header: &str, length: usize) -> Result<Range<usize>, S3Error> {
    let invalid =
        |message: String| S3Error::invalid_argument(message, "x-amz-copy-source-range", header);
    let (first, last) = header
        .strip_prefix("bytes=")
        .and_then(|bounds| bounds.split_once('-'))
        .and_then(|(first, last)| Some((parse(first)?, parse(last)?)))
        .filter(|(first, last)| first <= last)
        .ok_or_else(|| {
            invalid(
                "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the \
                 zero-based offsets of the first and last bytes to copy"
                    .to_owned(),
            )
        })?;
    if last >= length {
        return Err(invalid(format!(
            "Range specified is not valid for source object of size: {length}"
        )));
    }
    Ok(first..last + 1)
}

/// A decimal number without sign; what does not fit is larger than any object.
fn parse(digits: &str) -> Option<usize> {
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(digits.parse().unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_ranges_as_rfc_9110_says() {
        for (header, expected) in [
            ("bytes=0-0", Some(0..1)),
            ("bytes=2-4", Some(2..5)),
            ("bytes=2-", Some(2..10)),
            ("bytes=2-99", Some(2..10)),
            ("bytes=-3", Some(7..10)),
            ("bytes=-99", Some(0..10)),
            ("bytes=0-99999999999999999999999", Some(0..10)),
            ("bytes=4-2", None),
            ("bytes=0-1,3-4", None),
            ("bytes=-", None),
            ("bytes=a-b", None),
            ("bytes=+1-2", None),
            ("lines=1-2", None),
        ] {
            assert_eq!(requested(Some(header), 10).unwrap(), expected, "{header}");
        }
        for header in ["bytes=10-", "bytes=10-20", "bytes=-0"] {
            let error = requested(Some(header), 10).unwrap_err();
            assert_eq!(
                (error.status.as_u16(), error.code),
                (416, "InvalidRange"),
                "{header}"
            );
        }
        assert!(requested(Some("bytes=0-1"), 0).is_err());
        assert_eq!(requested(None, 10).unwrap(), None);
    }

    #[test]
    fn wants_both_ends_of_a_copied_part() {
        assert_eq!(of_copy_source("bytes=2-4", 5).unwrap(), 2..5);
        for header in ["bytes=2-5", "bytes=2-", "bytes=-2", "2-4", "bytes=4-2"] {
            assert_eq!(
                of_copy_source(header, 5).unwrap_err().code,
                "InvalidArgument",
                "{header}"
            );
        }
    }
}
