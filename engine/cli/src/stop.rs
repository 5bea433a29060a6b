//! Ctrl-C and SIGTERM: the first asks the running job to stop, the next ends it at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// Exit code of a process that was stopped.
pub const STOPPED: u8 = 130;

/// How often the user asked to stop.
#[derive(Clone, Debug, Default)]
pub struct StopSignal(Arc<AtomicUsize>);

impl StopSignal {
    /// Listens from now on; the second signal ends the process.
    ///
    /// # Errors
    /// The signals cannot be handled.
    pub fn listen() -> std::io::Result<Self> {
        Self::each(|signal, before| {
            let _ = signal;
            if before > 0 {
                std::process::exit(i32::from(STOPPED));
            }
        })
    }
    /// Listens from now on, for a shell: Ctrl-C concerns the running statement, SIGTERM ends the shell.
    ///
    /// # Errors
    /// The signals cannot be handled.
    pub fn listen_in_shell() -> std::io::Result<Self> {
        Self::each(|signal, _| {
            if signal == SIGTERM {
                crate::shell::leave_terminal();
                std::process::exit(i32::from(STOPPED));
            }
        })
    }
    /// `handle` gets each signal, with how many came before it.
    fn each(handle: impl Fn(i32, usize) + Send + 'static) -> std::io::Result<Self> {
        // A write beyond the limit of `ulimit -f` is an error of the write, and does not end the process.
        #[cfg(unix)]
        signal_hook::flag::register(signal_hook::consts::SIGXFSZ, Arc::default())?;
        let asked = Self::default();
        let mut signals = Signals::new([SIGINT, SIGTERM])?;
        let count = asked.0.clone();
        std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
            for signal in &mut signals {
                handle(signal, count.fetch_add(1, Ordering::Relaxed));
            }
        })?;
        Ok(asked)
    }
    /// How many signals came since [`StopSignal::forget`].
    pub fn times(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
    /// The next statement begins.
    pub fn forget(&self) {
        self.0.store(0, Ordering::Relaxed);
    }
}
