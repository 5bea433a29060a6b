//! The jobs that run in the background of a session: `SET 'table.dml-sync' = 'false'`, then INSERT or STATEMENT SET.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use arrow::array::TimestampMillisecondArray;
use wasmill_expr::{UserName, calendar, display};
use wasmill_plan::{DataType, Error, TypeKind};
use wasmill_runtime::Swap;
use wasmill_sql::show::Listing;
use wasmill_sql::statement::Name;
use wasmill_sql::{QueryError, Settings};

use crate::error::SessionError;
use crate::functions::Functions;
use crate::job::{Job, Progress, RunningJob};

/// By number, from 1 on; those that have ended stay, for SHOW JOBS.
#[derive(Default)]
pub(crate) struct Jobs(BTreeMap<u32, Background>);

struct Background {
    name: String,
    started: SystemTime,
    state: State,
}

enum State {
    Running(Box<RunningJob>),
    Ended { status: &'static str, error: Option<String>, rows: (u64, u64) },
}

/// A job of the background that has ended.
#[derive(Debug)]
pub struct EndedJob {
    /// Its id.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// Why it failed; else whether it was stopped before its input ended.
    pub outcome: Result<bool, SessionError>,
    /// Its last figures.
    pub progress: Progress,
    /// The tables that it wrote, and how many rows each got.
    pub tables: Vec<(String, u64)>,
}

impl Jobs {
    /// Starts a job, and gives its id.
    pub fn start(&mut self, job: Job) -> Result<String, SessionError> {
        let name = job.name().to_owned();
        let running = job.start(None)?;
        let id = self.0.keys().next_back().map_or(1, |last| last + 1);
        let state = State::Running(Box::new(running));
        self.0.insert(id, Background { name, started: SystemTime::now(), state });
        Ok(id.to_string())
    }

    fn running(&self) -> impl Iterator<Item = (u32, &RunningJob)> {
        self.0.iter().filter_map(|(id, job)| match &job.state {
            State::Running(running) => Some((*id, &**running)),
            State::Ended { .. } => None,
        })
    }

    /// How many have not been seen to end.
    pub fn count(&self) -> usize {
        self.running().count()
    }

    /// The figures of all that run, added up.
    pub fn progress(&self) -> Progress {
        let mut sum = Progress::default();
        for (_, job) in self.running() {
            let one = job.progress();
            sum.rows_in += one.rows_in;
            sum.rows_out += one.rows_out;
            sum.late_rows += one.late_rows;
            sum.rejected += one.rejected;
            sum.elapsed = sum.elapsed.max(one.elapsed);
        }
        sum
    }

    /// Asks all to stop.
    pub fn stop_all(&self) {
        self.running().for_each(|(_, job)| job.stop());
    }
    /// Ends all at once.
    pub fn cancel_all(&self) {
        self.running().for_each(|(_, job)| job.cancel());
    }

    /// Those that have ended since the last call.
    pub fn take_ended(&mut self) -> Vec<EndedJob> {
        let over: Vec<u32> = self.running().filter(|(_, job)| job.wait_for(Duration::ZERO)).map(|(id, _)| id).collect();
        over.into_iter().filter_map(|id| self.end(id)).collect()
    }

    /// Waits for the end of one that runs.
    fn end(&mut self, id: u32) -> Option<EndedJob> {
        let job = self.0.get_mut(&id)?;
        let State::Running(running) = &job.state else { return None };
        while !running.wait_for(Duration::from_secs(1)) {}
        let (progress, tables) = (running.progress(), running.rows_by_table());
        let over = State::Ended { status: "FINISHED", error: None, rows: (progress.rows_in, progress.rows_out) };
        let State::Running(running) = std::mem::replace(&mut job.state, over) else { return None };
        let outcome = match running.finish() {
            Err(SessionError::Job(Error::Stopped)) => Ok(true),
            other => other,
        };
        if let State::Ended { status, error, .. } = &mut job.state {
            *status = match &outcome {
                Ok(false) => "FINISHED",
                Ok(true) => "STOPPED",
                Err(_) => "FAILED",
            };
            *error = outcome.as_ref().err().map(ToString::to_string);
        }
        Some(EndedJob { id: id.to_string(), name: job.name.clone(), outcome, progress, tables })
    }

    /// STOP JOB: waits until what was read is finished.
    pub fn stop(&mut self, id: &Name) -> Result<EndedJob, QueryError> {
        let running = id.text.parse::<u32>().ok().and_then(|number| self.running().find(|(known, _)| *known == number));
        let Some((number, job)) = running else {
            let known: Vec<String> = self.running().map(|(id, _)| format!("'{id}'")).collect();
            let hint = match known.as_slice() {
                [] => "no job runs in the background; SHOW JOBS lists those that ran".to_owned(),
                all => format!("running: {}", all.join(", ")),
            };
            return Err(QueryError::new(format!("there is no running job '{}'", id.text))
                .with_span(id.span)
                .with_hint(hint));
        };
        job.stop();
        Ok(self.end(number).expect("it was running"))
    }

    /// SHOW JOBS.
    pub fn listing(&self, settings: &Settings) -> Listing {
        let row = |(id, job): (&u32, &Background)| {
            let (status, error, rows) = match &job.state {
                State::Running(running) => {
                    let progress = running.progress();
                    ("RUNNING", None, (progress.rows_in, progress.rows_out))
                }
                State::Ended { status, error, rows } => (*status, error.clone(), *rows),
            };
            vec![
                Some(id.to_string()),
                Some(job.name.clone()),
                Some(status.to_owned()),
                Some(time_text(job.started, settings)),
                Some(rows.0.to_string()),
                Some(rows.1.to_string()),
                error,
            ]
        };
        Listing {
            columns: vec!["job id", "job name", "status", "start time", "rows in", "rows out", "error"],
            rows: self.0.iter().map(row).collect(),
        }
    }

    /// Puts the version of `name` that `functions` has into all jobs that use it, or into none. Gives what is to be told.
    pub fn swap(&mut self, name: &UserName, functions: &Functions) -> Result<Option<String>, SessionError> {
        let users: Vec<(u32, &RunningJob)> =
            self.running().filter(|(_, job)| job.uses(name) && !job.wait_for(Duration::ZERO)).collect();
        for (id, job) in &users {
            job.takes(name, functions).map_err(|e| refused(*id, e))?;
        }
        let shared = std::sync::Arc::new(functions.clone());
        let begun =
            users.iter().map(|(id, job)| (*id, job.swap(Swap { name: name.clone(), functions: shared.clone() })));
        let begun: Vec<_> = begun.collect();
        let mut ready = Vec::new();
        for (id, swap) in begun {
            match swap.vote() {
                Ok(()) => ready.push((id, swap)),
                // It has ended meanwhile.
                Err(Error::Stopped) => {}
                // The others are called off.
                Err(Error::Query { message, hint }) => {
                    return Err(refused(id, QueryError { hint, ..QueryError::new(message) }).into());
                }
                Err(error) => return Err(refused(id, QueryError::new(error.to_string())).into()),
            }
        }
        let taken: Vec<String> = ready
            .into_iter()
            // One that fails meanwhile says so itself.
            .filter_map(|(id, swap)| {
                swap.decide(true).ok().map(|epoch| format!("job {id} from epoch {} on", epoch + 1))
            })
            .collect();
        Ok((!taken.is_empty()).then(|| format!("in force in {}", taken.join(", "))))
    }
}

/// A job goes on with the version of now.
fn refused(id: u32, error: QueryError) -> QueryError {
    QueryError {
        message: format!("job {id} cannot take the new version and goes on with the one of now"),
        detail: Some(match error.detail {
            Some(detail) => format!("{}: {detail}", error.message),
            None => error.message,
        }),
        ..error
    }
}

/// A moment in the session's zone, to the second.
fn time_text(time: SystemTime, settings: &Settings) -> String {
    let ms = time.duration_since(UNIX_EPOCH).map_or(0, |d| d.as_millis() as i64);
    let local = calendar::to_local(settings.zone(), ms / 1000 * 1000);
    let mut text = Vec::new();
    let column = TimestampMillisecondArray::from(vec![local]);
    display::write_text(&column, 0, &DataType::nullable(TypeKind::Timestamp(0)), &mut text);
    String::from_utf8_lossy(&text).into_owned()
}
