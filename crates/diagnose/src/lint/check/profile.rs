//! AWS config and credentials files, also where a Secret holds one.

use std::collections::{BTreeMap, BTreeSet};

use podpass_kinds::Reason;
use podpass_policy::Position;

use super::super::collector::Collector;
use super::super::draft::Draft;
use super::arn;

/// Where a config file stands.
pub(super) enum Place {
    /// It is the whole text.
    File,
    /// It stands in a block whose first character is there.
    Block(Position),
}

/// A setting of a profile. Values other than those that are known to be public are never repeated.
struct Setting<'t> {
    key: &'t str,
    value: &'t str,
    delimiter: char,
    position: Position,
    value_position: Position,
}

struct Profile<'t> {
    name: &'t str,
    settings: Vec<Setting<'t>>,
}

impl Setting<'_> {
    /// The setting's name for a message, unless it may be a part of a secret that lost its name.
    fn named(&self) -> String {
        let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-.".contains(c);
        if self.key.chars().all(is_name) {
            format!("the setting `{}`", self.key)
        } else {
            "a setting".to_owned()
        }
    }
}

/// Whether a line opens a section: `[default]`, `[profile app]`.
pub(super) fn is_section(line: &str) -> bool {
    section(line).is_some()
}

/// Whether a line is a setting as AWS names them: `role_arn = …`.
pub(super) fn is_setting(line: &str) -> bool {
    let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let key = line.split_once('=').map(|(key, _)| key.trim_end());
    key.is_some_and(|key| key.contains('_') && key.chars().all(is_name))
}

pub(super) fn check(text: &str, place: &Place, out: &mut Collector<'_>) {
    for profile in &profiles(text, place, out) {
        check_profile(profile, out);
    }
}

/// Reads the sections and reports the lines that are none and belong to none.
fn profiles<'t>(text: &'t str, place: &Place, out: &mut Collector<'_>) -> Vec<Profile<'t>> {
    let mut profiles: Vec<Profile<'_>> = Vec::new();
    let mut sections = BTreeMap::new();
    let mut keys = BTreeSet::new();
    for (line, number) in text.lines().zip(1..) {
        let content = line.trim();
        if content.is_empty() || content.starts_with(['#', ';']) {
            continue;
        }
        let position = place.of(number, line.len() - line.trim_start().len());
        if let Some(name) = section(content) {
            if let Some(first) = sections.insert(name, position) {
                let message = format!("the section `[{name}]` stands twice, first at {first}");
                let draft = Draft::error(Reason::DuplicateKey, position, message);
                out.report(draft.fix("merge the two sections"));
            }
            keys.clear();
            profiles.push(Profile {
                name,
                settings: Vec::new(),
            });
            continue;
        }
        let before = profiles.last().and_then(|profile| profile.settings.last());
        let continues_setting = before.is_some_and(|before| before.value.is_empty());
        // Below `s3 =` and its like stand indented settings of their own.
        if line.starts_with([' ', '\t']) && continues_setting {
            continue;
        }
        let Some(setting) = setting(line, number, place) else {
            let message = "the line is neither a section nor a setting";
            let draft = Draft::error(Reason::FileSyntaxInvalid, position, message);
            out.report(draft.fix("write `name = value`, or remove the line"));
            continue;
        };
        let Some(profile) = profiles.last_mut() else {
            let message = format!("{} stands before any section", setting.named());
            let draft = Draft::error(Reason::FileSyntaxInvalid, position, message);
            out.report(draft.fix("write `[default]` or `[profile NAME]` above it"));
            continue;
        };
        if !keys.insert(setting.key.to_ascii_lowercase()) {
            let message = format!("{} stands twice in `[{}]`", setting.named(), profile.name);
            let draft = Draft::error(Reason::DuplicateKey, position, message);
            out.report(draft.fix("remove one of the two"));
        }
        profile.settings.push(setting);
    }
    profiles
}

fn check_profile(profile: &Profile<'_>, out: &mut Collector<'_>) {
    let find = |key: &str| {
        profile
            .settings
            .iter()
            .find(|setting| setting.key.eq_ignore_ascii_case(key))
    };
    for setting in profile
        .settings
        .iter()
        .filter(|setting| setting.delimiter == ':')
    {
        let message = format!("{} is written with a colon", setting.named());
        let draft = Draft::warning(Reason::ProfileDelimiter, setting.position, message);
        out.report(
            draft
                .expected("=")
                .actual(":")
                .fix("write `=` between name and value"),
        );
    }
    if let Some(setting) = find("role_name") {
        let message = format!(
            "`[{}]` has `role_name`, and AWS reads `role_arn`",
            profile.name
        );
        let draft = Draft::error(Reason::ProfileRoleName, setting.position, message);
        out.report(draft.expected("role_arn").actual("role_name"));
    }
    let role = find("role_arn");
    let token_file = find("web_identity_token_file");
    for setting in [role, token_file, find("role_name")].into_iter().flatten() {
        arn::check(setting.value, setting.value_position, out);
    }
    if let Some(role) = role.filter(|role| !role.value.contains('<')) {
        if role.value.is_empty() {
            let message = format!("`role_arn` of `[{}]` is empty", profile.name);
            out.report(Draft::error(Reason::BadRoleArn, role.position, message));
        } else {
            arn::check_role(role.value, role.value_position, out);
        }
    }
    let sources = [
        "web_identity_token_file",
        "source_profile",
        "credential_source",
        "sso_session",
        "sso_start_url",
    ];
    if let Some(role) = role.filter(|_| sources.iter().all(|source| find(source).is_none())) {
        let message = format!(
            "`[{}]` has `role_arn` and nothing to assume the role with",
            profile.name
        );
        let fix = "add `web_identity_token_file`, or `source_profile`, beside it";
        out.report(Draft::error(Reason::ProfileIncomplete, role.position, message).fix(fix));
    }
    if let Some(token_file) = token_file.filter(|_| role.is_none() && find("role_name").is_none()) {
        let message = format!(
            "`[{}]` has `web_identity_token_file` and no `role_arn`",
            profile.name
        );
        let fix = "add `role_arn =` with the ARN of the role";
        out.report(Draft::error(Reason::ProfileIncomplete, token_file.position, message).fix(fix));
    }
    if let Some(setting) = find("sts_regional_endpoints")
        .filter(|setting| !["legacy", "regional"].contains(&setting.value))
    {
        let message = format!("`sts_regional_endpoints` is `{}`", setting.value);
        let draft = Draft::error(Reason::FileFieldInvalid, setting.value_position, message);
        out.report(
            draft
                .expected("regional")
                .expected("legacy")
                .actual(setting.value)
                .fix("write `regional`"),
        );
    }
}

fn section(line: &str) -> Option<&str> {
    let (name, rest) = line.strip_prefix('[')?.split_once(']')?;
    let rest = rest.trim();
    let is_name = !name.trim().is_empty() && !name.contains(['"', '\'', ',', '{', '[', ':']);
    (is_name && (rest.is_empty() || rest.starts_with(['#', ';']))).then_some(name.trim())
}

fn setting<'t>(line: &'t str, number: u32, place: &Place) -> Option<Setting<'t>> {
    let at = line.find(['=', ':'])?;
    let (key, rest) = line.split_at(at);
    let delimiter = rest.chars().next()?;
    let value = rest[delimiter.len_utf8()..].trim();
    let start = line.len() - line.trim_start().len();
    let value_start = at + 1 + (rest[1..].len() - rest[1..].trim_start().len());
    let key = key.trim();
    (!key.is_empty()).then(|| Setting {
        key,
        value,
        delimiter,
        position: place.of(number, start),
        value_position: place.of(number, line[..value_start].chars().count()),
    })
}

impl Place {
    /// The place of a character, by its line from 1 and the characters before it on the line.
    fn of(&self, line: u32, before: usize) -> Position {
        let before = u32::try_from(before).unwrap_or(u32::MAX);
        match self {
            Self::File => Position {
                line,
                column: before.saturating_add(1),
            },
            Self::Block(start) => Position {
                line: (start.line - 1).saturating_add(line),
                column: start.column.saturating_add(before),
            },
        }
    }
}
