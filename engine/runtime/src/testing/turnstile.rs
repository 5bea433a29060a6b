//! Lets a job's sources give a number of batches and then holds them, so that a test can crash the job at a known place.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value as Json;
use wasmill_plan::Result;

use crate::source::{Source, SourceEvent};

/// Shared by the sources of one run of a job.
#[derive(Default)]
pub(crate) struct Turnstile {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Batches that each source may give.
    allowed: usize,
    sources: usize,
    held: usize,
    ended: usize,
}

/// How the sources of a job stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// All are held or at their end, and what they gave has been passed on.
    Held,
    /// All are at their end.
    Ended,
    /// The job has ended by itself.
    Gone,
}

impl Turnstile {
    /// A source that passes through it.
    pub(crate) fn wrap(self: &Arc<Self>, inner: Box<dyn Source>) -> Box<dyn Source> {
        self.lock().sources += 1;
        Box::new(HeldSource { turnstile: self.clone(), inner, given: 0, held: false, ended: false })
    }

    /// Lets every source give that many batches in all.
    pub(crate) fn allow(&self, batches: usize) {
        self.lock().allowed = batches;
        self.changed.notify_all();
    }

    /// Waits until all sources are held or at their end, or `gone` says that the job is no more.
    ///
    /// # Panics
    /// After a minute: the job hangs.
    pub(crate) fn settle(&self, gone: impl Fn() -> bool) -> Standing {
        let deadline = Instant::now() + Duration::from_secs(60);
        let mut state = self.lock();
        loop {
            if state.ended == state.sources {
                return Standing::Ended;
            }
            if state.held + state.ended == state.sources {
                return Standing::Held;
            }
            if gone() {
                return Standing::Gone;
            }
            assert!(Instant::now() < deadline, "the job hangs");
            let waited = self.changed.wait_timeout(state, Duration::from_millis(5));
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct HeldSource {
    turnstile: Arc<Turnstile>,
    inner: Box<dyn Source>,
    given: usize,
    held: bool,
    ended: bool,
}

impl Source for HeldSource {
    fn poll(&mut self, wait: Duration) -> Result<SourceEvent> {
        let mut state = self.turnstile.lock();
        if self.given >= state.allowed {
            if !self.held {
                self.held = true;
                state.held += 1;
                self.turnstile.changed.notify_all();
            }
            if !wait.is_zero() {
                drop(self.turnstile.changed.wait_timeout(state, wait));
            }
            return Ok(SourceEvent::Pending);
        }
        if std::mem::take(&mut self.held) {
            state.held -= 1;
        }
        drop(state);
        let event = self.inner.poll(wait)?;
        match event {
            SourceEvent::Rows(_) | SourceEvent::DeadLetters(_) => self.given += 1,
            SourceEvent::End if !self.ended => {
                self.ended = true;
                self.turnstile.lock().ended += 1;
                self.turnstile.changed.notify_all();
            }
            SourceEvent::End | SourceEvent::Pending => {}
        }
        Ok(event)
    }
    fn position(&self) -> Json {
        self.inner.position()
    }
    fn seek(&mut self, position: &Json) -> Result<()> {
        self.inner.seek(position)
    }
    fn seek_all(&mut self, positions: &[Json]) -> Result<()> {
        self.inner.seek_all(positions)
    }
    fn skipped(&self) -> u64 {
        self.inner.skipped()
    }
    fn progress(&self) -> Option<(u64, u64)> {
        self.inner.progress()
    }
}
