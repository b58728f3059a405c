//! Where in a text of SQL an error is, and how that is shown.

use std::fmt;

/// Columns in which the part of a line has room unless said otherwise: those of most terminals.
pub(super) const COLUMNS: usize = 80;
/// Columns that it has at least.
const LEAST: usize = 20;
/// Characters of a line that are kept on either side of the place of an error.
const KEPT: usize = 300;

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
    /// Whether the line begins before it, and goes on behind it.
    cut: (bool, bool),
}

impl Excerpt {
    /// The line of `at` in `text`; nothing when `at` is not in it.
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
        let indent = line.chars().take_while(|c| c.is_whitespace()).count().min(before);
        let skipped = before.saturating_sub(KEPT).max(indent);
        let kept: String = line.chars().skip(skipped).take(before - skipped + KEPT).map(plain).collect();
        let goes_on = length > before + KEPT;
        let text = if goes_on { kept } else { kept.trim_end().to_owned() };
        Some(Self { text, before: before - skipped, cut: (skipped > indent, goes_on) })
    }

    /// The line with its number, and a caret under the place; no longer than `columns`.
    pub(super) fn shown(&self, line: u64, columns: usize) -> String {
        let head = format!("LINE {line}: ");
        let room = columns.saturating_sub(head.len()).max(LEAST);
        let length = self.text.chars().count();
        // Of the line there is more to see before the place than behind it.
        let start = match (self.cut, length > room) {
            ((false, _), false) => 0,
            _ => self.before.saturating_sub(room * 3 / 5).min(length.saturating_sub(room - 2)),
        };
        let (begun, mut left) = (self.cut.0 || start > 0, room);
        let mut shown = String::new();
        if begun {
            shown.push('…');
            left -= 1;
        }
        let goes_on = self.cut.1 || length - start > left;
        shown.extend(self.text.chars().skip(start).take(left - usize::from(goes_on)));
        if goes_on {
            shown.push('…');
        }
        let width = head.len() + self.before - start + usize::from(begun);
        format!("{head}{shown}\n{:width$}^", "")
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
            assert_eq!(excerpt.shown(place.line, COLUMNS), shown);
        }
        assert_eq!(Excerpt::of(text, at(4, 1)), None);
        assert_eq!(Excerpt::of(text, at(3, 9)), None);
    }

    #[test]
    fn a_long_line_is_cut_around_the_place() {
        for (before, after) in [(500, 500), (0, 500), (500, 0), (70, 0), (0, 71), (71, 0), (40, 40), (3, 3)] {
            for columns in [80, 40, 27] {
                let text = format!("{}X{}", "a".repeat(before), "b".repeat(after));
                let shown = Excerpt::of(&text, at(1, before as u64 + 1)).unwrap().shown(1, columns);
                let (line, caret) = shown.split_once('\n').unwrap();
                let length = line.chars().count();
                assert!(length <= columns.max(28) && caret.len() <= columns.max(28), "{columns}: {shown}");
                assert_eq!(line.chars().nth(caret.chars().count() - 1), Some('X'), "{columns}: {shown}");
                assert_eq!(
                    line.contains('…'),
                    before + after + 1 > columns.max(28) - 8,
                    "{columns}: {shown}"
                );
            }
        }
    }
}
