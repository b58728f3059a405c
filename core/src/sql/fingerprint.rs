//! What a statement is, whatever its values.

use data_encoding::HEXLOWER;
use datafusion::sql::sqlparser::tokenizer::{Location, Token};
use sha2::{Digest, Sha256};

use super::tokens::tokenize;

/// How many bytes of the hash tell statements apart.
const HASH_BYTES: usize = 16;

/// The statement `text` with `?` in place of its values, one space between words, and no comments; and a hash of that.
///
/// Two statements that differ in nothing but values, spaces, comments and the case of words have the same.
#[must_use]
pub fn fingerprint(text: &str) -> (String, String) {
    let tokens = tokenize(text, Location { line: 1, column: 1 }).unwrap_or_default();
    let mut shape = String::with_capacity(text.len().min(1 << 10));
    for token in tokens {
        let word = match token.token {
            Token::Whitespace(_) => continue,
            Token::Word(word) if word.quote_style.is_none() => word.value.to_ascii_lowercase(),
            Token::Word(word) => format!("\"{}\"", word.value.replace('"', "\"\"")),
            Token::Number(..)
            | Token::SingleQuotedString(_)
            | Token::DoubleQuotedString(_)
            | Token::TripleSingleQuotedString(_)
            | Token::TripleDoubleQuotedString(_)
            | Token::DollarQuotedString(_)
            | Token::SingleQuotedByteStringLiteral(_)
            | Token::DoubleQuotedByteStringLiteral(_)
            | Token::TripleSingleQuotedByteStringLiteral(_)
            | Token::TripleDoubleQuotedByteStringLiteral(_)
            | Token::SingleQuotedRawStringLiteral(_)
            | Token::DoubleQuotedRawStringLiteral(_)
            | Token::TripleSingleQuotedRawStringLiteral(_)
            | Token::TripleDoubleQuotedRawStringLiteral(_)
            | Token::NationalStringLiteral(_)
            | Token::QuoteDelimitedStringLiteral(_)
            | Token::NationalQuoteDelimitedStringLiteral(_)
            | Token::EscapedStringLiteral(_)
            | Token::UnicodeStringLiteral(_)
            | Token::HexStringLiteral(_)
            | Token::Placeholder(_) => "?".to_owned(),
            other => other.to_string(),
        };
        if !shape.is_empty() {
            shape.push(' ');
        }
        shape.push_str(&word);
    }
    let hash = Sha256::digest(shape.as_bytes());
    let hash = HEXLOWER.encode(hash.get(..HASH_BYTES).unwrap_or_default());
    (shape, hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_and_spelling_do_not_count_and_all_else_does() {
        let of = |sql| fingerprint(sql).1;
        let one = of("UPDATE app.messages AS USER 'alice' SET body = 'secret' WHERE id = 3");
        for same in [
            "update app.messages as user 'bob'\n set body=E'other' -- why\n where id=4",
            "UPDATE app.messages AS USER $1 SET body = $2 WHERE id /* 3 */ = 99",
        ] {
            assert_eq!(of(same), one, "{same}");
        }
        for other in [
            "UPDATE app.messages AS USER 'alice' SET body = 'secret'",
            "UPDATE app.messages AS USER 'alice' SET \"Body\" = 'secret' WHERE id = 3",
        ] {
            assert_ne!(of(other), one, "{other}");
        }
        let (shape, _) = fingerprint("SELECT 'secret', x'ab', 1.5, \"A\" FROM t");
        assert_eq!(shape, "select ? , ? , ? , \"A\" from t");
        for value in
            ["'secret'", "E'secret'", "N'secret'", "B'secret'", "X'secret'", "U&'secret'", "$a$secret$a$"]
        {
            let (shape, _) = fingerprint(&format!("SELECT {value}"));
            assert!(!shape.contains("secret"), "{shape}");
        }
    }
}
