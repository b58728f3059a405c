//! UUIDs (RFC 9562) as text: 32 hexadecimal digits, lower case, with four hyphens.

/// The canonical form of a UUID written in any of PostgreSQL's ways: upper case, in braces, hyphens left out
/// or behind any four digits. `None` when it is none.
#[must_use]
pub fn canonical(text: &str) -> Option<String> {
    let text = text.trim();
    let inner = match text.strip_prefix('{') {
        Some(rest) => rest.strip_suffix('}')?,
        None => text,
    };
    let mut out = String::with_capacity(36);
    let mut digits = 0_usize;
    let mut after_hyphen = false;
    for c in inner.chars() {
        if c == '-' {
            if after_hyphen || digits == 0 || digits == 32 || !digits.is_multiple_of(4) {
                return None;
            }
            after_hyphen = true;
            continue;
        }
        if !c.is_ascii_hexdigit() || digits == 32 {
            return None;
        }
        if matches!(digits, 8 | 12 | 16 | 20) {
            out.push('-');
        }
        out.push(c.to_ascii_lowercase());
        digits += 1;
        after_hyphen = false;
    }
    (digits == 32).then_some(out)
}

/// The UUID of these bits, as text.
#[must_use]
pub fn of_bits(bits: u128) -> String {
    let digits = format!("{bits:032x}");
    let mut out = String::with_capacity(36);
    for (at, digit) in digits.chars().enumerate() {
        if matches!(at, 8 | 12 | 16 | 20) {
            out.push('-');
        }
        out.push(digit);
    }
    out
}

/// The UUID of 16 bytes, as text; `None` for another number of bytes.
#[must_use]
pub fn of_bytes(bytes: &[u8]) -> Option<String> {
    bytes.try_into().ok().map(|bytes| of_bits(u128::from_be_bytes(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CANONICAL: &str = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11";

    #[test]
    fn every_way_to_write_one_is_one() {
        for text in [
            CANONICAL,
            "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11",
            "{a0eebc99-9c0b4ef8-bb6d6bb9-bd380a11}",
            "a0eebc999c0b4ef8bb6d6bb9bd380a11",
            "a0ee-bc99-9c0b-4ef8-bb6d-6bb9-bd38-0a11",
            " a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11 ",
        ] {
            assert_eq!(canonical(text).as_deref(), Some(CANONICAL), "{text}");
        }
        assert_eq!(of_bits(0xa0ee_bc99_9c0b_4ef8_bb6d_6bb9_bd38_0a11), CANONICAL);
        assert_eq!(of_bytes(&[0; 16]).as_deref(), Some("00000000-0000-0000-0000-000000000000"));
    }

    #[test]
    fn what_is_none_is_none() {
        for text in [
            "",
            "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1",
            "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a111",
            "{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
            "g0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
            "a0eebc9-99c0b-4ef8-bb6d-6bb9bd380a11",
            "a0eebc99--9c0b-4ef8-bb6d-6bb9bd380a11",
            "-a0eebc999c0b4ef8bb6d6bb9bd380a11",
            "a0eebc999c0b4ef8bb6d6bb9bd380a11-",
        ] {
            assert_eq!(canonical(text), None, "{text}");
        }
        assert_eq!(of_bytes(&[0; 15]), None);
    }
}
