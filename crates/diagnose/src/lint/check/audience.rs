//! Audiences that look like the well-known ones.

use podpass_kinds::Reason;
use podpass_kinds::spelling::distance;
use podpass_kinds::yaml::Node;
use podpass_policy::Position;

use super::super::collector::Collector;
use super::super::draft::Draft;

/// Looks at a node that holds an audience, or at the items of a list of them.
pub(in super::super) fn check(node: &Node, out: &mut Collector<'_>) {
    if let Some(audience) = node.as_str() {
        check_text(audience, node.position, out);
    }
    for item in super::items(node) {
        check(item, out);
    }
}

pub(in super::super) fn check_text(audience: &str, position: Position, out: &mut Collector<'_>) {
    if let Some(meant) = meant(audience) {
        let message =
            format!("the audience `{audience}` is not `{meant}`, and every character counts");
        out.report(
            Draft::error(Reason::AudienceMisspelt, position, message)
                .expected(meant)
                .actual(audience)
                .fix(format!("write `{meant}`")),
        );
    }
}

/// Whether a text is one of the audiences that AWS roles for service accounts use.
pub(in super::super) fn is_well_known(audience: &str) -> bool {
    WELL_KNOWN.contains(&audience)
}

/// The well-known audience that was meant.
fn meant(audience: &str) -> Option<&'static str> {
    if audience.len() > MAX_LENGTH || ACCEPTED.contains(&audience) || is_regional(audience) {
        return None;
    }
    let plain = audience.trim().to_lowercase();
    let plain = plain.strip_prefix("https://").unwrap_or(&plain);
    let plain = plain.trim_end_matches('/');
    WELL_KNOWN
        .iter()
        .map(|known| (distance(plain, known), *known))
        .filter(|(distance, known)| *distance * 4 <= known.len())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
}

/// Whether an audience names the STS of a region, which people choose on purpose.
fn is_regional(audience: &str) -> bool {
    let region = audience
        .strip_prefix("sts.")
        .and_then(|rest| rest.strip_suffix(".amazonaws.com"));
    region.is_some_and(|region| region.ends_with(|c: char| c.is_ascii_digit()))
}

const WELL_KNOWN: &[&str] = &["sts.amazonaws.com", "openshift"];

/// Audiences that are near a well-known one and right elsewhere: the STS of the Chinese partition.
const ACCEPTED: &[&str] = &["sts.amazonaws.com", "openshift", "sts.amazonaws.com.cn"];

/// An audience longer than this is no misspelling; the bound keeps the comparison cheap.
const MAX_LENGTH: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_what_was_meant() {
        let sts = Some("sts.amazonaws.com");
        for (audience, expected) in [
            ("sts.amazon.com", sts),
            ("sts.amazonaws.co", sts),
            ("STS.amazonaws.com", sts),
            ("https://sts.amazonaws.com", sts),
            ("sts.amazonaws.com ", sts),
            ("sts.aws.com", None),
            ("openshfit", Some("openshift")),
            ("sts.amazonaws.com", None),
            ("sts.amazonaws.com.cn", None),
            ("sts.eu-west-1.amazonaws.com", None),
            ("openshift", None),
            ("vault", None),
            ("https://kubernetes.default.svc", None),
            ("", None),
        ] {
            assert_eq!(meant(audience), expected, "{audience}");
        }
    }
}
