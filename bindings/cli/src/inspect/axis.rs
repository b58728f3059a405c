//! Where on a line the values of a column lie, and how many ranges lie over each place of it.

use std::cmp::Ordering;

/// How the bounds of a column are compared, given its type in SQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// As numbers; so far apart as they differ.
    Numbers,
    /// As text; all equally far apart, in their order.
    Texts,
}

impl Scale {
    /// The scale of a column of this type.
    pub fn of(sql_type: &str) -> Self {
        let name = sql_type.split(['(', '[']).next().unwrap_or_default().trim();
        let texts = ["TEXT", "VARCHAR", "UUID", "JSON", "BYTEA", "BOOLEAN"];
        if texts.contains(&name) || sql_type.contains('[') { Self::Texts } else { Self::Numbers }
    }

    /// The order of two bounds.
    pub fn compare(self, a: &str, b: &str) -> Ordering {
        let both = match self {
            Self::Texts => None,
            Self::Numbers => match (a.parse::<i128>(), b.parse::<i128>()) {
                (Ok(a), Ok(b)) => Some(a.cmp(&b)),
                _ => number(a).zip(number(b)).and_then(|(a, b)| a.partial_cmp(&b)),
            },
        };
        both.unwrap_or_else(|| a.cmp(b))
    }
}

fn number(text: &str) -> Option<f64> {
    text.parse::<f64>().ok().filter(|n| n.is_finite())
}

/// Ranges on a line from 0 to 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// The ends of each range, the lower first; `None` for one whose ends are no values of the scale.
    pub ranges: Vec<Option<(f64, f64)>>,
}

impl Line {
    /// The ranges between the bounds in `bounds`.
    pub fn of(scale: Scale, bounds: &[(&str, &str)]) -> Self {
        match scale {
            Scale::Numbers => {
                let numbers = || bounds.iter().flat_map(|(low, high)| [number(low), number(high)]).flatten();
                let low = numbers().fold(f64::INFINITY, f64::min);
                let high = numbers().fold(f64::NEG_INFINITY, f64::max);
                // Halved, so that the difference of the largest numbers is one too.
                let width = high / 2.0 - low / 2.0;
                Self::placed(bounds, |value| {
                    let at = number(value)?;
                    Some(if width > 0.0 { (at / 2.0 - low / 2.0) / width } else { 0.0 })
                })
            }
            Scale::Texts => {
                let mut texts: Vec<&str> = bounds.iter().flat_map(|(low, high)| [*low, *high]).collect();
                texts.sort_unstable();
                texts.dedup();
                let last = texts.len().saturating_sub(1).max(1) as f64;
                Self::placed(bounds, |value| texts.binary_search(&value).ok().map(|at| at as f64 / last))
            }
        }
    }

    fn placed(bounds: &[(&str, &str)], place: impl Fn(&str) -> Option<f64>) -> Self {
        let range = |(low, high): &(&str, &str)| Some((place(low)?, place(high)?)).filter(|(a, b)| a <= b);
        Self { ranges: bounds.iter().map(range).collect() }
    }

    /// How many ranges lie over one point at most, for each of `cells` parts of the line.
    pub fn depths(&self, cells: usize) -> Vec<usize> {
        let mut depths = vec![0; cells];
        let mut ends: Vec<(f64, bool)> = self
            .ranges
            .iter()
            .flatten()
            // Ends belong to their ranges: what begins at a point is there before anything ends at it.
            .flat_map(|(low, high)| [(*low, false), (*high, true)])
            .collect();
        ends.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let (mut depth, mut from) = (0_usize, 0);
        for (at, is_end) in ends {
            let to = cell(at, cells);
            raise(&mut depths, from, to, depth);
            depth = if is_end { depth.saturating_sub(1) } else { depth + 1 };
            if !is_end {
                raise(&mut depths, to, to, depth);
            }
            from = to;
        }
        depths
    }
}

fn raise(depths: &mut [usize], from: usize, to: usize, depth: usize) {
    for cell in depths.iter_mut().take(to + 1).skip(from) {
        *cell = (*cell).max(depth);
    }
}

/// Which of `cells` parts of a line from 0 to 1 has `at`.
pub fn cell(at: f64, cells: usize) -> usize {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a place on the line, which is from 0 to 1"
    )]
    let index = (at.clamp(0.0, 1.0) * cells as f64) as usize;
    index.min(cells.saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_lie_as_far_apart_as_they_differ_and_texts_in_order() {
        let bounds = [("0", "50"), ("100", "100"), ("x", "1")];
        let line = Line::of(Scale::Numbers, &bounds);
        assert_eq!(line.ranges, [Some((0.0, 0.5)), Some((1.0, 1.0)), None]);
        let line = Line::of(Scale::Texts, &[("a", "b"), ("b", "zebra")]);
        assert_eq!(line.ranges, [Some((0.0, 0.5)), Some((0.5, 1.0))]);
        assert_eq!(Line::of(Scale::Numbers, &[("7", "7")]).ranges, [Some((0.0, 0.0))]);
        let (low, high) = (i64::MIN.to_string(), i64::MAX.to_string());
        assert_eq!(Line::of(Scale::Numbers, &[(&low, &high)]).ranges, [Some((0.0, 1.0))]);
    }

    #[test]
    fn depth_is_of_points_not_of_cells() {
        // Four files side by side, of which one cell holds two.
        let line = Line::of(Scale::Numbers, &[("0", "24"), ("25", "49"), ("50", "74"), ("75", "100")]);
        assert_eq!(line.depths(2), [1, 1]);
        let line = Line::of(Scale::Numbers, &[("0", "100"), ("40", "60"), ("60", "60"), ("90", "100")]);
        assert_eq!(line.depths(10), [1, 1, 1, 1, 2, 2, 3, 1, 1, 2]);
        assert_eq!(Line { ranges: vec![Some((0.0, 0.1)), Some((0.9, 1.0))] }.depths(4), [1, 0, 0, 1]);
        assert_eq!(Line { ranges: Vec::new() }.depths(3), [0, 0, 0]);
    }

    #[test]
    fn types_have_their_scale() {
        for numbers in ["BIGINT", "DECIMAL(10,2)", "TIMESTAMP", "DATE", "DOUBLE PRECISION"] {
            assert_eq!(Scale::of(numbers), Scale::Numbers, "{numbers}");
        }
        for texts in ["TEXT", "VARCHAR(10)", "UUID", "BYTEA", "INTEGER[]"] {
            assert_eq!(Scale::of(texts), Scale::Texts, "{texts}");
        }
        assert_eq!(Scale::Numbers.compare("9", "10"), Ordering::Less);
        assert_eq!(Scale::Numbers.compare("9.5", "-10"), Ordering::Greater);
        assert_eq!(Scale::Texts.compare("9", "10"), Ordering::Greater);
    }
}
