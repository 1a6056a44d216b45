//! What the fuzz targets do with parsers that are not public: each function panics when a promise is broken.
//!
//! Only with the feature `fuzzing`, which the replay of the seeds and the fuzzer's own workspace turn on.

use std::collections::BTreeMap;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::query::{Form, Member};
pub use crate::s3::fuzzing::document as s3_xml;
pub use crate::sigv4::fuzzing::{aws_chunked, request as sigv4};

/// Reads a form and every typed value in it. What was read and is written again is read alike, and no list is longer
/// than what was sent for it allows.
pub fn form(data: &[u8]) {
    let Ok(form) = Form::parse(data) else {
        return;
    };
    let pairs: BTreeMap<&str, &str> = form.iter().collect();
    assert!(pairs.len() <= data.split(|byte| *byte == b'&').count());
    let encode = |text| utf8_percent_encode(text, NON_ALPHANUMERIC);
    let written: Vec<String> = form
        .iter()
        .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
        .collect();
    let again = Form::parse(written.join("&").as_bytes());
    assert_eq!(again.as_ref(), Ok(&form), "written and read again");
    for (name, value) in pairs.iter().take(MOST) {
        assert_eq!(form.text(name), Some(*value));
        if let Ok(number) = form.integer(name) {
            let number = number.expect("it is there");
            let (sign, digits) = match value.strip_prefix('-') {
                Some(digits) => ("-", digits),
                None => ("", value.strip_prefix('+').unwrap_or(value)),
            };
            let digits = digits.trim_start_matches('0');
            let digits = if digits.is_empty() { "0" } else { digits };
            let sign = if digits == "0" { "" } else { sign };
            assert_eq!(number.to_string(), format!("{sign}{digits}"));
        }
        if let Ok(answer) = form.boolean(name) {
            let yes = answer.expect("it is there");
            assert_eq!(yes, ["true", "1"].contains(value));
        }
        if let Some((list, _)) = name.split_once(".member.") {
            members(&form, &pairs, list);
        }
    }
}

fn members(form: &Form, pairs: &BTreeMap<&str, &str>, name: &str) {
    let Ok(list) = form.list(name) else {
        return;
    };
    let list = list.expect("it has a member");
    let prefix = format!("{name}.member.");
    let sent = pairs
        .keys()
        .filter(|found| found.starts_with(&prefix))
        .count();
    assert!(list.len() <= 10 * sent, "{} of {sent}", list.len());
    assert_ne!(list.last(), Some(&Member::default()), "a gap at the end");
    for (member, number) in list.iter().zip(1..) {
        if let Some(value) = pairs.get(format!("{prefix}{number}").as_str()) {
            // `01` may have come after `1`, and then its value counts.
            assert!(member.value().is_some(), "{number} has {value}");
        }
        let _ = member.values("Value");
    }
}

/// Names looked at in one form, so that an input of many stays quick.
const MOST: usize = 40;
