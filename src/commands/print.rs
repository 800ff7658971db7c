//! `schema`, `completions`, `man`: what the binary knows about itself.

use clap::CommandFactory as _;

use super::Failure;
use crate::cli::{Cli, Completions, Man};
use crate::console::Console;
use crate::diagnostic::nearest;
use crate::exit::Exit;
use crate::schema;

/// Prints the JSON Schema of `projects.yaml`.
pub(super) fn schema(console: &Console) -> Result<Exit, Failure> {
    console.print(&schema_text()).map_err(Failure::Output)?;
    Ok(Exit::Done)
}

/// Returns the text of the JSON Schema, as `init` writes it.
pub(super) fn schema_text() -> String {
    format!("{:#}\n", schema::schema())
}

/// Prints a completion script.
pub(super) fn completions(arguments: &Completions, console: &Console) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(
        arguments.shell,
        &mut Cli::command(),
        "tenantry",
        &mut script,
    );
    console
        .print(&String::from_utf8_lossy(&script))
        .map_err(Failure::Output)?;
    Ok(Exit::Done)
}

/// Prints a manual page.
pub(super) fn man(arguments: &Man, console: &Console) -> Result<Exit, Failure> {
    let mut command = Cli::command();
    command.build();
    let command = match &arguments.command {
        None => &command,
        Some(name) => command.find_subcommand(name).ok_or_else(|| {
            let names = command.get_subcommands().map(clap::Command::get_name);
            let near = nearest(name, names).map(|near| format!("; a similar name is `{near}`"));
            Failure::Usage(format!(
                "there is no command `{name}`{}",
                near.unwrap_or_default()
            ))
        })?,
    };
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone())
        .render(&mut page)
        .map_err(|error| Failure::Environment(error.into()))?;
    console
        .print(&String::from_utf8_lossy(&page))
        .map_err(Failure::Output)?;
    Ok(Exit::Done)
}
