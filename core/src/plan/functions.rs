//! Functions of FirnDB's own: ids, the time of a `_seq`, whose rows a statement sees.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, FieldRef, Int64Type};
use datafusion::common::Result;
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::scalar::ScalarValue;

use crate::catalog::ColumnType;
use crate::error::Error;
use crate::types::{SeqId, UserId};
use crate::values::ids::IdSource;

/// The functions that all statements of an engine share.
#[must_use]
pub fn functions(ids: &Arc<IdSource>) -> Vec<Arc<ScalarUDF>> {
    let drawn = |id| {
        ScalarUDF::from(Drawn {
            id,
            ids: Arc::clone(ids),
            signature: Signature::nullary(Volatility::Volatile),
        })
    };
    let seq_timestamp =
        SeqTimestamp { signature: Signature::exact(vec![DataType::Int64], Volatility::Immutable) };
    let all = [drawn(Id::UuidV7), drawn(Id::Ulid), ScalarUDF::from(seq_timestamp)];
    all.into_iter().map(Arc::new).collect()
}

/// `CURRENT_USER` in a statement of `subject`.
#[must_use]
pub fn current_user(subject: &UserId) -> Arc<ScalarUDF> {
    let aliases = vec!["session_user".to_owned(), "user".to_owned()];
    let signature = Signature::nullary(Volatility::Stable);
    Arc::new(ScalarUDF::from(CurrentUser { subject: subject.to_string(), aliases, signature }))
}

/// What `f` makes of the arguments as arrays; a single value if all of them are.
///
/// # Errors
/// Those of `f`.
pub fn on_arrays(
    args: &ScalarFunctionArgs,
    f: impl FnOnce(&[ArrayRef]) -> crate::error::Result<ArrayRef>,
) -> Result<ColumnarValue> {
    let constant = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
    let found = f(&ColumnarValue::values_to_arrays(&args.args)?)?;
    if constant {
        return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&found, 0)?));
    }
    Ok(ColumnarValue::Array(found))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Id {
    UuidV7,
    Ulid,
}

/// An id that is another for each row.
#[derive(Debug)]
struct Drawn {
    id: Id,
    ids: Arc<IdSource>,
    signature: Signature,
}

impl PartialEq for Drawn {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for Drawn {}

impl Hash for Drawn {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.id.hash(state);
    }
}

impl Drawn {
    fn ty(&self) -> ColumnType {
        match self.id {
            Id::UuidV7 => ColumnType::Uuid,
            Id::Ulid => ColumnType::Text,
        }
    }
}

impl ScalarUDFImpl for Drawn {
    fn name(&self) -> &str {
        match self.id {
            Id::UuidV7 => "uuid_v7",
            Id::Ulid => "ulid",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.ty().arrow())
    }

    fn return_field_from_args(&self, _: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        Ok(Arc::new(self.ty().field(self.name(), false)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let draw = || match self.id {
            Id::UuidV7 => self.ids.uuid_v7(),
            Id::Ulid => self.ids.ulid(),
        };
        let drawn = StringArray::from_iter_values((0..args.number_rows).map(|_| draw()));
        Ok(ColumnarValue::Array(Arc::new(drawn)))
    }
}

/// `SEQ_TIMESTAMP(_seq)`: when the number was handed out.
#[derive(Debug, PartialEq, Eq, Hash)]
struct SeqTimestamp {
    signature: Signature,
}

impl ScalarUDFImpl for SeqTimestamp {
    fn name(&self) -> &str {
        "seq_timestamp"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(ColumnType::TimestampTz.arrow())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        on_arrays(&args, |arrays| {
            let seqs = arrays.first().and_then(|a| a.as_primitive_opt::<Int64Type>());
            let seqs = seqs.ok_or_else(|| Error::internal("seq_timestamp has one argument, a BIGINT"))?;
            let micros = seqs.iter().map(|seq| seq.map(|seq| SeqId::from_i64(seq).unix_ms() * 1000));
            let times: TimestampMicrosecondArray = micros.collect();
            Ok(Arc::new(times.with_timezone("UTC")))
        })
    }
}

/// `CURRENT_USER`: whose rows USER tables show.
#[derive(Debug, PartialEq, Eq, Hash)]
struct CurrentUser {
    subject: String,
    aliases: Vec<String>,
    signature: Signature,
}

impl ScalarUDFImpl for CurrentUser {
    fn name(&self) -> &str {
        "current_user"
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> Result<ColumnarValue> {
        Ok(ColumnarValue::Scalar(ScalarValue::Utf8(Some(self.subject.clone()))))
    }
}
