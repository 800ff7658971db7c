//! The `tenantry` command; everything it does is in the library.

use std::process::ExitCode;

use clap::Parser as _;
use tenantry::cli::Cli;
use tenantry::exit::Exit;

fn main() -> ExitCode {
    let exit = match Cli::try_parse() {
        Ok(cli) => tenantry::commands::run(&cli),
        Err(message) => {
            // Help and version are data, on standard output; a reader that has gone away wants no more.
            let _ignored = message.print();
            if message.use_stderr() {
                Exit::Usage
            } else {
                Exit::Done
            }
        }
    };
    exit.into()
}
