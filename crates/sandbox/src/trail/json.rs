//! A call's parameters and its result as the JSON that CloudTrail makes of them: names begin in lower case, secrets are
//! left out.

use std::collections::BTreeMap;

use jiff::Timestamp;
use quick_xml::Reader;
use quick_xml::events::Event;
use serde_json::{Map, Value};

/// Whether a parameter of a call of the Query protocol is shown: neither the call itself nor anything secret.
pub(super) fn is_parameter(name: &str) -> bool {
    let first = name.split('.').next().unwrap_or_default();
    !NO_PARAMETERS.contains(&first) && !first.starts_with("X-Amz-")
}

/// The parameters of a call of the Query protocol that are shown.
pub(super) fn of_parameters<'a>(parameters: impl Iterator<Item = (&'a str, &'a str)>) -> Value {
    let mut root = Node::default();
    for (name, value) in parameters {
        root.insert(name.split('.'), value);
    }
    root.value("")
}

/// The result of an answer, as the XML inside of its `…Result` element; `null` when there is nothing.
pub(super) fn of_result(xml: &str) -> Value {
    let mut reader = Reader::from_str(xml);
    reader.config_mut().check_end_names = false;
    let mut nodes = vec![Node::default()];
    let mut names: Vec<String> = Vec::new();
    loop {
        match reader.read_event() {
            Ok(Event::Start(start)) => {
                names.push(start.local_name().into_inner().to_owned());
                nodes.push(Node::default());
            }
            Ok(Event::Text(text)) => {
                if let Some(node) = nodes.last_mut() {
                    node.text.push_str(&text.xml10_content());
                }
            }
            Ok(Event::GeneralRef(reference)) => {
                if let Some(node) = nodes.last_mut() {
                    node.text.push_str(&resolved(&reference));
                }
            }
            Ok(Event::End(_)) => {
                let (Some(name), Some(node)) = (names.pop(), nodes.pop()) else {
                    return Value::Null;
                };
                if let Some(parent) = nodes.last_mut() {
                    parent.adopt(&name, node);
                }
            }
            Ok(Event::Eof) => break,
            Ok(_) => {}
            // The sandbox wrote it, so it can be read.
            Err(_) => return Value::Null,
        }
    }
    match nodes.pop() {
        Some(root) if !root.children.is_empty() => root.value(""),
        _ => Value::Null,
    }
}

/// A time as records show it among parameters and results: `Jul 9, 2024, 4:41:37 PM`.
pub(super) fn long_date(time: Timestamp) -> String {
    time.strftime("%b %-d, %Y, %-I:%M:%S %p").to_string()
}

/// A tree of names that becomes objects, lists and texts.
#[derive(Debug, Default)]
struct Node {
    text: String,
    children: BTreeMap<String, Self>,
    items: BTreeMap<u32, Self>,
}

impl Node {
    fn insert<'a>(&mut self, mut path: impl Iterator<Item = &'a str>, value: &str) {
        let Some(name) = path.next() else {
            value.clone_into(&mut self.text);
            return;
        };
        if name == "member" {
            let index = path.next().and_then(|index| index.parse().ok());
            self.items
                .entry(index.unwrap_or_default())
                .or_default()
                .insert(path, value);
            return;
        }
        self.children
            .entry(lower_camel(name))
            .or_default()
            .insert(path, value);
    }

    fn adopt(&mut self, name: &str, node: Self) {
        if name == "member" {
            let index = u32::try_from(self.items.len()).unwrap_or(u32::MAX);
            self.items.insert(index, node);
        } else if !SECRETS.contains(&name) {
            self.children.insert(lower_camel(name), node);
        }
    }

    fn value(self, name: &str) -> Value {
        if !self.items.is_empty() {
            return self
                .items
                .into_values()
                .map(|item| item.value(""))
                .collect();
        }
        if self.children.is_empty() && !name.is_empty() {
            return scalar(name, self.text);
        }
        if self.children.is_empty() && !self.text.is_empty() {
            return self.text.into();
        }
        let members = self.children.into_iter().map(|(name, node)| {
            let value = node.value(&name);
            (name, value)
        });
        Value::Object(members.collect::<Map<_, _>>())
    }
}

fn scalar(name: &str, text: String) -> Value {
    if NUMBERS.contains(&name)
        && let Ok(number) = text.parse::<i64>()
    {
        return number.into();
    }
    if DATES.contains(&name)
        && let Ok(time) = text.parse::<Timestamp>()
    {
        return long_date(time).into();
    }
    match text.as_str() {
        "true" => true.into(),
        "false" => false.into(),
        _ => text.into(),
    }
}

fn lower_camel(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_lowercase().chain(letters).collect()
    })
}

fn resolved(reference: &quick_xml::events::BytesRef<'_>) -> String {
    if let Ok(Some(character)) = reference.resolve_char_ref() {
        return character.to_string();
    }
    match reference.xml10_content().as_ref() {
        "amp" => "&",
        "lt" => "<",
        "gt" => ">",
        "quot" => "\"",
        "apos" => "'",
        _ => "",
    }
    .to_owned()
}

/// The call itself, and what is as good as a credential.
const NO_PARAMETERS: &[&str] = &[
    "Action",
    "Version",
    "WebIdentityToken",
    "SAMLAssertion",
    "TokenCode",
    "EncodedMessage",
    "Password",
    "OldPassword",
    "NewPassword",
];
const SECRETS: &[&str] = &["SecretAccessKey", "SessionToken", "DecodedMessage"];
const NUMBERS: &[&str] = &[
    "durationSeconds",
    "maxSessionDuration",
    "packedPolicySize",
    "maxItems",
    "attachmentCount",
    "permissionsBoundaryUsageCount",
];
const DATES: &[&str] = &["createDate", "updateDate", "expiration"];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::query::Form;

    #[test]
    fn parameters_lose_the_token_and_keep_their_lists() {
        let form = Form::parse(
            b"Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=a&DurationSeconds=900&WebIdentityToken=secret\
            &PolicyArns.member.1.arn=x&PolicyArns.member.2.arn=y&ClientIDList.member.1=c&SetAsDefault=true",
        )
        .unwrap();
        let shown = |form: &Form| of_parameters(form.iter().filter(|(name, _)| is_parameter(name)));
        assert_eq!(
            shown(&form),
            json!({
                "roleArn": "a",
                "durationSeconds": 900,
                "policyArns": [{"arn": "x"}, {"arn": "y"}],
                "clientIDList": ["c"],
                "setAsDefault": true,
            })
        );
        assert_eq!(shown(&Form::parse(b"Action=ListRoles").unwrap()), json!({}));
    }

    #[test]
    fn results_lose_secrets_and_show_dates_in_words() {
        let xml = "<Credentials><AccessKeyId>ASIA</AccessKeyId><SecretAccessKey>s</SecretAccessKey>\
            <SessionToken>t</SessionToken><Expiration>2024-07-09T16:41:37Z</Expiration></Credentials>\
            <PackedPolicySize>24</PackedPolicySize><Tags><member><Key>a&amp;b</Key><Value>1</Value></member></Tags>";
        assert_eq!(
            of_result(xml),
            json!({
                "credentials": {"accessKeyId": "ASIA", "expiration": "Jul 9, 2024, 4:41:37 PM"},
                "packedPolicySize": 24,
                "tags": [{"key": "a&b", "value": "1"}],
            })
        );
        assert_eq!(of_result(""), Value::Null);
    }
}
