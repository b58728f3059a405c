//! One entry of the audit log.

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::access::ImpersonationContext;
use crate::error::{Error, ErrorKind, Result};
use crate::types::{Role, Scope, SeqId, TableId, UserId};

/// The longest text that an entry keeps of a statement or an id, in bytes.
const MOST_BYTES: usize = 1024;

/// What became of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fate {
    /// Its rows were answered.
    Read,
    /// What it wrote was committed.
    Written,
    /// The actor may not act so.
    Refused,
    /// It ended with an error, without effect.
    Failed,
}

impl Fate {
    /// Its name, in lower case.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Written => "written",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }
}

/// Who acted for whom, with what statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Act {
    /// Whose session it was.
    pub actor: UserId,
    /// What the actor may do.
    pub role: Role,
    /// Whom it acted for, or wanted to: also who is not there.
    pub subject: String,
    /// The statement, without its values; the beginning of a long one.
    pub statement: String,
    /// Tells this statement from others, whatever its values.
    pub fingerprint: String,
}

impl Act {
    /// That of an actor who acts for somebody.
    #[must_use]
    pub fn of(context: &ImpersonationContext) -> Self {
        Self {
            actor: context.actor.clone(),
            role: context.actor_role,
            subject: context.subject.as_str().to_owned(),
            statement: beginning(&context.statement),
            fingerprint: context.fingerprint.clone(),
        }
    }

    /// That of an actor who wanted to.
    #[must_use]
    pub fn wanted(
        (actor, role): (&UserId, Role),
        subject: &str,
        (statement, fingerprint): (&str, &str),
    ) -> Self {
        Self {
            actor: actor.clone(),
            role,
            subject: beginning(subject),
            statement: beginning(statement),
            fingerprint: fingerprint.to_owned(),
        }
    }
}

fn beginning(text: &str) -> String {
    if text.len() <= MOST_BYTES {
        return text.to_owned();
    }
    let end = (0..=MOST_BYTES).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
    format!("{}…", text.get(..end).unwrap_or_default())
}

/// An entry that is not in the log yet.
#[derive(Debug, Clone)]
pub struct Draft {
    /// When it happened, microseconds since 1970.
    pub time_micros: i64,
    /// Who did what.
    pub act: Act,
    /// What became of it.
    pub fate: Fate,
    /// The kind of the error it ended with.
    pub error: Option<ErrorKind>,
    /// How many rows it answered or wrote, where that is known.
    pub rows: Option<u64>,
    /// Where it wrote: the numbers of the versions there are known when they are committed.
    pub wrote: Option<(TableId, Scope)>,
}

/// One entry, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its place in the log, from 1 on without gaps.
    pub number: u64,
    /// When it happened, microseconds since 1970.
    pub time_micros: i64,
    /// Who did what.
    #[serde(flatten)]
    pub act: Act,
    /// What became of it.
    pub outcome: Fate,
    /// The name of the kind of error it ended with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// How many rows it answered or wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
    /// The first `_seq` it committed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_seq: Option<SeqId>,
    /// The last `_seq` it committed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seq: Option<SeqId>,
    /// The hash of the entry before.
    pub previous: EntryHash,
}

/// The SHA-256 of an entry's bytes; zeroes before the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EntryHash([u8; 32]);

impl EntryHash {
    /// That of the entry whose bytes these are.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

impl Serialize for EntryHash {
    fn serialize<S: serde::Serializer>(&self, s: S) -> std::result::Result<S::Ok, S::Error> {
        s.serialize_str(&HEXLOWER.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for EntryHash {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> std::result::Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        let bytes = HEXLOWER.decode(text.as_bytes()).map_err(serde::de::Error::custom)?;
        bytes.try_into().map(Self).map_err(|_| serde::de::Error::custom("expected 32 bytes in hexadecimal"))
    }
}

impl Entry {
    /// The entry of `draft` at `number`, whose versions are `seqs`.
    #[must_use]
    pub fn new(draft: &Draft, number: u64, seqs: Option<(SeqId, SeqId)>, previous: EntryHash) -> Self {
        Self {
            number,
            time_micros: draft.time_micros,
            act: draft.act.clone(),
            outcome: draft.fate,
            error: draft.error.map(|kind| kind.to_string()),
            rows: draft.rows,
            first_seq: seqs.map(|(first, _)| first),
            last_seq: seqs.map(|(_, last)| last),
            previous,
        }
    }

    /// Its bytes in the store.
    ///
    /// # Errors
    /// `Internal` when it cannot be written as JSON.
    pub fn encode(&self) -> Result<Vec<u8>> {
        serde_json::to_vec(self).map_err(|e| Error::internal(format!("an audit entry: {e}")))
    }

    /// The entry in `bytes`, which is to be number `number`.
    ///
    /// # Errors
    /// `Corrupt`.
    pub fn parse(bytes: &[u8], number: u64) -> Result<Self> {
        let damaged = |what: String| Error::corrupt(format!("audit entry {number}: {what}"));
        let entry: Self = serde_json::from_slice(bytes).map_err(|e| damaged(e.to_string()))?;
        if entry.number != number {
            return Err(damaged(format!("it says that it is number {}", entry.number)));
        }
        Ok(entry)
    }
}
