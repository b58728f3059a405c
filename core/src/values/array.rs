//! Arrays as text: PostgreSQL's `{1,2,NULL}`, and JSON's `[1, 2, null]`, as JavaScript sends them.

use crate::values::json;

/// The elements of an array of one dimension, each as text; `None` is NULL.
///
/// # Errors
/// What is wrong with it.
pub fn elements(text: &str) -> Result<Vec<Option<String>>, String> {
    let text = text.trim();
    if text.starts_with('[') {
        json::check(text)?;
        let elements = json::elements(text).unwrap_or_default();
        if elements.iter().any(|e| e.starts_with(['[', '{'])) {
            return Err("an array has one dimension".to_owned());
        }
        return Ok(elements.into_iter().map(json::text_of).collect());
    }
    let inner = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
    let inner = inner.ok_or_else(|| "an array is written as {1,2,3}".to_owned())?;
    if inner.trim().is_empty() {
        return Ok(Vec::new());
    }
    let mut chars = inner.chars().peekable();
    let mut found = Vec::new();
    loop {
        found.push(element(&mut chars)?);
        match chars.next() {
            None => return Ok(found),
            Some(',') => {}
            Some(other) => return Err(format!("expected a comma or the end of the array, found {other:?}")),
        }
    }
}

fn element(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Result<Option<String>, String> {
    while chars.next_if(|c| c.is_whitespace()).is_some() {}
    let cut_short = || "the array is cut short".to_owned();
    if chars.next_if_eq(&'"').is_some() {
        let mut text = String::new();
        loop {
            match chars.next().ok_or_else(cut_short)? {
                '"' => break,
                '\\' => text.push(chars.next().ok_or_else(cut_short)?),
                c => text.push(c),
            }
        }
        while chars.next_if(|c| c.is_whitespace()).is_some() {}
        return Ok(Some(text));
    }
    let mut text = String::new();
    let mut escaped = false;
    while let Some(c) = chars.next_if(|c| *c != ',') {
        match c {
            '{' | '}' => return Err("an array has one dimension".to_owned()),
            '"' => return Err("quotes go around a whole element".to_owned()),
            '\\' => {
                escaped = true;
                text.push(chars.next().ok_or_else(cut_short)?);
            }
            c => text.push(c),
        }
    }
    let trimmed = text.trim_end();
    if trimmed.is_empty() {
        return Err("an element is missing".to_owned());
    }
    if !escaped && trimmed.eq_ignore_ascii_case("NULL") {
        return Ok(None);
    }
    Ok(Some(if escaped { text } else { trimmed.to_owned() }))
}

/// The text of an array of these elements, as PostgreSQL writes it.
#[must_use]
pub fn write(elements: &[Option<String>]) -> String {
    let elements = elements.iter().map(|element| match element {
        None => "NULL".to_owned(),
        Some(text) if is_plain(text) => text.clone(),
        Some(text) => format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")),
    });
    format!("{{{}}}", elements.collect::<Vec<_>>().join(","))
}

fn is_plain(text: &str) -> bool {
    let special = |c: char| c.is_whitespace() || matches!(c, '{' | '}' | ',' | '"' | '\\');
    !text.is_empty() && !text.contains(special) && !text.eq_ignore_ascii_case("NULL")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some(texts: &[&str]) -> Vec<Option<String>> {
        texts.iter().map(|t| (*t != "NULL").then(|| (*t).to_owned())).collect()
    }

    #[test]
    fn both_forms_are_read() {
        assert_eq!(elements("{1,2,NULL}").unwrap(), some(&["1", "2", "NULL"]));
        assert_eq!(elements(" { 1 , null } ").unwrap(), some(&["1", "NULL"]));
        assert_eq!(elements(r#"{"a b","c\"d\\",e,"NULL",""}"#).unwrap()[..3], some(&["a b", "c\"d\\", "e"]));
        assert_eq!(elements(r#"{"NULL"}"#).unwrap(), [Some("NULL".to_owned())]);
        assert_eq!(elements("{}").unwrap(), []);
        assert_eq!(
            elements(r#"[1, "two", null, true, 1.50]"#).unwrap(),
            some(&["1", "two", "NULL", "true", "1.50"])
        );
        assert_eq!(elements("[]").unwrap(), []);
    }

    #[test]
    fn what_is_none_is_refused() {
        for text in [
            "",
            "1,2",
            "{1,2",
            "{1,,2}",
            "{1,}",
            "{{1},{2}}",
            "{\"a}",
            "{a\"b\"}",
            "{\"a\"b}",
            "[1",
            "[[1]]",
            "[{}]",
        ] {
            assert!(elements(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_written_reads_back() {
        for list in [some(&[]), some(&["1", "NULL", "", "null", "a,b", "{}", "q\"\\", " x "])] {
            assert_eq!(elements(&write(&list)).unwrap(), list);
        }
        assert_eq!(write(&some(&["1", "NULL", "a b"])), "{1,NULL,\"a b\"}");
    }
}
