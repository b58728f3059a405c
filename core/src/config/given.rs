//! Values of settings as people write them, and where.

use std::fmt;

/// How the names of variables of the environment begin that are settings.
const VARIABLE: &str = "FIRNDB__";

/// A value that somebody gave a setting, not yet looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// `section.key`.
    pub(super) name: String,
    /// The value as text.
    pub(super) value: String,
    /// Where it stands.
    pub(super) place: Place,
}

impl Given {
    /// A value in line `line` of the file `path`.
    pub fn in_file(
        name: impl Into<String>,
        value: impl Into<String>,
        path: impl Into<String>,
        line: usize,
    ) -> Self {
        let place = Place::File { path: path.into(), line };
        Self { name: name.into(), value: value.into(), place }
    }

    /// The value of a variable of the environment, if its name is that of a setting:
    /// `FIRNDB__SECTION__KEY`.
    #[must_use]
    pub fn of_variable(variable: &str, value: impl Into<String>) -> Option<Self> {
        let name = variable.strip_prefix(VARIABLE)?.to_lowercase().replacen("__", ".", 1);
        Some(Self { name, value: value.into(), place: Place::Environment { variable: variable.to_owned() } })
    }

    /// A value that was given to the program; `option` is how, in the words of whoever gave it.
    pub fn option(name: impl Into<String>, value: impl Into<String>, option: impl Into<String>) -> Self {
        Self { name: name.into(), value: value.into(), place: Place::Option { option: option.into() } }
    }
}

/// Where a setting was given its value.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Place {
    /// In a file.
    File {
        /// The file as it was named.
        path: String,
        /// The line, from 1 on.
        line: usize,
    },
    /// In the environment.
    Environment {
        /// The variable.
        variable: String,
    },
    /// To the program.
    Option {
        /// The option, as it is written.
        option: String,
    },
}

impl Place {
    /// What kind of place it is, in a word.
    pub(super) fn source(&self) -> &'static str {
        match self {
            Self::File { .. } => "file",
            Self::Environment { .. } => "environment",
            Self::Option { .. } => "option",
        }
    }

    /// How the name of a setting is written here.
    pub(super) fn spell(&self, name: &str) -> String {
        match self {
            Self::Environment { .. } => format!("{VARIABLE}{}", name.replacen('.', "__", 1).to_uppercase()),
            Self::File { .. } | Self::Option { .. } => name.to_owned(),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, line } => write!(f, "{path}:{line}"),
            Self::Environment { variable } => f.write_str(variable),
            Self::Option { option } => f.write_str(option),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_of_settings_are_told_from_others() {
        for (variable, name) in [
            ("FIRNDB__HOT__BYTES", Some("hot.bytes")),
            ("FIRNDB__BATCH_FILE__ROWS", Some("batch_file.rows")),
            ("FIRNDB__HOT", Some("hot")),
            ("FIRNDB__A__B__C", Some("a.b__c")),
            ("FIRNDB_SUITE", None),
            ("HOT__BYTES", None),
        ] {
            let given = Given::of_variable(variable, "1");
            assert_eq!(given.as_ref().map(|given| given.name.as_str()), name, "{variable}");
            if let Some(given) = given.filter(|given| given.name.contains('.')) {
                assert_eq!(given.place.spell(&given.name), variable);
            }
        }
    }
}
