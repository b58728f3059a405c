//! Where in a text of SQL an error is, and how that is shown.

use std::fmt;

/// Characters of a line that are shown before and after the place of an error.
const SHOWN_BEFORE: usize = 60;
const SHOWN_AFTER: usize = 40;

/// A place in a text: line and column, both counted from 1, columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The line.
    pub line: u64,
    /// The column.
    pub column: u64,
}

impl Position {
    /// Where a text begins.
    pub const START: Self = Self { line: 1, column: 1 };

    /// The place in the whole text of what is here in a part of it that starts at `start`.
    #[must_use]
    pub fn within(self, start: Self) -> Self {
        let column = if self.line == 1 { self.column + start.column - 1 } else { self.column };
        Self { line: self.line + start.line - 1, column }
    }

    /// The place in a part that starts at `start` of what is here in the whole text; `None` before it.
    #[must_use]
    pub fn relative_to(self, start: Self) -> Option<Self> {
        let line = (self.line + 1).checked_sub(start.line).filter(|line| *line > 0)?;
        let column = if line == 1 { (self.column + 1).checked_sub(start.column)? } else { self.column };
        (column > 0).then_some(Self { line, column })
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// The part of a line around the place of an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Excerpt {
    text: String,
    /// Characters of it before the place.
    before: usize,
}

impl Excerpt {
    /// What `text` has around `at`; nothing when `at` is not in it.
    pub(super) fn of(text: &str, at: Position) -> Option<Self> {
        let line = text.split('\n').nth(usize::try_from(at.line).ok()?.checked_sub(1)?)?;
        let line = line.strip_suffix('\r').unwrap_or(line);
        let before = usize::try_from(at.column).ok()?.checked_sub(1)?;
        let length = line.chars().count();
        if before > length {
            return None;
        }
        // What a terminal would not show in one column would move the caret.
        let plain = |c: char| if c.is_control() { ' ' } else { c };
        let skipped =
            if length > SHOWN_BEFORE + SHOWN_AFTER { before.saturating_sub(SHOWN_BEFORE) } else { 0 };
        let indent = line.chars().take_while(|c| c.is_whitespace()).count();
        let skipped = skipped.max(indent.min(before));
        let cut = skipped > indent;
        let mut shown: String = if cut { "…".to_owned() } else { String::new() };
        let room = before - skipped + SHOWN_AFTER;
        shown.extend(line.chars().skip(skipped).take(room).map(plain));
        if length > skipped + room {
            shown.push('…');
        }
        Some(Self { text: shown.trim_end().to_owned(), before: before - skipped + usize::from(cut) })
    }

    /// The line with its number, and a caret under the place.
    pub(super) fn shown(&self, line: u64) -> String {
        let head = format!("LINE {line}: ");
        format!("{head}{}\n{:width$}^", self.text, "", width = head.len() + self.before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(line: u64, column: u64) -> Position {
        Position { line, column }
    }

    #[test]
    fn a_part_and_the_whole_count_alike() {
        for (inner, start, outer) in [
            (at(1, 1), at(1, 1), at(1, 1)),
            (at(1, 5), at(3, 11), at(3, 15)),
            (at(2, 5), at(3, 11), at(4, 5)),
        ] {
            assert_eq!(inner.within(start), outer);
            assert_eq!(outer.relative_to(start), Some(inner));
        }
        assert_eq!(at(2, 1).relative_to(at(3, 1)), None);
        assert_eq!(at(3, 10).relative_to(at(3, 11)), None);
    }

    #[test]
    fn the_caret_is_under_the_place() {
        let text = "SELECT é,\r\n\t  x y\nlast";
        for (place, shown) in [
            (at(1, 8), "LINE 1: SELECT é,\n               ^"),
            (at(1, 10), "LINE 1: SELECT é,\n                 ^"),
            (at(2, 6), "LINE 2: x y\n          ^"),
            (at(3, 1), "LINE 3: last\n        ^"),
        ] {
            let excerpt = Excerpt::of(text, place).unwrap();
            assert_eq!(excerpt.shown(place.line), shown);
        }
        assert_eq!(Excerpt::of(text, at(4, 1)), None);
        assert_eq!(Excerpt::of(text, at(3, 9)), None);
    }

    #[test]
    fn a_long_line_is_cut_around_the_place() {
        let text = format!("{}X{}", "a".repeat(500), "b".repeat(500));
        let shown = Excerpt::of(&text, at(1, 501)).unwrap().shown(1);
        let (line, caret) = shown.split_once('\n').unwrap();
        assert!(line.chars().count() < 120 && line.ends_with('…') && line.contains("…a"), "{shown}");
        assert_eq!(line.chars().nth(caret.chars().count() - 1), Some('X'), "{shown}");
    }
}
