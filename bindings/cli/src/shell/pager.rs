//! Long results through a pager.

use std::env;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use console::Term;

use crate::failure::{Failure, output};

/// Prints `text`: through the pager if it has more lines than the terminal and `paged` says so.
pub fn print(text: &str, paged: bool) -> Result<(), Failure> {
    let plainly = || {
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(output)
    };
    if !paged || !is_long(text) {
        return plainly();
    }
    let Some(mut pager) = pager() else { return plainly() };
    match pager.stdin(Stdio::piped()).spawn() {
        Ok(mut child) => {
            if let Some(mut input) = child.stdin.take() {
                // Whoever leaves the pager has seen enough.
                let _ = input.write_all(text.as_bytes());
            }
            child.wait().map(|_| ()).map_err(output)
        }
        Err(e) => {
            eprintln!("warning: the pager cannot be started: {e}");
            plainly()
        }
    }
}

/// Whether the terminal is too small for `text`; without a terminal nothing is long.
fn is_long(text: &str) -> bool {
    if !io::stdout().is_terminal() {
        return false;
    }
    let size = Term::stdout().size_checked();
    // The prompt takes a line, and so does what is said of the result.
    size.is_some_and(|(rows, _)| text.lines().count() + 2 > usize::from(rows))
}

/// What `$PAGER` says, or `less` if it is there.
fn pager() -> Option<Command> {
    let mut command = match env::var("PAGER") {
        Ok(named) if named.trim().is_empty() => return None,
        Ok(named) => shell(&named),
        Err(_) => Command::new(on_path("less")?),
    };
    if env::var_os("LESS").is_none() {
        // Long lines are not wrapped, colours are kept, one screen is not paged, and what was seen stays.
        command.env("LESS", "SFRX");
    }
    Some(command)
}

fn shell(text: &str) -> Command {
    let mut command = Command::new(if cfg!(windows) { "cmd" } else { "sh" });
    command.args([if cfg!(windows) { "/C" } else { "-c" }, text]);
    command
}

fn on_path(name: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?).map(|dir| dir.join(name)).find(|path| path.is_file())
}
