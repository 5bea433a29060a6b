//! `kill -9` at any moment of a job with checkpoints: a reader of its folder sees whole rows only, each once, all of an
//! epoch or none; and the folder serves the next start of the job. (Checkpoints themselves are kept in memory.)
#![cfg(unix)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const KILLS: usize = 20;
const ROWS: usize = 2_000;

/// One row each 10 ms of event time, for 5 keys.
fn input() -> String {
    let row = |i: usize| {
        let (seconds, ms) = (i / 100, i % 100 * 10);
        format!("{{\"k\":{},\"v\":{i},\"ts\":\"2024-01-01 00:00:{seconds:02}.{ms:03}\"}}\n", i % 5)
    };
    (0..ROWS).map(row).collect()
}

/// The windows of a second, as the job writes them.
fn expected() -> BTreeSet<String> {
    let window = |second: usize, key: usize| {
        let rows = || (second * 100..(second + 1) * 100).filter(|i| i % 5 == key);
        format!("2024-01-01 00:00:{second:02},{key},{},{}", rows().count(), rows().sum::<usize>())
    };
    (0..ROWS / 100).flat_map(|second| (0..5).map(move |key| window(second, key))).collect()
}

/// Starts the job; its 20 s of event time take 20 s divided by `speed`.
fn start(folder: &Path, speed: u32) -> Child {
    let sql = format!(
        "CREATE TABLE t (k INT, v BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'filesystem',
           'path' = 'in.json', 'format' = 'json', 'replay.speed' = '{speed}');
         CREATE TABLE o (at TIMESTAMP(3), k INT, n BIGINT, total BIGINT)
         WITH ('connector' = 'filesystem', 'path' = 'out', 'format' = 'csv');
         INSERT INTO o SELECT window_start, k, COUNT(*), SUM(v)
         FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' SECOND)) GROUP BY window_start, window_end, k"
    );
    Command::new(env!("CARGO_BIN_EXE_wasmill"))
        .args(["run", "-q", "--set", "execution.checkpointing.interval=10ms", "-e", &sql])
        .current_dir(folder)
        .stdin(Stdio::null())
        .spawn()
        .expect("the binary starts")
}

/// The rows of the visible parts of a run.
fn rows(folder: &Path, run: usize) -> Vec<String> {
    let Ok(parts) = fs::read_dir(folder.join("out")) else { return Vec::new() };
    let names = parts.flatten().map(|e| e.path());
    let of_run = format!("part-{run}-");
    let visible = names.filter(|p| p.file_name().is_some_and(|n| n.to_string_lossy().starts_with(&of_run)));
    let mut rows = Vec::new();
    for part in visible {
        let text = fs::read_to_string(part).expect("a part");
        assert!(text.ends_with('\n'), "a line breaks off: {text:?}");
        rows.extend(text.lines().map(str::to_owned));
    }
    rows
}

/// Kills the job once it has shown `seconds` windows of each key and `more` has passed; then runs it to its end.
fn kill_and_run_again(seconds: usize, more: Duration) -> usize {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    fs::write(folder.join("in.json"), input()).expect("the input");
    let mut job = start(folder, 20);
    let deadline = Instant::now() + Duration::from_secs(30);
    while rows(folder, 1).len() < 5 * seconds {
        assert!(Instant::now() < deadline, "the job shows no rows");
        std::thread::sleep(Duration::from_millis(2));
    }
    std::thread::sleep(more);
    job.kill().expect("it runs");
    job.wait().expect("it has ended");

    let expected = expected();
    let shown = rows(folder, 1);
    let unique: BTreeSet<String> = shown.iter().cloned().collect();
    assert_eq!(unique.len(), shown.len(), "rows come twice");
    assert!(unique.is_subset(&expected), "rows that are none: {unique:?}");
    assert!(start(folder, 1_000_000).wait().expect("it ends").success());
    // A job that was killed before it made its folder has no number.
    let run = if rows(folder, 2).is_empty() { 1 } else { 2 };
    assert_eq!(rows(folder, run).into_iter().collect::<BTreeSet<_>>(), expected);
    assert_eq!(rows(folder, run).len(), expected.len());
    assert!(run == 1 || rows(folder, 1) == shown, "what was shown stays");
    shown.len()
}

#[test]
fn a_killed_job_has_shown_whole_rows_each_once() {
    let shown: Vec<usize> = std::thread::scope(|scope| {
        let workers = (0..5).map(|worker| {
            let kills = move || {
                let kill = |i: usize| kill_and_run_again(i % 6, Duration::from_micros(i as u64 * 7_919 % 40_000));
                (worker..KILLS).step_by(5).map(kill).collect::<Vec<_>>()
            };
            scope.spawn(kills)
        });
        let workers: Vec<_> = workers.collect();
        workers.into_iter().flat_map(|w| w.join().expect("no assertion fails")).collect()
    });
    assert_eq!(shown.len(), KILLS);
    assert!(shown.iter().filter(|&&n| n > 0 && n < expected().len()).count() > KILLS / 2, "killed midway: {shown:?}");
}
