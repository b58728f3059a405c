//! Files outside of the store, which COPY reads and writes; the engine's embedder provides them.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::channel::mpsc;
use futures::stream::BoxStream;
use futures::{SinkExt, StreamExt};

use crate::error::{Error, ErrorKind, Result};

/// Bytes that are read at a time of what can be read anywhere.
const PIECE_BYTES: u64 = 1 << 20;

/// Files by the names that statements give them.
#[async_trait]
pub trait Files: fmt::Debug + Send + Sync {
    /// The file at `path`, to be read.
    ///
    /// # Errors
    /// `NotFound`; `PermissionDenied`, also for a path inside of a store; `InvalidInput` for what is no file.
    async fn open(&self, path: &str) -> Result<Source>;

    /// A file that appears at `path` once it is complete, in the place of one that is there.
    ///
    /// # Errors
    /// `PermissionDenied`, also for a path inside of a store; `NotFound` when its directory is not there.
    async fn create(&self, path: &str) -> Result<Box<dyn Sink>>;

    /// Whether two paths lead to one file that is there.
    async fn is_same(&self, one: &str, other: &str) -> bool;
}

/// A file on its way to its name. Dropped before it is complete it leaves nothing.
#[async_trait]
pub trait Sink: Send {
    /// Adds bytes at its end.
    ///
    /// # Errors
    /// `Unavailable` when they cannot be written.
    async fn write(&mut self, bytes: Bytes) -> Result<()>;

    /// Gives it its name. Bytes and name are durable on return.
    ///
    /// # Errors
    /// `Unavailable`, and then there is no file, or the one that was there before.
    async fn complete(self: Box<Self>) -> Result<()>;
}

/// Bytes of known number that can be read anywhere.
#[async_trait]
pub trait Ranged: fmt::Debug + Send + Sync {
    /// How many there are.
    fn size(&self) -> u64;

    /// The bytes of `range`, which ends at [`Self::size`] at the latest.
    ///
    /// # Errors
    /// `Unavailable` when they cannot be read.
    async fn read(&self, range: Range<u64>) -> Result<Bytes>;
}

#[async_trait]
impl Ranged for Bytes {
    fn size(&self) -> u64 {
        self.len() as u64
    }

    async fn read(&self, range: Range<u64>) -> Result<Bytes> {
        let place = |at: u64| usize::try_from(at).ok().filter(|at| *at <= self.len());
        match (place(range.start), place(range.end)) {
            (Some(start), Some(end)) if start <= end => Ok(self.slice(start..end)),
            _ => Err(Error::internal(format!("bytes {range:?} of {}", self.len()))),
        }
    }
}

/// What COPY reads, with a name for messages.
pub struct Source {
    name: String,
    bytes: SourceBytes,
}

enum SourceBytes {
    Ranged(Arc<dyn Ranged>),
    Stream(BoxStream<'static, Result<Bytes>>),
}

impl Source {
    /// Bytes that can be read anywhere.
    #[must_use]
    pub fn ranged(name: impl Into<String>, bytes: Arc<dyn Ranged>) -> Self {
        Self { name: name.into(), bytes: SourceBytes::Ranged(bytes) }
    }

    /// Bytes that come in order, once.
    #[must_use]
    pub fn stream(name: impl Into<String>, pieces: BoxStream<'static, Result<Bytes>>) -> Self {
        Self { name: name.into(), bytes: SourceBytes::Stream(pieces) }
    }

    /// The same; `change` makes another stream of its bytes if they come as one.
    pub(crate) fn with_stream(
        self,
        change: impl FnOnce(BoxStream<'static, Result<Bytes>>) -> BoxStream<'static, Result<Bytes>>,
    ) -> Self {
        let bytes = match self.bytes {
            SourceBytes::Stream(pieces) => SourceBytes::Stream(change(pieces)),
            ranged @ SourceBytes::Ranged(_) => ranged,
        };
        Self { bytes, ..self }
    }

    /// What messages call it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its bytes from the first on.
    #[must_use]
    pub fn into_pieces(self) -> BoxStream<'static, Result<Bytes>> {
        match self.bytes {
            SourceBytes::Stream(pieces) => pieces,
            SourceBytes::Ranged(bytes) => pieces_of(bytes),
        }
    }

    /// Its bytes to be read anywhere; those of a stream are gathered first, `most` at most.
    ///
    /// # Errors
    /// `LimitExceeded` for a stream of more; what reading it reports.
    pub async fn into_ranged(self, most: usize) -> Result<Arc<dyn Ranged>> {
        let mut pieces = match self.bytes {
            SourceBytes::Ranged(bytes) => return Ok(bytes),
            SourceBytes::Stream(pieces) => pieces,
        };
        let mut all = Vec::new();
        while let Some(piece) = pieces.next().await {
            all.extend_from_slice(&piece?);
            if all.len() > most {
                return Err(Error::limit(format!(
                    "a Parquet file that comes as a stream is gathered in memory first, and has more than the \
                     {most} bytes that a statement may hold (query.memory_bytes)"
                )));
            }
        }
        Ok(Arc::new(Bytes::from(all)))
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Bytes that wait in a pipe, in pieces, before whoever writes has to wait too.
const PIECES_WAITING: usize = 2;

/// The end of a pipe that bytes go into. Dropped before it is finished, it ends what reads with `Cancelled`, so that
/// nothing of half an input is ever taken for all of it.
#[derive(Debug)]
pub struct Pipe(async_lock::Mutex<Option<mpsc::Sender<Piece>>>);

#[derive(Debug)]
enum Piece {
    Bytes(Bytes),
    End,
}

impl Pipe {
    /// A pipe, and what comes out of it, which messages call `name`.
    #[must_use]
    pub fn new(name: impl Into<String>) -> (Self, Source) {
        let (sender, receiver) = mpsc::channel(PIECES_WAITING);
        let pieces = futures::stream::unfold(Some(receiver), |receiver| async move {
            let mut receiver = receiver?;
            match receiver.next().await {
                Some(Piece::Bytes(bytes)) => Some((Ok(bytes), Some(receiver))),
                Some(Piece::End) => None,
                None => {
                    let why =
                        Error::new(ErrorKind::Cancelled, "what was to be read was given up before its end");
                    Some((Err(why), None))
                }
            }
        });
        (Self(async_lock::Mutex::new(Some(sender))), Source::stream(name, pieces.boxed()))
    }

    /// Adds bytes, once there is room; whether anybody still reads.
    pub async fn write(&self, bytes: Bytes) -> bool {
        match self.0.lock().await.as_mut() {
            Some(sender) => sender.send(Piece::Bytes(bytes)).await.is_ok(),
            None => false,
        }
    }

    /// Says that no more bytes come.
    pub async fn finish(&self) {
        if let Some(mut sender) = self.0.lock().await.take() {
            // Nobody reads any more where this fails, and so nobody need know.
            _ = sender.send(Piece::End).await;
        }
    }
}

fn pieces_of(bytes: Arc<dyn Ranged>) -> BoxStream<'static, Result<Bytes>> {
    futures::stream::unfold(Some(0_u64), move |at| {
        let bytes = Arc::clone(&bytes);
        async move {
            let start = at.filter(|at| *at < bytes.size())?;
            let end = bytes.size().min(start + PIECE_BYTES);
            let piece = bytes.read(start..end).await;
            let next = piece.is_ok().then_some(end);
            Some((piece, next))
        }
    })
    .boxed()
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;
    use futures::stream;

    use super::*;

    #[test]
    fn what_can_be_read_anywhere_comes_in_order_too() {
        let bytes: Vec<u8> = (0..2_500_000_u32).map(|n| (n % 251) as u8).collect();
        let pieces = Source::ranged("f", Arc::new(Bytes::from(bytes.clone()))).into_pieces();
        let pieces: Vec<Bytes> = block_on(pieces.map(Result::unwrap).collect());
        assert_eq!((pieces.len(), pieces.concat()), (3, bytes));
        assert!(block_on(Bytes::new().read(0..1)).is_err());
    }

    #[test]
    fn a_pipe_that_is_given_up_ends_with_an_error() {
        let (pipe, source) = Pipe::new("p");
        block_on(async {
            assert!(pipe.write("a".into()).await);
            pipe.finish().await;
            assert!(!pipe.write("b".into()).await);
        });
        let all: Vec<_> = block_on(source.into_pieces().collect());
        assert!(matches!(all.as_slice(), [Ok(bytes)] if bytes == "a"));
        let (pipe, source) = Pipe::new("p");
        drop(pipe);
        let all: Vec<_> = block_on(source.into_pieces().collect());
        assert!(matches!(all.as_slice(), [Err(e)] if e.kind() == ErrorKind::Cancelled));
        let (pipe, source) = Pipe::new("p");
        drop(source);
        assert!(!block_on(pipe.write("a".into())));
    }

    #[test]
    fn a_stream_is_gathered_up_to_a_limit() {
        let source = || Source::stream("f", stream::iter([Ok("ab".into()), Ok("c".into())]).boxed());
        let bytes = block_on(source().into_ranged(3)).unwrap();
        assert_eq!(block_on(bytes.read(1..3)).unwrap(), "bc");
        assert_eq!(block_on(source().into_ranged(2)).unwrap_err().kind(), ErrorKind::LimitExceeded);
    }
}
