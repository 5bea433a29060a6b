//! Another version of a function or model for a running job: hot swap.
//!
//! ```text
//! owner --begin--> coordinator --barrier with the version--> every task, in the stream
//!                              <--ready, or why not--------- each makes it ready at its places, and stands still
//! owner <--vote--
//! owner --decide-> coordinator: checkpoint durable, then     all put it in, or none; all go on
//! ```
//! All tasks stand at one barrier until it is decided, so that rows before it saw the old version and rows behind it the new
//! one, in every instance. Where the job takes checkpoints the barrier is one, and records the digest of the version that is in
//! force behind it: what is restored from it goes on with the same version.

use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, bounded};
use wasmill_expr::{UserFunctions, UserName};
use wasmill_plan::{Error, Result};

use crate::coordinator::Event;

/// What takes the place of what.
#[derive(Clone)]
pub struct Swap {
    /// The function or model.
    pub name: UserName,
    /// Makes the new version, of that name.
    pub functions: Arc<dyn UserFunctions + Send + Sync>,
}

impl std::fmt::Debug for Swap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Swap({})", self.name)
    }
}

/// A swap as the coordinator takes it.
pub(crate) struct SwapRequest {
    pub(crate) swap: Arc<Swap>,
    pub(crate) vote: Sender<Result<()>>,
}

/// The owner's decision, and who waits for its being carried out.
pub(crate) struct Decision {
    pub(crate) swap: Arc<Swap>,
    pub(crate) accept: bool,
    pub(crate) reply: Sender<Result<u64>>,
}

/// A swap that a job was asked for. Dropping it without a decision calls it off.
pub struct PendingSwap {
    events: Sender<Event>,
    swap: Arc<Swap>,
    /// Gone once it is decided. The coordinator decides for itself where nobody waits for the vote any more.
    vote: Option<Receiver<Result<()>>>,
}

impl PendingSwap {
    pub(crate) fn begin(events: &Sender<Event>, swap: Swap) -> Self {
        let (vote, voted) = bounded(1);
        let swap = Arc::new(swap);
        // A job that has ended drops it, which is told by the vote.
        let _ = events.send(Event::Swap(SwapRequest { swap: swap.clone(), vote }));
        Self { events: events.clone(), swap, vote: Some(voted) }
    }

    /// Waits until every task stands at the barrier with the new version ready. The job stands still until the decision.
    ///
    /// # Errors
    /// Why one cannot take it; `Error::Stopped` where the job has ended.
    pub fn vote(&self) -> Result<()> {
        self.vote.as_ref().and_then(|vote| vote.recv().ok()).unwrap_or(Err(Error::Stopped))
    }

    /// Puts the new version in at all tasks, or at none, and gives the epoch of the barrier.
    ///
    /// # Errors
    /// `Error::Stopped` where the job ends instead.
    pub fn decide(mut self, accept: bool) -> Result<u64> {
        self.send(accept).recv().map_err(|_| Error::Stopped)?
    }

    fn send(&mut self, accept: bool) -> Receiver<Result<u64>> {
        self.vote = None;
        let (reply, done) = bounded(1);
        let _ = self.events.send(Event::Decide(Decision { swap: self.swap.clone(), accept, reply }));
        done
    }
}

impl Drop for PendingSwap {
    fn drop(&mut self) {
        if self.vote.is_some() {
            // Nobody waits for it.
            drop(self.send(false));
        }
    }
}
