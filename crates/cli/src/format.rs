//! `-o` of the commands that show something.

use clap::ValueEnum;
use podpass_kinds::yaml;
use serde::Serialize;

use crate::failure::Failure;
use crate::output;

/// For a person, or for a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Table,
    Json,
    Yaml,
    /// The names alone, one a line.
    Name,
}

impl Format {
    /// Prints `document`; as a table or as names, what the functions say of it.
    pub(crate) fn print<D: Serialize>(
        self,
        document: &D,
        table: impl FnOnce(&D) -> String,
        names: impl FnOnce(&D) -> Vec<String>,
    ) -> Result<(), Failure> {
        match self {
            Self::Table => output::data(&table(document)),
            Self::Json => output::json(document),
            Self::Yaml => yaml_of(document),
            Self::Name => names(document)
                .iter()
                .try_for_each(|name| output::line(name)),
        }
    }
}

/// Writes `value` as YAML.
pub(crate) fn yaml_of(value: &impl Serialize) -> Result<(), Failure> {
    let value = serde_json::to_value(value)
        .map_err(|error| Failure::failed("cannot print the result as YAML").because(&error))?;
    output::data(&yaml::to_string(&value))
}
