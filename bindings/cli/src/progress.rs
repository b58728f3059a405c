//! Progress bars, which show on a terminal only.

use std::io::{self, IsTerminal};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// What a bar counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Rows of a table.
    Rows,
    /// Bytes of a file.
    Bytes,
}

/// A bar on standard error for `total` units, or nothing at all when that is no terminal.
pub fn bar(total: u64, unit: Unit, label: impl Into<String>) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let counts = match unit {
        Unit::Rows => "{human_pos}/{human_len} rows",
        Unit::Bytes => "{bytes}/{total_bytes}",
    };
    let template = format!("{{msg}} [{{bar:24}}] {counts} {{eta}}");
    let bar = ProgressBar::new(total).with_message(label.into());
    match ProgressStyle::with_template(&template) {
        Ok(style) => bar.with_style(style.progress_chars("=> ")),
        Err(_) => bar,
    }
}

/// A sign of life on standard error for work of unknown length.
pub fn spinner(label: impl Into<String>) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new_spinner().with_message(label.into());
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}
