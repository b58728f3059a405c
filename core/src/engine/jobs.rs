//! Jobs, as a program sees them.

use crate::engine::Engine;
use crate::error::Result;
use crate::jobs::record::{Job, JobId, Task};

impl Engine {
    /// Makes a job of `task`, which [`Engine::step`] runs after those that wait already. It outlives the engine:
    /// it is kept as durably as any statement.
    ///
    /// # Errors
    /// `PermissionDenied` on a store that is only read; what the key-value store reports.
    pub async fn enqueue(&self, task: &Task) -> Result<JobId> {
        crate::jobs::enqueue(&self.shared.tiers, task).await
    }

    /// The jobs of the store, the oldest first: those that are not over, and the last that are.
    #[must_use]
    pub fn jobs(&self) -> Vec<Job> {
        self.shared.tiers.jobs.all()
    }

    /// Ends a job: at once if it waits, else before its next slice. What it did stays.
    ///
    /// # Errors
    /// `NotFound` when there is no such job, `InvalidInput` when it is over; what the key-value store reports.
    pub async fn kill_job(&self, id: JobId) -> Result<()> {
        crate::jobs::kill(&self.shared.tiers, id).await
    }
}
