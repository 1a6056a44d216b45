//! `podpass token get|decode|assume`.

mod assume;
mod decode;
mod get;

use std::process::ExitCode;

pub(crate) use self::assume::{refused, session_token};
pub(crate) use self::get::TokenGetArgs;
use crate::args::{TokenArgs, TokenCommand};
use crate::failure::Failure;

pub(crate) fn run(arguments: TokenArgs) -> Result<ExitCode, Failure> {
    match arguments.command {
        TokenCommand::Get(arguments) => crate::block_on(get::run(&arguments)),
        TokenCommand::Decode(arguments) => decode::run(&arguments),
        TokenCommand::Assume(arguments) => crate::block_on(assume::run(&arguments)),
    }
}
