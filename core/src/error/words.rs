//! Names in messages: how they are written, and which is nearest to a mistake.

use strsim::osa_distance;

/// `name` as SQL reads it back: quoted if folding or a character in it needs that.
#[must_use]
pub fn quoted(name: &str) -> String {
    let plain = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if plain { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

/// How many letters differ between two words, whatever their case; two neighbours that are swapped are one.
pub(crate) fn edits(a: &str, b: &str) -> usize {
    osa_distance(&a.to_lowercase(), &b.to_lowercase())
}

/// The one of `names` that `wrong` is most likely meant to be, if any is close.
pub(crate) fn nearest<'a>(wrong: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    names
        .into_iter()
        .map(|name| (edits(wrong, name), name.len().abs_diff(wrong.len()), name))
        .min()
        // Of a short name something has to be left, or any letter would be near any other.
        .filter(|(distance, _, name)| {
            let length = wrong.len().max(name.len());
            *distance <= 1 + length / 4 && *distance < length
        })
        .map(|(_, _, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_near() {
        let names = ["messages", "settings", "app", "form", "for"];
        for (wrong, right) in [
            ("message", Some("messages")),
            ("mesages", Some("messages")),
            ("Settings", Some("settings")),
            ("apps", Some("app")),
            ("from", Some("form")),
            ("orders", None),
            ("x", None),
        ] {
            assert_eq!(nearest(wrong, names), right, "{wrong}");
        }
        assert_eq!(nearest("T", ["t"]), Some("t"));
    }
}
