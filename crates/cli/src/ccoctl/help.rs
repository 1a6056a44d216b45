//! Help in cobra's layout.

use super::commands::Leaf;
use super::elsewhere::{Elsewhere, NOT_HERE};
use super::flags::Kind;

pub(crate) fn root() -> String {
    format!(
        "OpenShift credentials provisioning, by podpass\n\n{}\n\
         Use \"ccoctl [command] --help\" for more information about a command.\n",
        root_usage()
    )
}

pub(crate) fn root_usage() -> String {
    let mut rows = vec![
        ("aws", "Manage credentials objects for AWS".to_owned()),
        ("help", "Help about any command".to_owned()),
    ];
    rows.extend(Elsewhere::ALL.map(|it| (it.name, format!("{} ({NOT_HERE})", it.summary))));
    rows.sort_by_key(|(name, _)| *name);
    let rows = rows
        .iter()
        .map(|(name, summary)| format!("  {name:<12} {summary}\n"));
    format!(
        "Usage:\n  ccoctl [command]\n\n\
         Available Commands:\n{}\n\
         Flags:\n  -h, --help   help for ccoctl\n",
        rows.collect::<String>()
    )
}

pub(crate) fn help() -> String {
    "Help about any command\n\nUsage:\n  ccoctl help [command] [flags]\n\n\
     Flags:\n  -h, --help   help for help\n"
        .to_owned()
}

pub(crate) fn aws() -> String {
    format!(
        "Create the key pair, the identity provider and the IAM roles of a cluster on AWS\n\n{}\n\
         Use \"ccoctl aws [command] --help\" for more information about a command.\n",
        aws_usage()
    )
}

pub(crate) fn aws_usage() -> String {
    let width = Leaf::ALL
        .iter()
        .map(|leaf| leaf.name().len())
        .max()
        .unwrap_or_default();
    let commands = Leaf::ALL
        .map(|leaf| format!("  {:<width$} {}\n", leaf.name(), leaf.summary()))
        .concat();
    format!(
        "Usage:\n  ccoctl aws [command]\n\n\
         Available Commands:\n{commands}\n\
         Flags:\n  -h, --help   help for aws\n"
    )
}

pub(crate) fn leaf(leaf: Leaf) -> String {
    format!("{}\n\n{}", leaf.summary(), usage(leaf))
}

/// The usage block that follows an error.
pub(crate) fn usage(leaf: Leaf) -> String {
    let name = leaf.name();
    let mut rows: Vec<(String, String)> = leaf
        .flags()
        .iter()
        .map(|flag| {
            let value = match flag.kind {
                Kind::Required | Kind::Optional => " string",
                Kind::Switch => "",
            };
            (
                format!("      --{}{value}", flag.name),
                flag.help.to_owned(),
            )
        })
        .collect();
    rows.push(("  -h, --help".to_owned(), format!("help for {name}")));
    rows.sort_by(|(one, _), (other, _)| sort_key(one).cmp(sort_key(other)));
    let width = rows
        .iter()
        .map(|(flag, _)| flag.len())
        .max()
        .unwrap_or_default();
    let rows: Vec<String> = rows
        .iter()
        .map(|(flag, help)| format!("{flag:<width$}   {help}\n"))
        .collect();
    let flags = rows.concat();
    format!("Usage:\n  ccoctl aws {name} [flags]\n\nFlags:\n{flags}")
}

fn sort_key(row: &str) -> &str {
    row.split_once("--").map_or(row, |(_, name)| name)
}
