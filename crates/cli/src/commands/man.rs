//! `podpass man`: the manual pages, made of the command line's own help.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Command};
use clap_mangen::Man;

use crate::called_as::CalledAs;
use crate::failure::Failure;
use crate::{files, output};

#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// Write a page for podpass and one for each command into this folder, which is made if it is missing.
    /// [default: podpass's page goes to standard output]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

pub(crate) fn run(arguments: &ManArgs) -> Result<ExitCode, Failure> {
    // The pages are the same under whatever name they are made.
    let mut command = CalledAs::Podpass.command().disable_help_subcommand(true);
    command.build();
    let Some(folder) = &arguments.dir else {
        output::data(&String::from_utf8_lossy(&page(&command, "podpass")?))?;
        return Ok(ExitCode::SUCCESS);
    };
    std::fs::create_dir_all(folder).map_err(|error| {
        Failure::failed(format!("cannot make the folder `{}`", folder.display())).because(&error)
    })?;
    for (name, command) in with_subcommands("podpass".to_owned(), &command) {
        let path = folder.join(format!("{name}.1"));
        files::write_atomically(&path, &page(command, &name)?, 0o644)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The command and all below it, each with the name of its page: `podpass-token-get`.
fn with_subcommands(name: String, command: &Command) -> Vec<(String, &Command)> {
    let visible = command.get_subcommands().filter(|it| !it.is_hide_set());
    let mut all: Vec<_> = visible
        .flat_map(|it| with_subcommands(format!("{name}-{}", it.get_name()), it))
        .collect();
    all.insert(0, (name, command));
    all
}

fn page(command: &Command, name: &str) -> Result<Vec<u8>, Failure> {
    let mut page = Vec::new();
    Man::new(command.clone())
        .title(name.to_uppercase())
        .section("1")
        // None: the same program makes the same pages. An empty text would be no argument at all.
        .date(" ")
        .source(concat!("podpass ", env!("CARGO_PKG_VERSION")))
        .manual("podpass")
        .render(&mut page)
        .map_err(|error| Failure::failed(format!("cannot make the page {name}")).because(&error))?;
    Ok(page)
}
