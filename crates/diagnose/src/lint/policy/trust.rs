//! Whom a statement of a trust policy lets in, and conditions that can never hold.

use podpass_kinds::Reason;
use podpass_kinds::yaml::Node;
use podpass_policy::{AccountId, Position};

use super::super::check::{Claims, TrustClaim, audience, members};
use super::super::collector::Collector;
use super::super::draft::Draft;
use super::{allows, one_or_more, texts};

/// A condition: one operator on one key.
struct Test<'n> {
    operator: &'n str,
    key: &'n str,
    key_position: Position,
    values: &'n [Node],
}

pub(super) fn check(statement: &Node, out: &mut Collector<'_>, claims: &mut Claims) {
    let mark = out.mark();
    let tests = tests(statement);
    for test in &tests {
        check_key(test, out);
        check_values(test, out);
    }
    check_aws_principals(statement, &tests, out);
    let providers = providers(statement);
    if providers.is_empty() {
        return;
    }
    for test in &tests {
        check_issuer(test, &providers, out);
    }
    // A key that was meant as another would also be missing there; one finding for one mistake.
    let keys_are_right = !out.errors_since(mark);
    let web_identity = texts(statement, "Action")
        .iter()
        .filter_map(Node::as_str)
        .any(|action| action.eq_ignore_ascii_case(WEB_IDENTITY));
    if allows(statement) && web_identity {
        let place = members(statement)
            .iter()
            .find(|member| member.key == "Condition");
        let place = place.map_or(statement.position, |condition| condition.key_position);
        if keys_are_right {
            check_audience(&tests, &providers, place, out);
            check_subjects(&tests, place, out);
        }
        claim(&tests, &providers, out.file(), claims);
    }
}

fn tests(statement: &Node) -> Vec<Test<'_>> {
    let blocks = statement.get("Condition").map(members).unwrap_or_default();
    blocks
        .iter()
        .flat_map(|block| {
            members(&block.value)
                .iter()
                .map(move |member| (block, member))
        })
        .map(|(block, member)| Test {
            operator: &block.key,
            key: &member.key,
            key_position: member.key_position,
            values: one_or_more(&member.value),
        })
        .collect()
}

/// An OIDC provider that a statement names, whether or not its account can be one.
struct Provider<'n> {
    account: Option<AccountId>,
    issuer: &'n str,
}

/// The OIDC providers of the Principal element.
fn providers(statement: &Node) -> Vec<Provider<'_>> {
    let federated = statement
        .get("Principal")
        .and_then(|principal| principal.get("Federated"));
    let texts = federated.map(one_or_more).unwrap_or_default();
    let provider = |text| -> Option<Provider<'_>> {
        let (arn, issuer) = str::split_once(text, ":oidc-provider/")?;
        let account = arn.rsplit(':').next()?.parse().ok();
        Some(Provider {
            account,
            issuer: issuer.trim_end(),
        })
    };
    texts
        .iter()
        .filter_map(Node::as_str)
        .filter_map(provider)
        .collect()
}

fn check_key(test: &Test<'_>, out: &mut Collector<'_>) {
    if let Some((_, issuer)) = test
        .key
        .split_once(":oidc-provider/")
        .filter(|_| test.key.starts_with("arn:"))
    {
        let message = format!(
            "the condition key `{}` starts with the ARN of the provider",
            test.key
        );
        out.report(
            Draft::error(Reason::TrustKeyHasArnPrefix, test.key_position, message)
                .expected(issuer)
                .actual(test.key)
                .fix(format!("write the key as `{issuer}`")),
        );
    } else if let Some(issuer) = test.key.strip_prefix("https://") {
        let message = format!("the condition key `{}` starts with `https://`", test.key);
        out.report(
            Draft::error(Reason::TrustKeyHasScheme, test.key_position, message)
                .expected(issuer)
                .actual(test.key)
                .fix(format!("write the key as `{issuer}`")),
        );
    }
}

fn check_values(test: &Test<'_>, out: &mut Collector<'_>) {
    let claim = test.claim();
    for value in test.values {
        let Some(text) = value.as_str() else {
            continue;
        };
        if test.compares_literally() && text.contains(['*', '?']) {
            let like = test
                .operator
                .replace("StringEqualsIgnoreCase", "StringLike")
                .replace("Equals", "Like");
            let message = format!(
                "`{text}` has a wildcard, and `{}` compares it literally",
                test.operator
            );
            out.report(
                Draft::error(Reason::TrustWildcardInStringequals, value.position, message)
                    .expected(like.as_str())
                    .actual(test.operator)
                    .fix(format!(
                        "move the key under `{like}`, or write the value in full"
                    )),
            );
        }
        match claim {
            Some("aud" | "oaud") if text.starts_with(SUBJECT_PREFIX) => {
                let message = format!("the audience is compared with `{text}`, which is a subject");
                let right = format!("{}:sub", test.issuer());
                out.report(
                    Draft::error(Reason::TrustAudHoldsSubject, test.key_position, message)
                        .expected(right.as_str())
                        .actual(test.key)
                        .fix(format!("write the key as `{right}`")),
                );
            }
            Some("aud") => audience::check_text(text, value.position, out),
            Some("sub") if audience::is_well_known(text) => {
                let message =
                    format!("the subject is compared with `{text}`, which is an audience");
                let right = format!("{}:aud", test.issuer());
                out.report(
                    Draft::error(Reason::TrustSubHoldsAudience, test.key_position, message)
                        .expected(right.as_str())
                        .actual(test.key)
                        .fix(format!("write the key as `{right}`")),
                );
            }
            Some("sub") => check_subject_form(text, value.position, out),
            _ => {}
        }
    }
}

/// A text that was meant as a service account and can be none: AWS compares it, and it never holds.
fn check_subject_form(text: &str, position: Position, out: &mut Collector<'_>) {
    let parts: Vec<&str> = text.trim().split(':').collect();
    let is_meant = matches!(parts[..], ["system", second, ..] if second.to_lowercase().starts_with("serviceaccount"));
    let has_wildcard = text.contains(['*', '?', '$']);
    let is_right = match parts[..] {
        ["system", "serviceaccount", namespace, name] => {
            let is_name = |name: &str| {
                !name.is_empty()
                    && name
                        .chars()
                        .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.".contains(c))
            };
            has_wildcard || is_name(namespace) && is_name(name)
        }
        ["system", "serviceaccount", ..] => has_wildcard && parts.len() < 4,
        _ => false,
    };
    if is_meant && (!is_right || text.trim() != text) {
        let message = format!("no service account has the subject `{text}`");
        out.report(
            Draft::error(Reason::TrustSubMalformed, position, message)
                .expected("system:serviceaccount:<namespace>:<name>")
                .actual(text),
        );
    }
}

/// A key of another issuer than the provider's is absent from the request, so the condition never holds.
fn check_issuer(test: &Test<'_>, providers: &[Provider<'_>], out: &mut Collector<'_>) {
    let is_claim = matches!(test.claim(), Some("aud" | "sub" | "oaud" | "amr" | "email"));
    let issuer = test.issuer();
    let known = providers
        .iter()
        .any(|provider| provider.issuer.eq_ignore_ascii_case(issuer));
    let is_own = !issuer.contains(':') && issuer.contains('.');
    if is_claim && is_own && !known {
        let right = providers
            .first()
            .map(|provider| provider.issuer)
            .unwrap_or_default();
        let claim = test.claim().unwrap_or_default();
        let message = format!(
            "the condition key is of the issuer `{issuer}`, and the principal of `{right}`"
        );
        out.report(
            Draft::error(Reason::TrustWrongProvider, test.key_position, message)
                .expected(format!("{right}:{claim}"))
                .actual(test.key)
                .fix("write the same issuer in the principal and in the keys of its conditions"),
        );
    }
}

fn check_audience(
    tests: &[Test<'_>],
    providers: &[Provider<'_>],
    place: Position,
    out: &mut Collector<'_>,
) {
    if tests.iter().any(|test| test.claim() == Some("aud")) {
        return;
    }
    let issuer = providers
        .first()
        .map(|provider| provider.issuer)
        .unwrap_or_default();
    let message = "the statement accepts tokens of every audience that the OIDC provider lists";
    out.report(
        Draft::warning(Reason::NoAudCondition, place, message)
            .expected(format!("{issuer}:aud"))
            .fix(format!("add `\"{issuer}:aud\": \"sts.amazonaws.com\"` under StringEquals, or the audience of your tokens")),
    );
}

/// That the statement says which service accounts may come in.
fn check_subjects(tests: &[Test<'_>], place: Position, out: &mut Collector<'_>) {
    let of_subject: Vec<&Test<'_>> = tests
        .iter()
        .filter(|test| test.claim() == Some("sub") && test.is_positive())
        .collect();
    // Shared issuers are told apart by claims of their own, such as the repository.
    let by_other_claim = tests.iter().any(|test| {
        test.is_positive() && !matches!(test.claim(), None | Some("aud" | "oaud" | "amr"))
    });
    if of_subject.is_empty() && !by_other_claim {
        let message = "the statement lets in every service account of the cluster";
        out.report(
            Draft::warning(Reason::TrustTooWide, place, message)
                .expected("a condition on the key that ends in :sub"),
        );
    }
    for value in of_subject
        .iter()
        .filter(|test| test.operator.contains("Like"))
        .flat_map(|test| test.values)
    {
        let text = value.as_str().unwrap_or_default();
        if let Some(who) = too_wide(text) {
            let message = format!("`{text}` lets in {who}");
            out.report(Draft::warning(Reason::TrustTooWide, value.position, message).actual(text));
        }
    }
}

/// Whom a pattern of subjects lets in, if they are more than one namespace's service accounts of like names.
fn too_wide(pattern: &str) -> Option<&'static str> {
    let Some(rest) = pattern.strip_prefix(SUBJECT_PREFIX) else {
        let starts_wild = pattern.starts_with(['*', '?'])
            || SUBJECT_PREFIX.starts_with(pattern.trim_end_matches('*'));
        return (starts_wild && pattern.contains('*'))
            .then_some("every service account of the cluster");
    };
    let (namespace, name) = rest.split_once(':').unwrap_or((rest, "*"));
    if namespace.contains(['*', '?']) {
        Some("service accounts of several namespaces")
    } else if name.trim_matches('*').is_empty() {
        Some("every service account of the namespace")
    } else {
        None
    }
}

fn check_aws_principals(statement: &Node, tests: &[Test<'_>], out: &mut Collector<'_>) {
    let Some(principal) = statement.get("Principal").filter(|_| allows(statement)) else {
        return;
    };
    let listed = principal.get("AWS").map(one_or_more).unwrap_or_default();
    for node in listed.iter().chain(std::iter::once(principal)) {
        let Some(text) = node.as_str() else {
            continue;
        };
        let is_account = text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
        if text == "*" && tests.is_empty() {
            let message = "the statement lets in every principal of every AWS account";
            let fix = "name the accounts or roles that are meant";
            out.report(
                Draft::warning(Reason::TrustTooWide, node.position, message)
                    .actual("*")
                    .fix(fix),
            );
        } else if (is_account || text.starts_with("arn:") && text.ends_with(":root"))
            && tests.is_empty()
        {
            let message = format!(
                "`{text}` lets in every principal of the account that may call sts:AssumeRole"
            );
            out.report(
                Draft::warning(Reason::TrustRootPrincipal, node.position, message).actual(text),
            );
        } else if text.contains(":assumed-role/") {
            let message = format!(
                "`{text}` is a session; a session of the role with another name is not let in"
            );
            out.report(
                Draft::warning(Reason::TrustSessionPrincipal, node.position, message).actual(text),
            );
        }
    }
}

/// Tells the claims which subjects the statement names in full, and for which audiences.
fn claim(tests: &[Test<'_>], providers: &[Provider<'_>], file: &str, claims: &mut Claims) {
    let texts = |claim: &str| -> Vec<&str> {
        let of_claim = tests
            .iter()
            .filter(|test| test.claim() == Some(claim) && test.is_positive());
        of_claim
            .flat_map(|test| test.values)
            .filter_map(Node::as_str)
            .collect()
    };
    let is_pattern = |text: &&str| text.contains(['*', '?', '$']);
    let audiences = texts("aud");
    let is_open = audiences.is_empty() || audiences.iter().any(is_pattern);
    let audiences = (!is_open).then(|| {
        audiences
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
    });
    for subject in texts("sub")
        .into_iter()
        .filter(|subject| !is_pattern(subject))
    {
        for provider in providers
            .iter()
            .filter_map(|provider| provider.account.clone())
        {
            let claim = TrustClaim {
                provider,
                audiences: audiences.clone(),
                file: file.to_owned(),
            };
            claims.trust(subject, claim);
        }
    }
}

impl Test<'_> {
    /// The part of the key after the issuer: `sub`, `aud`; `None` for AWS's own keys.
    fn claim(&self) -> Option<&str> {
        let (issuer, claim) = self.key.rsplit_once(':')?;
        issuer.contains('.').then_some(claim)
    }

    /// The issuer of the key, without ARN and scheme.
    fn issuer(&self) -> &str {
        let issuer = self
            .key
            .rsplit_once(':')
            .map_or(self.key, |(issuer, _)| issuer);
        let issuer = issuer
            .split_once(":oidc-provider/")
            .map_or(issuer, |(_, issuer)| issuer);
        issuer.strip_prefix("https://").unwrap_or(issuer)
    }

    fn compares_literally(&self) -> bool {
        let operator = self.operator.rsplit(':').next().unwrap_or_default();
        let operator = operator.strip_suffix("IfExists").unwrap_or(operator);
        matches!(operator, "StringEquals" | "StringEqualsIgnoreCase")
    }

    fn is_positive(&self) -> bool {
        self.operator.contains("String") && !self.operator.contains("Not")
    }
}

const SUBJECT_PREFIX: &str = "system:serviceaccount:";
const WEB_IDENTITY: &str = "sts:AssumeRoleWithWebIdentity";
