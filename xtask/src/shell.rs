//! Running other programs, and what it means when one fails.

use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

pub type Result<T> = std::result::Result<T, Failure>;

/// Why a verb stopped.
#[derive(Debug)]
pub enum Failure {
    /// The command line is not one that xtask reads.
    Usage(String),
    /// Something has to be installed first, by hand.
    Missing(String),
    /// A step was carried out and failed.
    Failed(String),
}

impl Failure {
    pub fn exit_status(&self) -> u8 {
        match self {
            Self::Usage(_) | Self::Missing(_) => 2,
            Self::Failed(_) => 1,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Usage(text) | Self::Missing(text) | Self::Failed(text)) = self;
        f.write_str(text)
    }
}

/// An error of the operating system, with what was being done.
pub fn io_failure(doing: impl fmt::Display, error: &std::io::Error) -> Failure {
    Failure::Failed(format!("{doing}: {error}"))
}

/// A program to run, with a hint for whoever sees it fail.
#[derive(Debug)]
pub struct Tool {
    command: Command,
    hint: Option<String>,
}

impl Tool {
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        Self { command: Command::new(program), hint: None }
    }

    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.command.arg(arg);
        self
    }

    pub fn args<S: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.command.args(args);
        self
    }

    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    pub fn env_remove(mut self, name: impl AsRef<OsStr>) -> Self {
        self.command.env_remove(name);
        self
    }

    pub fn dir(mut self, dir: &Path) -> Self {
        self.command.current_dir(dir);
        self
    }

    /// What to try when the program fails.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Runs the program with the terminal as its own.
    pub fn run(mut self) -> Result<()> {
        let status = self.command.status().map_err(|e| self.not_started(&e))?;
        if status.success() { Ok(()) } else { Err(self.failed(&status.to_string(), "")) }
    }

    /// Runs the program and gives its standard output; what it says on standard error is shown.
    pub fn read(mut self) -> Result<String> {
        let output = self.command.stderr(Stdio::inherit()).output().map_err(|e| self.not_started(&e))?;
        self.text_of(output)
    }

    /// Runs the program unseen, gives its standard output, and shows what it said only if it fails.
    pub fn run_unseen(mut self) -> Result<String> {
        let output = self.command.stdin(Stdio::null()).output().map_err(|e| self.not_started(&e))?;
        self.text_of(output)
    }

    /// Whether the program starts and succeeds; nothing is shown.
    pub fn succeeds(mut self) -> bool {
        self.command.stdin(Stdio::null()).output().is_ok_and(|output| output.status.success())
    }

    fn text_of(&self, output: Output) -> Result<String> {
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        if output.status.success() {
            return Ok(said);
        }
        let complaint = String::from_utf8_lossy(&output.stderr);
        Err(self.failed(&output.status.to_string(), &format!("{said}{complaint}")))
    }

    fn not_started(&self, error: &std::io::Error) -> Failure {
        Failure::Failed(format!("could not start `{}`: {error}{}", self.line(), self.hint_line()))
    }

    fn failed(&self, status: &str, said: &str) -> Failure {
        let said = if said.trim().is_empty() { String::new() } else { format!("{}\n\n", said.trim_end()) };
        Failure::Failed(format!("{said}`{}` ended with {status}{}", self.line(), self.hint_line()))
    }

    fn hint_line(&self) -> String {
        self.hint.as_ref().map(|hint| format!("\nhint: {hint}")).unwrap_or_default()
    }

    /// The command as one would type it, with the variables that are set for it.
    fn line(&self) -> String {
        let set = self.command.get_envs().filter_map(|(name, value)| {
            value.map(|value| format!("{}={}", name.to_string_lossy(), quoted(value)))
        });
        let words = std::iter::once(self.command.get_program()).chain(self.command.get_args()).map(quoted);
        set.chain(words).collect::<Vec<_>>().join(" ")
    }
}

fn quoted(word: &OsStr) -> String {
    let word = word.to_string_lossy();
    let plain = |c: char| c.is_alphanumeric() || "-_=./:,@+%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.into_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// The first of `names` that is a program on the `PATH`.
pub fn which(names: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    names.iter().find_map(|name| {
        std::env::split_paths(&path)
            .map(|dir| dir.join(format!("{name}{}", std::env::consts::EXE_SUFFIX)))
            .find(|file| file.is_file())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_program_is_shown_as_typed_with_its_hint() {
        let failure = Tool::new("rustc")
            .args(["--no-such-option", "a b"])
            .env("X", "1")
            .hint("read the manual")
            .run_unseen()
            .map(|_| ());
        let Err(failure) = failure else { panic!("rustc knows --no-such-option") };
        let text = failure.to_string();
        assert!(text.contains("`X=1 rustc --no-such-option 'a b'` ended with"), "{text}");
        assert!(text.ends_with("hint: read the manual"), "{text}");
        assert_eq!(failure.exit_status(), 1);
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let Err(failure) = Tool::new("no-such-program").run() else { panic!("it ran") };
        assert!(failure.to_string().starts_with("could not start `no-such-program`"), "{failure}");
    }
}
