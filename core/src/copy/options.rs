//! How a file is written: its format, and for CSV its signs.

use crate::error::{Error, Result, nearest};

/// The format of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Values separated by a delimiter, a row a line.
    Csv,
    /// A JSON object a line; an array of objects is read too.
    Json,
    /// Parquet.
    Parquet,
}

/// The names of the formats.
const FORMATS: [(&str, Format); 6] = [
    ("csv", Format::Csv),
    ("json", Format::Json),
    ("jsonl", Format::Json),
    ("ndjson", Format::Json),
    ("parquet", Format::Parquet),
    ("tsv", Format::Csv),
];

/// What the first line of a CSV file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Header {
    /// A row.
    #[default]
    Absent,
    /// The names of the columns.
    Names,
    /// The names of the columns, which must be those of the table, in order.
    Match,
}

/// The options of a COPY, as they were given.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CopyOptions {
    /// The format; without it, that of the path's ending.
    pub format: Option<Format>,
    /// What the first line is.
    pub header: Header,
    /// What separates values: a comma, or a tab for `.tsv`.
    pub delimiter: Option<u8>,
    /// How NULL is written, without quotes: nothing.
    pub null: Option<String>,
    /// What goes around values: `"`.
    pub quote: Option<u8>,
    /// What goes before a quote in a quoted value: the quote.
    pub escape: Option<u8>,
    /// Whether rows that are none are left out, where otherwise the first ends the statement.
    pub skip_bad: bool,
    /// The file that says which rows were left out, and why.
    pub rejected: Option<String>,
}

impl Format {
    /// The format of this name.
    ///
    /// # Errors
    /// `Unsupported`, with the nearest name.
    pub fn named(name: &str) -> Result<Self> {
        let lower = name.to_ascii_lowercase();
        if let Some((_, format)) = FORMATS.iter().find(|(known, _)| *known == lower && *known != "tsv") {
            return Ok(*format);
        }
        let hint = match lower.as_str() {
            "text" | "tsv" => Some("FORMAT csv with DELIMITER E'\\t' reads and writes tabs".to_owned()),
            _ => nearest(&lower, FORMATS.iter().map(|(known, _)| *known))
                .map(|near| format!("did you mean {near}?")),
        };
        let error =
            Error::unsupported(format!("the format {name} is not supported: it is csv, json or parquet"));
        Err(error.with_hint_if(hint))
    }

    /// The format that the ending of `path` says it has.
    #[must_use]
    pub fn of_path(path: &str) -> Option<Self> {
        let ending = ending(path)?;
        FORMATS.iter().find(|(known, _)| *known == ending).map(|(_, format)| *format)
    }
}

fn ending(path: &str) -> Option<String> {
    let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
    name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase())
}

impl CopyOptions {
    /// The options with what follows from the path, if there is one.
    ///
    /// # Errors
    /// `InvalidInput` where the format is neither given nor to be told, or options contradict each other.
    pub fn resolved(&self, path: Option<&str>) -> Result<Self> {
        let format = self.format.or_else(|| path.and_then(Format::of_path));
        let format = format.ok_or_else(|| {
            let of = path.map_or_else(String::new, |path| format!(" of {path}"));
            Error::invalid(format!(
                "the format{of} is not known: its ending is not csv, tsv, json, jsonl or parquet"
            ))
            .with_hint("say it: COPY … (FORMAT csv)")
        })?;
        let tabs = path.and_then(ending).is_some_and(|ending| ending == "tsv");
        let delimiter = self.delimiter.or_else(|| tabs.then_some(b'\t'));
        let resolved = Self { format: Some(format), delimiter, ..self.clone() };
        resolved.check(format)?;
        Ok(resolved)
    }

    fn check(&self, format: Format) -> Result<()> {
        let of_csv = [
            ("HEADER", self.header != Header::Absent),
            ("DELIMITER", self.delimiter.is_some()),
            ("NULL", self.null.is_some()),
            ("QUOTE", self.quote.is_some()),
            ("ESCAPE", self.escape.is_some()),
        ];
        if format != Format::Csv
            && let Some((name, _)) = of_csv.iter().find(|(_, given)| *given)
        {
            return Err(Error::invalid(format!("{name} is an option of the format csv only")));
        }
        if self.rejected.is_some() && !self.skip_bad {
            return Err(Error::invalid("REJECTED goes with ON_ERROR skip: without it no row is left out"));
        }
        let (delimiter, quote, null) = (self.delimiter(), self.quote(), self.null());
        if delimiter == quote {
            return Err(Error::invalid("DELIMITER and QUOTE must not be the same"));
        }
        if null.bytes().any(|b| b == delimiter || b == quote || b == b'\n' || b == b'\r') {
            return Err(Error::invalid("NULL must have no delimiter, quote or line end in it"));
        }
        Ok(())
    }

    /// What separates values.
    #[must_use]
    pub fn delimiter(&self) -> u8 {
        self.delimiter.unwrap_or(b',')
    }

    /// What goes around values.
    #[must_use]
    pub fn quote(&self) -> u8 {
        self.quote.unwrap_or(b'"')
    }

    /// What goes before a quote in a quoted value.
    #[must_use]
    pub fn escape(&self) -> u8 {
        self.escape.unwrap_or_else(|| self.quote())
    }

    /// How NULL is written.
    #[must_use]
    pub fn null(&self) -> &str {
        self.null.as_deref().unwrap_or("")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ending_of_a_path_says_its_format() {
        let options = CopyOptions::default();
        let of = |path: &str| options.resolved(Some(path)).ok().map(|o| (o.format.unwrap(), o.delimiter()));
        assert_eq!(of("a.b/c.CSV"), Some((Format::Csv, b',')));
        assert_eq!(of("c.tsv"), Some((Format::Csv, b'\t')));
        assert_eq!(of("c.ndjson"), Some((Format::Json, b',')));
        assert_eq!(of("a.csv/c"), None);
        assert_eq!(of("c.txt"), None);
        assert!(options.resolved(None).is_err());
    }

    #[test]
    fn options_that_contradict_each_other_are_refused() {
        let csv = CopyOptions { format: Some(Format::Csv), ..CopyOptions::default() };
        for bad in [
            CopyOptions { delimiter: Some(b'"'), ..csv.clone() },
            CopyOptions { null: Some("a,b".to_owned()), ..csv.clone() },
            CopyOptions { rejected: Some("f".to_owned()), ..csv.clone() },
            CopyOptions { format: Some(Format::Json), header: Header::Names, ..csv.clone() },
        ] {
            assert!(bad.resolved(None).is_err(), "{bad:?}");
        }
        assert!(csv.resolved(None).is_ok());
        assert!(Format::named("parqet").unwrap_err().to_string().contains("did you mean parquet?"));
    }
}
