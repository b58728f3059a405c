//! Colours for what is being typed.

use crate::lexemes::{Kind, Lexemes};
use crate::shell::keywords::is_keyword;

const KEYWORD: &str = "\x1b[1;36m";
const TEXT: &str = "\x1b[32m";
const NUMBER: &str = "\x1b[33m";
const PARAMETER: &str = "\x1b[35m";
const COMMENT: &str = "\x1b[2m";
const COMMAND: &str = "\x1b[1;35m";
const RESET: &str = "\x1b[0m";

/// `line` with colours: the same characters, and nothing that takes a column.
pub fn highlight(line: &str) -> String {
    if crate::script::is_command(line.trim_start()) {
        let end =
            line.trim_start().find(char::is_whitespace).map(|at| at + line.len() - line.trim_start().len());
        let (command, rest) = line.split_at(end.unwrap_or(line.len()));
        return format!("{COMMAND}{command}{RESET}{rest}");
    }
    let mut out = String::with_capacity(line.len() * 2);
    for lexeme in Lexemes::of(line) {
        let colour = match lexeme.kind {
            Kind::Word if is_keyword(lexeme.text) => KEYWORD,
            Kind::Text => TEXT,
            Kind::Number => NUMBER,
            Kind::Parameter => PARAMETER,
            Kind::Comment => COMMENT,
            _ => {
                out.push_str(lexeme.text);
                continue;
            }
        };
        out.push_str(colour);
        out.push_str(lexeme.text);
        out.push_str(RESET);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_have_colours_and_the_rest_has_none() {
        let shown = highlight("SELECT 'a' AS x, 1 -- c");
        let expected = "\x1b[1;36mSELECT\x1b[0m \x1b[32m'a'\x1b[0m \x1b[1;36mAS\x1b[0m x, \x1b[33m1\x1b[0m \
                        \x1b[2m-- c\x1b[0m";
        assert_eq!(shown, expected);
        assert_eq!(highlight(" .mode csv"), "\x1b[1;35m .mode\x1b[0m csv");
        assert_eq!(highlight("messages"), "messages");
    }

    #[test]
    fn the_characters_stay_the_same() {
        for line in ["SELECT 'open", "é \"x\" $1 $$a", "\\d t", "", "/* select", "1e5 ;;"] {
            assert_eq!(console::strip_ansi_codes(&highlight(line)), line);
        }
    }
}
