//! JSON (RFC 8259) as text: checked when it is written, and looked into where it stands.
//!
//! What is found is a part of the text, as in PostgreSQL's type of the name: numbers keep their digits and
//! objects the order of their members. Of members with one name the last counts.

use serde::de::IgnoredAny;

/// Whether `text` is one JSON value, and if not, why.
///
/// # Errors
/// What is wrong, with line and column.
pub fn check(text: &str) -> Result<(), String> {
    serde_json::from_str::<IgnoredAny>(text).map(|_| ()).map_err(|e| e.to_string())
}

/// The member `key` of the object `text`, which is JSON; `None` for anything but an object.
#[must_use]
pub fn member<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let mut scan = Scan::of(text);
    scan.take(b'{').then_some(())?;
    let mut found = None;
    loop {
        scan.spaces();
        let name = scan.string()?;
        scan.spaces();
        scan.take(b':').then_some(())?;
        scan.spaces();
        let value = scan.value()?;
        if unescaped(name).is_some_and(|name| name == key) {
            found = Some(value);
        }
        scan.spaces();
        if !scan.take(b',') {
            return found;
        }
    }
}

/// Gives the members of the object `text`, which is JSON, in order to `visit`, up to one for which that says `false`.
/// Whether all were given; `false` for anything but an object.
pub fn each_member<'a>(text: &'a str, mut visit: impl FnMut(String, &'a str) -> bool) -> bool {
    let mut scan = Scan::of(text);
    if !scan.take(b'{') {
        return false;
    }
    loop {
        scan.spaces();
        if scan.peek() == Some(b'}') {
            return true;
        }
        let Some((name, value)) = scan.member() else { return false };
        if !visit(name, value) {
            return false;
        }
        scan.spaces();
        scan.take(b',');
    }
}

/// The elements of the array `text`, which is JSON; `None` for anything but an array.
#[must_use]
pub fn elements(text: &str) -> Option<Vec<&str>> {
    let mut scan = Scan::of(text);
    scan.take(b'[').then_some(())?;
    let mut found = Vec::new();
    loop {
        scan.spaces();
        if scan.peek() == Some(b']') {
            return Some(found);
        }
        found.push(scan.value()?);
        scan.spaces();
        scan.take(b',');
    }
}

/// The element at `index` of the array `text`, which is JSON: from 0, or from the end if negative.
#[must_use]
pub fn element(text: &str, index: i64) -> Option<&str> {
    let all = elements(text)?;
    let at = match usize::try_from(index) {
        Ok(at) => at,
        Err(_) => all.len().checked_sub(usize::try_from(index.unsigned_abs()).ok()?)?,
    };
    all.get(at).copied()
}

/// What a path of names of members and indexes of elements leads to.
#[must_use]
pub fn path<'a>(text: &'a str, steps: &[Option<String>]) -> Option<&'a str> {
    steps.iter().try_fold(text.trim(), |at, step| {
        let step = step.as_ref()?;
        if at.starts_with('[') { element(at, step.parse().ok()?) } else { member(at, step) }
    })
}

/// A value as text: a string without its quotes, `null` as `None`, anything else as it stands.
#[must_use]
pub fn text_of(value: &str) -> Option<String> {
    match value.trim() {
        "null" => None,
        value if value.starts_with('"') => unescaped(value),
        value => Some(value.to_owned()),
    }
}

fn unescaped(string: &str) -> Option<String> {
    if !string.contains('\\') {
        return string.get(1..string.len().checked_sub(1)?).map(str::to_owned);
    }
    serde_json::from_str(string).ok()
}

/// A place in a text that has been checked.
struct Scan<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scan<'a> {
    fn of(text: &'a str) -> Self {
        let mut scan = Self { text, at: 0 };
        scan.spaces();
        scan
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn spaces(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// A member with its name, and no spaces in front.
    fn member(&mut self) -> Option<(String, &'a str)> {
        let name = self.string()?;
        self.spaces();
        self.take(b':').then_some(())?;
        self.spaces();
        Some((unescaped(name)?, self.value()?))
    }

    /// A string with its quotes.
    fn string(&mut self) -> Option<&'a str> {
        let start = self.at;
        self.take(b'"').then_some(())?;
        loop {
            match self.peek()? {
                b'"' => {
                    self.at += 1;
                    return self.text.get(start..self.at);
                }
                b'\\' => self.at += 2,
                _ => self.at += 1,
            }
        }
    }

    /// A whole value.
    fn value(&mut self) -> Option<&'a str> {
        let start = self.at;
        let mut depth = 0_usize;
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.string()?;
                }
                Some(b'{' | b'[') => {
                    depth += 1;
                    self.at += 1;
                }
                Some(b'}' | b']') if depth > 0 => {
                    depth -= 1;
                    self.at += 1;
                }
                // The end of a number, of a word, or of what is around.
                Some(b',' | b'}' | b']' | b' ' | b'\t' | b'\n' | b'\r') | None if depth == 0 => break,
                Some(_) => {
                    self.at += 1;
                    continue;
                }
                None => return None,
            }
            if depth == 0 {
                break;
            }
        }
        self.text.get(start..self.at).filter(|value| !value.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_and_elements_are_parts_of_the_text() {
        let text =
            r#" { "a" : 1.50 , "b\"\u0041": [ 1, "x]}" ,{"c": null}, [] ], "a": {"d" : "é\n"}, "" : true} "#;
        assert_eq!(check(text), Ok(()));
        assert_eq!(member(text, "a"), Some(r#"{"d" : "é\n"}"#));
        assert_eq!(member(text, ""), Some("true"));
        assert_eq!(member(text, "none"), None);
        let list = member(text, "b\"A").unwrap();
        assert_eq!(list, r#"[ 1, "x]}" ,{"c": null}, [] ]"#);
        assert_eq!(elements(list).unwrap(), ["1", r#""x]}""#, r#"{"c": null}"#, "[]"]);
        assert_eq!((element(list, 0), element(list, -1), element(list, 4)), (Some("1"), Some("[]"), None));
        assert_eq!((element(list, -5), element(text, 0), member(list, "a")), (None, None, None));
        assert_eq!(element(list, i64::MIN), None);
        let mut all = Vec::new();
        assert!(each_member(text, |name, value| {
            all.push((name, value));
            true
        }));
        let names: Vec<&str> = all.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!((names, all[0].1), (vec!["a", "b\"A", "a", ""], "1.50"));
        let mut seen = 0;
        assert!(!each_member(text, |_, _| {
            seen += 1;
            seen < 2
        }));
        assert_eq!((seen, each_member("{}", |_, _| false), each_member("[]", |_, _| true)), (2, true, false));
        assert_eq!(elements("[]").unwrap(), [""; 0]);
        assert_eq!((member("{}", "a"), member("3", "a"), element("\"a\"", 0)), (None, None, None));
    }

    #[test]
    fn paths_go_through_both() {
        let text = r#"{"a": {"b": ["foo", {"1": -0}]}}"#;
        let steps = |steps: &[&str]| steps.iter().map(|s| Some((*s).to_owned())).collect::<Vec<_>>();
        assert_eq!(path(text, &steps(&["a", "b", "0"])), Some("\"foo\""));
        assert_eq!(path(text, &steps(&["a", "b", "-1", "1"])), Some("-0"));
        assert_eq!(path(text, &steps(&["a", "b", "x"])), None);
        assert_eq!(path(text, &steps(&[])), Some(text));
        assert_eq!(path(text, &[None]), None);
    }

    #[test]
    fn values_become_text() {
        assert_eq!(text_of(r#""a\tb""#).as_deref(), Some("a\tb"));
        assert_eq!(text_of("null"), None);
        assert_eq!(text_of(" 1.0 ").as_deref(), Some("1.0"));
        assert_eq!(text_of("[1, 2]").as_deref(), Some("[1, 2]"));
        assert_eq!(text_of(r#""""#).as_deref(), Some(""));
    }

    #[test]
    fn what_is_not_json_is_refused() {
        for text in ["", "{", "{'a': 1}", "[1,]", "nul", "1 2", "\"\u{1}\"", "{\"a\" 1}", "01", "NaN"] {
            assert!(check(text).is_err(), "{text}");
        }
    }
}
