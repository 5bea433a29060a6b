//! The jobs in the background of a session (`SET 'table.dml-sync' = 'false'`): what is told of their ends, and how a script or the
//! shell waits for them.

use std::time::Duration;

use wasmill_server::{EndedJob, Session};

use crate::job::{Presentation, complain, complain_of};
use crate::progress::ProgressLine;
use crate::run::FAILED;
use crate::stop::{STOPPED, StopSignal};

/// How often the jobs are looked at.
const POLL: Duration = Duration::from_millis(20);

/// Waits for the jobs of a script that is done with its statements, as `executed` says; one that failed or was stopped stops its
/// jobs. Gives the exit code of the whole.
pub fn end(session: &mut Session, executed: Result<(), u8>, how: Presentation, stop: &StopSignal) -> Result<(), u8> {
    if executed.is_err() {
        session.stop_background();
    }
    let waited = wait(session, how, stop);
    executed.and(waited)
}

/// Waits until no job of the background runs; a signal asks all to stop, the next ends them.
///
/// # Errors
/// The exit code where one failed or was stopped by a signal.
pub fn wait(session: &mut Session, how: Presentation, stop: &StopSignal) -> Result<(), u8> {
    let mut progress = ProgressLine::new(how.quiet, false);
    let (mut asked, mut has_failed) = (0, false);
    loop {
        for ended in session.take_ended_jobs() {
            progress.clear();
            has_failed |= !tell(&ended, how);
        }
        if session.background_jobs() == 0 {
            break;
        }
        let times = stop.times();
        if times > asked {
            progress.clear();
            if asked == 0 {
                complain("stopping: the rows read so far are finished (Ctrl-C again ends at once)");
                session.stop_background();
            } else {
                session.cancel_background();
            }
            asked = times;
        }
        progress.update(&session.background_progress());
        std::thread::sleep(POLL);
    }
    match (has_failed, asked) {
        (true, _) => Err(FAILED),
        (_, 1..) => Err(STOPPED),
        _ => Ok(()),
    }
}

/// Tells how a job ended; whether it did not fail.
pub fn tell(ended: &EndedJob, how: Presentation) -> bool {
    let EndedJob { id, name, outcome, progress, tables } = ended;
    match outcome {
        Err(error) => complain_of(&format!("error: job {id} ({name}) failed\ndetail: {error}")),
        Ok(was_stopped) => {
            let verb = if *was_stopped { "stopped" } else { "done" };
            ProgressLine::new(how.quiet, false).summary(&format!("job {id} {verb}"), progress, tables);
        }
    }
    outcome.is_ok()
}
