//! Ctrl-C and SIGTERM: the first asks the running job to stop, the second ends the process.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

/// Exit code of a process that was stopped.
pub const STOPPED: u8 = 130;

/// Whether the user asked to stop.
#[derive(Clone, Debug)]
pub struct StopSignal(Arc<AtomicBool>);

impl StopSignal {
    /// Listens from now on.
    ///
    /// # Errors
    /// The signals cannot be handled.
    pub fn listen() -> std::io::Result<Self> {
        // A write beyond the limit of `ulimit -f` is an error of the write, and does not end the process.
        #[cfg(unix)]
        flag::register(signal_hook::consts::SIGXFSZ, Arc::default())?;
        let asked = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            // In this order: the second signal finds the flag set by the first.
            flag::register_conditional_shutdown(signal, i32::from(STOPPED), asked.clone())?;
            flag::register(signal, asked.clone())?;
        }
        Ok(Self(asked))
    }
    /// Whether the first signal came.
    pub fn is_asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
