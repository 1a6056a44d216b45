//! `podpass token decode|assume`.

mod assume;
mod decode;

use std::process::ExitCode;

use crate::args::{TokenArgs, TokenCommand};
use crate::failure::Failure;

pub(crate) fn run(arguments: TokenArgs) -> Result<ExitCode, Failure> {
    match arguments.command {
        TokenCommand::Decode(arguments) => decode::run(&arguments),
        TokenCommand::Assume(arguments) => crate::block_on(assume::run(&arguments)),
    }
}
