//! Bars and strips of characters.

use console::measure_text_width;

const EIGHTHS: [char; 8] = ['▏', '▎', '▍', '▌', '▋', '▊', '▉', '█'];
const HEIGHTS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// Where nothing is.
const NOTHING: char = '·';

/// `part` of `whole` as a bar of `width` columns. What is not nothing is never drawn as nothing.
pub fn bar(part: u64, whole: u64, width: usize) -> String {
    let eighths = width as u128 * 8;
    let filled = if whole == 0 { 0 } else { u128::from(part.min(whole)) * eighths / u128::from(whole) };
    let filled = usize::try_from(filled).unwrap_or(0).max(usize::from(part > 0 && width > 0));
    let mut bar = "█".repeat(filled / 8);
    if let Some(rest) = (filled % 8).checked_sub(1) {
        bar.extend(EIGHTHS.get(rest));
    }
    padded(bar, width)
}

/// A column for each of `depths`, from a line at one to a full one at the deepest.
pub fn strip(depths: &[usize]) -> String {
    let deepest = depths.iter().copied().max().unwrap_or(0);
    let column = |depth: &usize| match depth.checked_sub(1) {
        None => NOTHING,
        Some(above) => {
            let level = (above * (HEIGHTS.len() - 1)).div_ceil(deepest.saturating_sub(1).max(1));
            HEIGHTS.get(level).copied().unwrap_or(NOTHING)
        }
    };
    depths.iter().map(column).collect()
}

/// A range from column `from` to column `to` of `width`.
pub fn range(from: usize, to: usize, width: usize) -> String {
    (0..width).map(|at| if (from..=to).contains(&at) { '█' } else { NOTHING }).collect()
}

/// `text` with spaces behind it, `width` columns in all.
pub fn padded(text: String, width: usize) -> String {
    let missing = width.saturating_sub(measure_text_width(&text));
    text + &" ".repeat(missing)
}

/// `part` of `whole` in per cent.
pub fn per_cent(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "0.0 %".to_owned();
    }
    format!("{:.1} %", part as f64 * 100.0 / whole as f64)
}

/// Lines of cells, each column as wide as its widest cell; numbers stand right.
pub fn aligned(rows: &[Vec<String>], right: &[bool]) -> Vec<String> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |at: usize| rows.iter().filter_map(|r| r.get(at)).map(|c| measure_text_width(c)).max();
    let widths: Vec<usize> = (0..columns).map(|at| width(at).unwrap_or(0)).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().enumerate().map(|(at, cell)| {
            let width = widths.get(at).copied().unwrap_or(0);
            if right.get(at).copied().unwrap_or(false) {
                " ".repeat(width.saturating_sub(measure_text_width(cell))) + cell
            } else {
                padded(cell.clone(), width)
            }
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_as_long_as_their_part() {
        assert_eq!(bar(0, 10, 4), "    ");
        assert_eq!(bar(5, 10, 4), "██  ");
        assert_eq!(bar(10, 10, 4), "████");
        assert_eq!(bar(1, 1_000_000, 4), "▏   ");
        assert_eq!(bar(0, 0, 3), "   ");
        assert_eq!(bar(u64::MAX, u64::MAX, 2), "██");
    }

    #[test]
    fn strips_rise_with_the_depth() {
        assert_eq!(strip(&[0, 1, 1, 0]), "·▁▁·");
        assert_eq!(strip(&[1, 2, 8, 0]), "▁▂█·");
        assert_eq!(strip(&[1, 2]), "▁█");
        assert_eq!(range(1, 2, 5), "·██··");
    }

    #[test]
    fn columns_are_aligned() {
        let rows = vec![vec!["a".into(), "1".into()], vec!["bcd".into(), "20".into(), "x".into()]];
        assert_eq!(aligned(&rows, &[false, true]), ["a     1", "bcd  20  x"]);
        assert_eq!((per_cent(1, 8), per_cent(0, 0)), ("12.5 %".to_owned(), "0.0 %".to_owned()));
    }
}
