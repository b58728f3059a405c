//! Text into statements' tokens, and syntax errors that say where.

use datafusion::sql::sqlparser::ast;
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::{Location, Token, TokenWithSpan, Tokenizer};

use super::dialect::Metered;
use super::values::{self, Rows};
use crate::error::{Error, Position, Result};

/// One statement: its tokens without spaces and comments, never none, and its own source.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) tokens: Vec<TokenWithSpan>,
    /// The rows of an INSERT that were read without tokens, and before which token they are.
    pub(super) rows: Option<(usize, Rows)>,
    pub(super) text: String,
    /// Just after its last token.
    pub(super) end: Location,
}

/// Splits `text` at semicolons; statements without tokens are left out.
///
/// # Errors
/// `Syntax` for what is no token, such as a string without end.
pub(super) fn split(text: &str) -> Result<Vec<Piece>> {
    let mut pieces = Vec::new();
    let mut walk = Walk::new(text);
    let mut start = 0;
    // Statement by statement as long as it is plain where each ends, so that INSERTs come to be first.
    while let Some(rest) = text.get(start..).filter(|rest| !rest.is_empty()) {
        let at = walk.location_of(start);
        let rows = values::scan(rest);
        let Some(length) = plain_length(rest, rows.as_ref().map_or(0, |rows| rows.end)) else {
            push_pieces(tokenize(rest, at)?, &mut walk, &mut pieces);
            break;
        };
        let statement = rest.get(..length).unwrap_or_default();
        match rows {
            None => push_pieces(tokenize(statement, at)?, &mut walk, &mut pieces),
            Some(rows) => {
                let mut tokens =
                    without_spaces(tokenize(statement.get(..rows.head).unwrap_or_default(), at)?);
                let place = tokens.len();
                let after = walk.location_of(start + rows.end);
                tokens
                    .extend(without_spaces(tokenize(statement.get(rows.end..).unwrap_or_default(), after)?));
                let end = tokens.get(place..).and_then(<[_]>::last).map_or(after, |token| token.span.end);
                let text = statement.trim().to_owned();
                pieces.push(Piece { tokens, rows: Some((place, rows)), text, end });
            }
        }
        start += length + 1;
    }
    Ok(pieces)
}

fn without_spaces(mut tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    tokens.retain(|token| !matches!(token.token, Token::Whitespace(_)));
    tokens
}

/// Makes statements of tokens with semicolons between.
fn push_pieces(all: Vec<TokenWithSpan>, walk: &mut Walk<'_>, pieces: &mut Vec<Piece>) {
    let mut tokens: Vec<TokenWithSpan> = Vec::new();
    for token in all {
        match token.token {
            Token::Whitespace(_) => {}
            Token::SemiColon => pieces.extend(piece(std::mem::take(&mut tokens), walk)),
            _ => tokens.push(token),
        }
    }
    pieces.extend(piece(tokens, walk));
}

fn piece(tokens: Vec<TokenWithSpan>, walk: &mut Walk<'_>) -> Option<Piece> {
    let start = walk.offset_of(tokens.first()?.span.start);
    let end = tokens.last()?.span.end;
    let stop = walk.offset_of(end);
    let text = walk.text.get(start..stop).unwrap_or_default().to_owned();
    Some(Piece { tokens, rows: None, text, end })
}

/// The length of the statement at the start of `text`, without its semicolon; `None` if it cannot be told
/// without reading strings and comments from byte `from` on.
fn plain_length(text: &str, from: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let stop = |at: usize| match bytes.get(at) {
        Some(b';' | b'\'' | b'"' | b'$') | None => true,
        Some(b'-') => bytes.get(at + 1) == Some(&b'-'),
        Some(b'/') => bytes.get(at + 1) == Some(&b'*'),
        Some(_) => false,
    };
    let at = (from..=bytes.len()).find(|at| stop(*at))?;
    matches!(bytes.get(at), Some(b';') | None).then_some(at)
}

/// The tokens of a part of the text that starts at `start`.
pub(super) fn tokenize(text: &str, start: Location) -> Result<Vec<TokenWithSpan>> {
    let shift = |at: Location| Location {
        line: at.line + start.line - 1,
        column: if at.line == 1 { at.column + start.column - 1 } else { at.column },
    };
    let mut tokens = Vec::new();
    Tokenizer::new(&PostgreSqlDialect {}, text)
        .tokenize_with_location_into_buf_with_mapper(&mut tokens, |mut token| {
            token.span.start = shift(token.span.start);
            token.span.end = shift(token.span.end);
            token
        })
        .map_err(|e| syntax(shift(e.location), lower_first(&e.message)))?;
    Ok(tokens)
}

/// Finds byte offsets and locations, in ascending order, in one pass over the text.
struct Walk<'a> {
    text: &'a str,
    offset: usize,
    at: Location,
}

impl<'a> Walk<'a> {
    fn new(text: &'a str) -> Self {
        Self { text, offset: 0, at: Location { line: 1, column: 1 } }
    }

    /// The byte offset of a location.
    fn offset_of(&mut self, wanted: Location) -> usize {
        self.walk_while(|walk| walk.at < wanted);
        self.offset
    }

    /// The location of a byte offset.
    fn location_of(&mut self, wanted: usize) -> Location {
        self.walk_while(|walk| walk.offset < wanted);
        self.at
    }

    fn walk_while(&mut self, more: impl Fn(&Self) -> bool) {
        for c in self.text.get(self.offset..).unwrap_or_default().chars() {
            if !more(self) {
                break;
            }
            self.offset += c.len_utf8();
            // As the tokenizer counts: characters, and lines at line feeds.
            if c == '\n' {
                self.at = Location { line: self.at.line + 1, column: 1 };
            } else {
                self.at.column += 1;
            }
        }
    }
}

/// The rest of `text`, which starts at `start`, from `from` on.
pub(super) fn text_from(text: &str, start: Location, from: Location) -> String {
    let mut walk = Walk { text, offset: 0, at: start };
    let offset = walk.offset_of(from);
    text.get(offset..).unwrap_or_default().to_owned()
}

/// A `Syntax` error at `location`.
pub(super) fn syntax(location: Location, what: impl AsRef<str>) -> Error {
    Error::syntax(what.as_ref()).at(position(location))
}

/// A location as the place of an error.
pub(super) fn position(location: Location) -> Position {
    Position { line: location.line, column: location.column }
}

/// A location in messages.
pub(super) fn place(location: Location) -> String {
    format!("line {}, column {}", location.line, location.column)
}

/// Levels of recursion that sqlparser is given. It spends several on each pair of parentheses, and its
/// frames are large: more would not fit the stack of a thread or of WebAssembly.
const RECURSION: usize = 50;

/// Has sqlparser read all of `tokens` as one statement.
///
/// # Errors
/// `Syntax` where the tokens do not fit, or are too many; `LimitExceeded` when they nest too deep.
pub(super) fn parse_statement(tokens: Vec<TokenWithSpan>, end: Location) -> Result<ast::Statement> {
    // A token is an operand once, or a few times where sqlparser has to try.
    let dialect = Metered::new(tokens.len().saturating_mul(32).saturating_add(4096));
    let mut parser = Parser::new(&dialect).with_recursion_limit(RECURSION).with_tokens_with_locations(tokens);
    let statement = match parser.parse_statement() {
        Ok(statement) => statement,
        Err(ParserError::RecursionLimitExceeded) if dialect.is_exhausted() => {
            return Err(Error::limit(
                "the statement takes too many attempts to read: use fewer levels of nesting",
            ));
        }
        Err(e) => return Err(parser_error(e, end)),
    };
    let next = parser.peek_token();
    if next.token == Token::EOF {
        return Ok(statement);
    }
    Err(syntax(next.span.start, format!("expected the end of the statement, found {}", next.token)))
}

/// What sqlparser says, with the place in front.
fn parser_error(e: ParserError, end: Location) -> Error {
    let message = match e {
        ParserError::RecursionLimitExceeded => {
            return Error::limit(
                "the statement nests too deep: use fewer levels of parentheses and subqueries",
            );
        }
        ParserError::ParserError(message) | ParserError::TokenizerError(message) => message,
    };
    let (what, location) = match message.rsplit_once(" at Line: ") {
        Some((what, place)) => (what, location_from(place).unwrap_or(end)),
        None => (message.as_str(), end),
    };
    let what = what.replace("Expected: ", "expected ").replace(", found: ", ", found ");
    let what = what.replace("found EOF", "found the end of the statement");
    syntax(location, lower_first(&what))
}

/// Reads `1, Column: 5`.
fn location_from(text: &str) -> Option<Location> {
    let (line, column) = text.split_once(", Column: ")?;
    Some(Location { line: line.parse().ok()?, column: column.parse().ok()? })
}

/// Lower-cases the first letter, unless the word it starts is in capitals.
fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    match (chars.next(), chars.next()) {
        (Some(first), Some(second)) if first.is_ascii_uppercase() && second.is_ascii_lowercase() => {
            format!("{}{}", first.to_ascii_lowercase(), text.get(1..).unwrap_or_default())
        }
        _ => text.to_owned(),
    }
}

/// Reads the tokens of a statement that sqlparser does not know, from the left.
#[derive(Debug)]
pub(super) struct Cursor<'a> {
    tokens: &'a [TokenWithSpan],
    at: usize,
    end: Location,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(tokens: &'a [TokenWithSpan], end: Location) -> Self {
        Self { tokens, at: 0, end }
    }

    /// How many tokens have been read.
    pub(super) fn position(&self) -> usize {
        self.at
    }

    /// The next token, if there is one.
    pub(super) fn peek(&self) -> Option<&'a Token> {
        self.tokens.get(self.at).map(|t| &t.token)
    }

    /// The next token in capitals, if it is an unquoted word.
    pub(super) fn peek_word(&self) -> Option<String> {
        self.peek().and_then(unquoted).map(str::to_ascii_uppercase)
    }

    /// Reads the next token if it is this unquoted word.
    pub(super) fn take(&mut self, word: &str) -> bool {
        let found = self.peek().and_then(unquoted).is_some_and(|w| w.eq_ignore_ascii_case(word));
        self.at += usize::from(found);
        found
    }

    /// Reads the next token, whatever it is.
    pub(super) fn advance(&mut self) {
        self.at = self.tokens.len().min(self.at + 1);
    }

    /// Reads these words, all or none.
    pub(super) fn take_all(&mut self, words: &[&str]) -> bool {
        let start = self.at;
        let found = words.iter().all(|word| self.take(word));
        if !found {
            self.at = start;
        }
        found
    }

    /// Reads the next token if it is `token`.
    pub(super) fn take_token(&mut self, token: &Token) -> bool {
        let found = self.peek() == Some(token);
        self.at += usize::from(found);
        found
    }

    /// Reads a name: a quoted word as it is, another in lower case.
    ///
    /// # Errors
    /// `Syntax` when something else comes.
    pub(super) fn name(&mut self, what: &str) -> Result<String> {
        match self.peek() {
            Some(Token::Word(word)) => {
                self.at += 1;
                Ok(if word.quote_style.is_some() {
                    word.value.clone()
                } else {
                    word.value.to_ascii_lowercase()
                })
            }
            _ => Err(self.expected(what)),
        }
    }

    /// The error that `what` should come next.
    pub(super) fn expected(&self, what: &str) -> Error {
        match self.tokens.get(self.at) {
            Some(t) => syntax(t.span.start, format!("expected {what}, found {}", t.token)),
            None => syntax(self.end, format!("expected {what}, found the end of the statement")),
        }
    }

    /// Checks that nothing is left.
    ///
    /// # Errors
    /// `Syntax` when there is.
    pub(super) fn finish(&self) -> Result<()> {
        if self.at < self.tokens.len() { Err(self.expected("the end of the statement")) } else { Ok(()) }
    }
}

/// The unquoted word that `token` is, if it is one.
pub(super) fn unquoted(token: &Token) -> Option<&str> {
    match token {
        Token::Word(word) if word.quote_style.is_none() => Some(&word.value),
        _ => None,
    }
}

/// The keyword that `token` is, if any.
pub(super) fn keyword(token: &Token) -> Option<Keyword> {
    match token {
        Token::Word(word) if word.keyword != Keyword::NoKeyword => Some(word.keyword),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn statements_keep_their_own_source() {
        let text = " ;; SELECT 'é;' -- ; in a comment\n, \"ü\" ;\n/* ; */ SELECT $$ ; $$;\r\n ; SELECT 3";
        let pieces = split(text).unwrap();
        let texts: Vec<_> = pieces.iter().map(|p| p.text.as_str()).collect();
        assert_eq!(texts, ["SELECT 'é;' -- ; in a comment\n, \"ü\"", "SELECT $$ ; $$", "SELECT 3"]);
        let ends: Vec<_> = pieces.iter().map(|p| (p.end.line, p.end.column)).collect();
        assert_eq!(ends, [(2, 6), (3, 23), (4, 12)]);
        assert!(split(" /* nothing */ ; -- here").unwrap().is_empty());
    }

    #[test]
    fn text_that_is_no_tokens_is_a_syntax_error_with_its_place() {
        for (text, place) in [
            ("SELECT 1;\n SELECT 'no end", "line 2, column 9"),
            ("SELECT \"no end", "line 1, column 8"),
            ("SELECT /* no end", "line 1, column 17"),
            ("SELECT $a$ no end", "line 1, column 18"),
        ] {
            let e = split(text).expect_err(text);
            assert_eq!(e.kind(), ErrorKind::Syntax);
            assert!(e.to_string().starts_with(place), "{text}: {e}");
        }
    }
}
