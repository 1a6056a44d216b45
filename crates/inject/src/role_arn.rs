//! Which texts the peer takes for the ARN of a role.

/// The peer's pattern `^arn:aws[a-z0-9-]*:iam::\d{12}:role\/[\w-\/.@+=,]+$`.
pub(crate) fn is_role_arn(text: &str) -> bool {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let ["arn", partition, "iam", "", account, resource] = parts[..] else {
        return false;
    };
    let Some(partition_rest) = partition.strip_prefix("aws") else {
        return false;
    };
    let Some(name) = resource.strip_prefix("role/") else {
        return false;
    };
    partition_rest
        .bytes()
        .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
        && account.len() == 12
        && account.bytes().all(|byte| byte.is_ascii_digit())
        && !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_-/.@+=,".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn role_arn_pattern_is_the_peers() {
        let cases = [
            ("arn:aws:iam::123456789012:role/s3-reader", true),
            (
                "arn:aws-us-gov:iam::123456789012:role/path/to/role@+=,._",
                true,
            ),
            ("arn:aws:iam::10xxxxxxxx83:role/irsa-s3", false),
            ("arn:aws:iam::1234567890:role/s3", false),
            ("arn:aws:iam::123456789012:user/s3", false),
            ("arn:aws:iam::123456789012:role/", false),
            ("arn:aws:iam::123456789012:role/a:b", false),
            ("arn:aws:iam:eu-west-1:123456789012:role/a", false),
            (" arn:aws:iam::123456789012:role/a", false),
            ("arn:aws:iam::123456789012:role/a\n", false),
            ("s3-reader", false),
        ];
        for (text, expected) in cases {
            assert_eq!(is_role_arn(text), expected, "{text:?}");
        }
    }
}
