//! Where one statement of a script ends and the next begins.

use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::tokenizer::{Location, Token, Tokenizer};

/// One statement of a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Statement<'a> {
    /// Its text, without the semicolon.
    pub text: &'a str,
    /// The line of the script it starts on, from 1.
    pub line: usize,
    /// What stands before it in the script.
    before: &'a str,
}

impl Statement<'_> {
    /// The statement behind as many lines and columns of white space as it has text before it, so that
    /// positions in error messages are positions in the script.
    pub fn in_place(&self) -> String {
        let blank = self.before.chars().map(|c| if c == '\n' { '\n' } else { ' ' });
        blank.chain(self.text.chars()).collect()
    }
}

/// The statements of `script`, which are separated by semicolons outside strings and comments.
///
/// What no tokenizer can read (an unclosed string) comes back whole, for the engine to refuse.
pub fn statements(script: &str) -> Vec<Statement<'_>> {
    let dialect = PostgreSqlDialect {};
    let Ok(tokens) = Tokenizer::new(&dialect, script).tokenize_with_location() else {
        return vec![Statement { text: script, line: 1, before: "" }];
    };
    let lines = Lines::of(script);
    let mut found = Vec::new();
    let mut start = 0;
    let mut first = None;
    for token in &tokens {
        match &token.token {
            Token::SemiColon => {
                let end = lines.offset(token.span.start);
                found.extend(piece(script, start, end, first.take()));
                start = end + 1;
            }
            Token::Whitespace(_) | Token::EOF => {}
            _ => first = first.or(Some(token.span.start)),
        }
    }
    found.extend(piece(script, start, script.len(), first));
    found
}

/// The statement in a range of bytes, if anything but space and comments is in it.
fn piece(script: &str, start: usize, end: usize, first: Option<Location>) -> Option<Statement<'_>> {
    let line = usize::try_from(first?.line).ok()?;
    Some(Statement { text: script.get(start..end)?, line, before: script.get(..start)? })
}

/// The byte at which each line starts.
struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    fn of(text: &'a str) -> Self {
        let breaks = text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(at, _)| at + 1);
        Self { text, starts: std::iter::once(0).chain(breaks).collect() }
    }

    /// The byte of a position, whose line and column count from 1 and in characters.
    fn offset(&self, at: Location) -> usize {
        let line = usize::try_from(at.line).unwrap_or(1).saturating_sub(1);
        let column = usize::try_from(at.column).unwrap_or(1).saturating_sub(1);
        let start = self.starts.get(line).copied().unwrap_or(self.text.len());
        let rest = self.text.get(start..).unwrap_or_default();
        rest.char_indices().nth(column).map_or(self.text.len(), |(bytes, _)| start + bytes)
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
        let cases: [(&str, &[&str]); 7] = [
            ("SELECT 1", &["SELECT 1"]),
            ("SELECT 1;", &["SELECT 1"]),
            ("a; b ;c", &["a", "b", "c"]),
            ("SELECT ';' ; SELECT \";\"", &["SELECT ';'", "SELECT \";\""]),
            ("SELECT 1 -- ; no\n; /* ; */ ;;", &["SELECT 1 -- ; no"]),
            ("SELECT $$;$$; x", &["SELECT $$;$$", "x"]),
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
        let told: Vec<_> = found.iter().map(|s| (s.text.trim(), s.line)).collect();
        assert_eq!(told, [("SELECT 'é😀'", 1), ("SELECT ü", 2), ("SELECT 2", 2)]);
        let last = found[2].in_place();
        let (line, column) = (last.lines().count(), last.lines().last().map(|l| l.find('S')));
        assert_eq!((line, column), (2, Some(Some(11))));
    }

    #[test]
    fn what_cannot_be_read_comes_back_whole() {
        assert_eq!(texts("SELECT 1; SELECT 'oops"), ["SELECT 1; SELECT 'oops"]);
    }
}
