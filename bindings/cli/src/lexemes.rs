//! SQL as it is typed: the pieces of a text that need not be whole or right.
//!
//! What is read here is split, coloured and completed, and then read again by the engine, which is stricter.

/// What a piece of a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Spaces and line breaks.
    Space,
    /// `-- …` or `/* … */`.
    Comment,
    /// A keyword or a name.
    Word,
    /// A name in double quotes.
    Quoted,
    /// A string, in single quotes or between `$tag$`s.
    Text,
    /// A number.
    Number,
    /// `$1`.
    Parameter,
    /// Any other character.
    Symbol,
}

/// A piece of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lexeme<'a> {
    /// What it is.
    pub kind: Kind,
    /// Its text.
    pub text: &'a str,
    /// The byte at which it starts.
    pub at: usize,
    /// Whether it is a string, a quoted name or a comment whose end is missing.
    pub open: bool,
}

impl Lexeme<'_> {
    /// The byte behind it.
    pub fn end(&self) -> usize {
        self.at + self.text.len()
    }

    /// Whether it means nothing to a statement.
    pub fn is_blank(&self) -> bool {
        matches!(self.kind, Kind::Space | Kind::Comment)
    }

    /// Whether it is this word, in any case.
    pub fn is_word(&self, word: &str) -> bool {
        self.kind == Kind::Word && self.text.eq_ignore_ascii_case(word)
    }

    /// The name that it is, as the engine folds it.
    pub fn name(&self) -> Option<String> {
        match self.kind {
            Kind::Word => Some(self.text.to_ascii_lowercase()),
            Kind::Quoted => {
                let inner = self.text.strip_prefix('"')?;
                Some(inner.strip_suffix('"').unwrap_or(inner).replace("\"\"", "\""))
            }
            _ => None,
        }
    }
}

/// The pieces of a text, one after the other and nothing left out.
#[derive(Debug, Clone)]
pub struct Lexemes<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Lexemes<'a> {
    /// Those of `text`.
    pub fn of(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// Leaves out the rest of the line; returns the byte where that ends.
    pub fn skip_line(&mut self) -> usize {
        let rest = self.text.get(self.at..).unwrap_or_default();
        self.at += rest.find('\n').unwrap_or(rest.len());
        self.at
    }
}

impl<'a> Iterator for Lexemes<'a> {
    type Item = Lexeme<'a>;

    fn next(&mut self) -> Option<Lexeme<'a>> {
        let rest = self.text.get(self.at..)?;
        let (kind, length) = first(rest)?;
        // An end that is missing is looked for up to the end of the text.
        let (length, open) = length.map_or((rest.len(), true), |length| (length, false));
        let lexeme = Lexeme { kind, text: rest.get(..length)?, at: self.at, open };
        self.at += length;
        Some(lexeme)
    }
}

/// The kind and length of the first piece of `rest`; no length when its end is missing.
fn first(rest: &str) -> Option<(Kind, Option<usize>)> {
    let c = rest.chars().next()?;
    let run = |of: fn(char) -> bool| Some(rest.find(|c: char| !of(c)).unwrap_or(rest.len()));
    let second = rest.chars().nth(1);
    Some(match (c, second) {
        (c, _) if c.is_whitespace() => (Kind::Space, run(char::is_whitespace)),
        ('-', Some('-')) => (Kind::Comment, run(|c| c != '\n')),
        ('/', Some('*')) => (Kind::Comment, block_comment(rest)),
        ('\'', _) => (Kind::Text, quoted(rest, 0, '\'', false)),
        ('e' | 'E', Some('\'')) => (Kind::Text, quoted(rest, 1, '\'', true)),
        ('"', _) => (Kind::Quoted, quoted(rest, 0, '"', false)),
        ('$', Some(d)) if d.is_ascii_digit() => (Kind::Parameter, Some(1 + digits(rest.get(1..)?))),
        ('$', _) => dollar_quoted(rest).unwrap_or((Kind::Symbol, Some(1))),
        (c, _) if c.is_ascii_digit() => (Kind::Number, Some(number(rest))),
        ('.', Some(d)) if d.is_ascii_digit() => (Kind::Number, Some(number(rest))),
        (c, _) if is_of_word(c) => (Kind::Word, run(|c| is_of_word(c) || c == '$')),
        (c, _) => (Kind::Symbol, Some(c.len_utf8())),
    })
}

fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn digits(text: &str) -> usize {
    text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len())
}

/// The length of a number: digits, a point, an exponent.
fn number(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut length = digits(text);
    if bytes.get(length) == Some(&b'.') {
        length += 1 + digits(text.get(length + 1..).unwrap_or_default());
    }
    if matches!(bytes.get(length), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(length + 1), Some(b'+' | b'-')));
        let exponent = digits(text.get(length + 1 + sign..).unwrap_or_default());
        if exponent > 0 {
            length += 1 + sign + exponent;
        }
    }
    length
}

/// The length of what `quote` encloses from byte `from` on; a doubled quote does not end it.
fn quoted(text: &str, from: usize, quote: char, escapes: bool) -> Option<usize> {
    let mut chars = text.char_indices().skip(from + 1).peekable();
    while let Some((at, c)) = chars.next() {
        if escapes && c == '\\' {
            chars.next();
        } else if c == quote {
            if chars.peek().is_none_or(|(_, next)| *next != quote) {
                return Some(at + quote.len_utf8());
            }
            chars.next();
        }
    }
    None
}

/// The length of a comment, in which others may nest.
fn block_comment(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let (mut at, mut depth) = (0, 0_usize);
    while let Some(pair) = bytes.get(at..at + 2) {
        match pair {
            b"/*" => depth += 1,
            b"*/" => depth -= 1,
            _ => {
                at += 1;
                continue;
            }
        }
        at += 2;
        if depth == 0 {
            return Some(at);
        }
    }
    None
}

/// `$tag$ … $tag$`, if the text starts so.
fn dollar_quoted(text: &str) -> Option<(Kind, Option<usize>)> {
    let tag = text.get(1..)?.find('$').map(|end| end + 2).and_then(|end| text.get(..end))?;
    let name = tag.trim_matches('$');
    if !name.chars().all(is_of_word) {
        return None;
    }
    let end = text.get(tag.len()..)?.find(tag);
    Some((Kind::Text, end.map(|end| end + 2 * tag.len())))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The kind, the text, and whether the end is missing.
    type Piece<'a> = (Kind, &'a str, bool);

    fn pieces(text: &str) -> Vec<Piece<'_>> {
        Lexemes::of(text).filter(|l| l.kind != Kind::Space).map(|l| (l.kind, l.text, l.open)).collect()
    }

    #[test]
    fn every_kind_is_told() {
        use Kind::{Comment, Number, Parameter, Quoted, Symbol, Text, Word};
        let cases: [(&str, &[Piece<'_>]); 9] = [
            (
                "SELECT été_1, $12",
                &[
                    (Word, "SELECT", false),
                    (Word, "été_1", false),
                    (Symbol, ",", false),
                    (Parameter, "$12", false),
                ],
            ),
            ("'it''s' x", &[(Text, "'it''s'", false), (Word, "x", false)]),
            ("E'a\\'b' e", &[(Text, "E'a\\'b'", false), (Word, "e", false)]),
            ("\"a\"\"b\".c", &[(Quoted, "\"a\"\"b\"", false), (Symbol, ".", false), (Word, "c", false)]),
            (
                "1.5e-3 .5 1e 7",
                &[
                    (Number, "1.5e-3", false),
                    (Number, ".5", false),
                    (Number, "1", false),
                    (Word, "e", false),
                    (Number, "7", false),
                ],
            ),
            ("$$a;b$$ $t$ $$ $t$", &[(Text, "$$a;b$$", false), (Text, "$t$ $$ $t$", false)]),
            (
                "-- x;\n/* a /* b */ c */y",
                &[(Comment, "-- x;", false), (Comment, "/* a /* b */ c */", false), (Word, "y", false)],
            ),
            ("'open", &[(Text, "'open", true)]),
            ("/* /* */", &[(Comment, "/* /* */", true)]),
        ];
        for (text, expected) in cases {
            assert_eq!(pieces(text), expected, "{text}");
        }
    }

    #[test]
    fn nothing_is_left_out_of_any_text() {
        for text in ["", "$", "$a b", "'é\\", "/*", "\"", "a$b", "\u{1F600}é\n", "e'", "$é$x", "1.", "--"]
        {
            let all: String = Lexemes::of(text).map(|l| l.text).collect();
            assert_eq!(all, text);
        }
    }
}
