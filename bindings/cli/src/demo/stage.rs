//! What the demo prints: numbered steps that read well in 80 columns, with and without colour.

use std::fmt::Display;
use std::io::{self, Write};
use std::time::Duration;

use console::style;

use crate::failure::{Failure, output};
use crate::render::duration;

/// Columns that the demo keeps to.
const WIDTH: usize = 80;
/// Columns before everything but titles.
const INDENT: usize = 4;

/// Prints the steps on standard output.
#[derive(Debug, Default)]
pub struct Stage {
    steps: usize,
}

impl Stage {
    /// A line at the margin.
    pub fn line(&self, text: impl Display) -> Result<(), Failure> {
        writeln!(io::stdout(), "{text}").map_err(output)
    }

    /// Begins the next step.
    pub fn step(&mut self, title: &str) -> Result<(), Failure> {
        self.steps += 1;
        self.line(style(format!("\n{:2}. {title}", self.steps)).bold())
    }

    /// A statement, over several lines where it is long.
    pub fn sql(&self, sql: &str) -> Result<(), Failure> {
        for (at, line) in wrapped(sql, WIDTH - INDENT - 2).iter().enumerate() {
            let deeper = if at == 0 { "" } else { "  " };
            self.line(format!("{:INDENT$}{}", "", style(format!("{deeper}{line}")).cyan()))?;
        }
        Ok(())
    }

    /// Something to know.
    pub fn note(&self, text: impl AsRef<str>) -> Result<(), Failure> {
        for line in wrapped(text.as_ref(), WIDTH - INDENT) {
            self.line(format!("{:INDENT$}{line}", ""))?;
        }
        Ok(())
    }

    /// Something that took a while: the time stands at the right.
    pub fn timed(&self, text: impl Display, took: Duration) -> Result<(), Failure> {
        let (text, took) = (text.to_string(), duration(took));
        let gap = (WIDTH - INDENT).saturating_sub(text.chars().count() + took.chars().count()).max(2);
        self.line(format!("{:INDENT$}{text}{:gap$}{}", "", "", style(took).dim()))
    }

    /// Columns of text: all but the first aligned to the right.
    pub fn columns(&self, rows: &[Vec<String>]) -> Result<(), Failure> {
        let width = |at: usize| {
            rows.iter().filter_map(|r| r.get(at)).map(|c| c.chars().count()).max().unwrap_or_default()
        };
        for row in rows {
            let cells = row.iter().enumerate().map(|(at, cell)| match at {
                0 => format!("{cell:<w$}", w = width(at)),
                _ => format!("{cell:>w$}", w = width(at)),
            });
            self.line(format!("{:w$}{}", "", cells.collect::<Vec<_>>().join("  "), w = INDENT + 2))?;
        }
        Ok(())
    }
}

/// `text` in lines of at most `width`, broken at spaces.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let Some(line) = lines.last_mut() else { break };
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > width {
            lines.push(word.to_owned());
        } else {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_at_spaces() {
        assert_eq!(wrapped("aa bb  cc", 5), ["aa bb", "cc"]);
        assert_eq!(wrapped("longer-than-that b", 5), ["longer-than-that", "b"]);
    }
}
