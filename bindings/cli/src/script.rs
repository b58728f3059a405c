//! Where one statement of a script ends and the next begins.

use firndb_core::Position;

use crate::lexemes::Lexemes;

/// One statement of a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Statement<'a> {
    /// Its text, without the semicolon.
    pub text: &'a str,
    /// The line of the script that its first word is on, from 1.
    pub line: u64,
    /// Where in the script the text starts.
    pub start: Position,
}

/// One entry of what is typed into the shell, or of a file that it reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry<'a> {
    /// A command of the shell's own: a line that starts with a dot or a backslash.
    Command {
        /// The line.
        text: &'a str,
        /// Its number, from 1.
        line: u64,
    },
    /// A statement.
    Statement(Statement<'a>),
}

/// The statements of `script`, which are separated by semicolons outside strings and comments.
pub fn statements(script: &str) -> Vec<Statement<'_>> {
    let entries = Splitter::new(script, false);
    entries
        .filter_map(|entry| match entry {
            Entry::Statement(statement) => Some(statement),
            Entry::Command { .. } => None,
        })
        .collect()
}

/// The statements and commands of `text`.
pub fn entries(text: &str) -> Vec<Entry<'_>> {
    Splitter::new(text, true).collect()
}

/// Whether what is typed can be run: a command, nothing at all, or statements that end with a semicolon.
pub fn is_complete(text: &str) -> bool {
    if is_command(text.trim_start()) || is_courtesy(text) {
        return true;
    }
    let mut last = None;
    for lexeme in Lexemes::of(text) {
        if lexeme.open {
            return false;
        }
        if !lexeme.is_blank() {
            last = Some(lexeme);
        }
    }
    last.is_none_or(|lexeme| lexeme.text == ";")
}

/// Whether `text` starts with a command of the shell's.
pub fn is_command(text: &str) -> bool {
    text.starts_with(['.', '\\'])
}

/// Words that mean a command, for people who come from other shells.
pub fn is_courtesy(text: &str) -> bool {
    let word = text.trim().trim_end_matches(';').trim_end();
    ["exit", "quit", "help"].iter().any(|w| word.eq_ignore_ascii_case(w))
}

struct Splitter<'a> {
    script: &'a str,
    commands: bool,
    lexemes: Lexemes<'a>,
    /// The byte where the entry that is being read starts.
    start: usize,
    /// Up to where lines are counted, and that place.
    walked: usize,
    place: Position,
}

impl<'a> Splitter<'a> {
    fn new(script: &'a str, commands: bool) -> Self {
        let lexemes = Lexemes::of(script);
        Self { script, commands, lexemes, start: 0, walked: 0, place: Position::START }
    }

    /// The place of a byte; bytes are asked for in ascending order.
    fn place_of(&mut self, at: usize) -> Position {
        for c in self.script.get(self.walked..at).unwrap_or_default().chars() {
            if c == '\n' {
                self.place = Position { line: self.place.line + 1, column: 1 };
            } else {
                self.place.column += 1;
            }
        }
        self.walked = at.max(self.walked);
        self.place
    }

    fn statement(&mut self, first: usize, end: usize, next: usize) -> Option<Entry<'a>> {
        let text = self.script.get(self.start..end)?;
        let start = self.place_of(self.start);
        let line = self.place_of(first).line;
        self.start = next;
        Some(Entry::Statement(Statement { text, line, start }))
    }

    /// Whether nothing but space stands before the byte on its line.
    fn starts_line(&self, at: usize) -> bool {
        let before = self.script.get(..at).unwrap_or_default();
        before.rsplit('\n').next().is_none_or(|line| line.trim().is_empty())
    }
}

impl<'a> Iterator for Splitter<'a> {
    type Item = Entry<'a>;

    fn next(&mut self) -> Option<Entry<'a>> {
        let mut first = None;
        while let Some(lexeme) = self.lexemes.next() {
            if lexeme.is_blank() {
                continue;
            }
            if lexeme.text == ";" {
                match first {
                    Some(first) => return self.statement(first, lexeme.at, lexeme.end()),
                    None => self.start = lexeme.end(),
                }
            } else if self.commands
                && first.is_none()
                && is_command(lexeme.text)
                && self.starts_line(lexeme.at)
            {
                let end = self.lexemes.skip_line();
                self.start = end;
                let text = self.script.get(lexeme.at..end)?.trim_end();
                return Some(Entry::Command { text, line: self.place_of(lexeme.at).line });
            } else {
                first = first.or(Some(lexeme.at));
            }
        }
        let end = self.script.len();
        first.and_then(|first| self.statement(first, end, end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(script: &str) -> Vec<&str> {
        statements(script).iter().map(|s| s.text.trim()).collect()
    }

    #[test]
    fn semicolons_inside_strings_and_comments_do_not_count() {
        let cases: [(&str, &[&str]); 8] = [
            ("SELECT 1", &["SELECT 1"]),
            ("SELECT 1;", &["SELECT 1"]),
            ("a; b ;c", &["a", "b", "c"]),
            ("SELECT ';' ; SELECT \";\"", &["SELECT ';'", "SELECT \";\""]),
            ("SELECT 1 -- ; no\n; /* ; */ ;;", &["SELECT 1 -- ; no"]),
            ("SELECT $$;$$; x", &["SELECT $$;$$", "x"]),
            ("SELECT 1; SELECT 'oops; x", &["SELECT 1", "SELECT 'oops; x"]),
            ("", &[]),
        ];
        for (script, expected) in cases {
            assert_eq!(texts(script), expected, "{script}");
        }
    }

    #[test]
    fn positions_count_characters_not_bytes() {
        let script = "SELECT 'é😀';\n SELECT ü; SELECT 2";
        let found = statements(script);
        let told: Vec<_> = found.iter().map(|s| (s.text.trim(), s.line, s.start)).collect();
        let at = |line, column| Position { line, column };
        let expected =
            [("SELECT 'é😀'", 1, at(1, 1)), ("SELECT ü", 2, at(1, 13)), ("SELECT 2", 2, at(2, 11))];
        assert_eq!(told, expected);
    }

    #[test]
    fn commands_are_lines_of_their_own() {
        let text = ".mode csv\nSELECT .5\n  ;\n  .read it's.sql\nSELECT\n.5; \\q";
        let found: Vec<_> = entries(text)
            .iter()
            .map(|entry| match entry {
                Entry::Command { text, line } => format!("{line}: {text}"),
                Entry::Statement(s) => format!("{}: <{}>", s.line, s.text.trim()),
            })
            .collect();
        let expected = ["1: .mode csv", "2: <SELECT .5>", "4: .read it's.sql", "5: <SELECT\n.5>", "6: <\\q>"];
        assert_eq!(found, expected);
        assert_eq!(statements(".mode csv\n; x").len(), 2);
    }

    #[test]
    fn statements_go_on_until_a_semicolon() {
        for text in
            ["", "  ", "SELECT 1;", "SELECT 1; -- x", ".help", "\\d t", "-- x", "exit", "QUIT;", "a; b;"]
        {
            assert!(is_complete(text), "{text}");
        }
        for text in ["SELECT 1", "SELECT ';", "SELECT 1; x", "/* ;", "SELECT \"a;", "SELECT $$;", "exits"] {
            assert!(!is_complete(text), "{text}");
        }
    }
}
