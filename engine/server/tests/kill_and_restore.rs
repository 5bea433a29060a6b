//! `kill -9` of a process that runs a job with checkpoints, at random moments, and a new process that goes on from the last
//! checkpoint, at another parallelism: in the end the sink's folder holds what an undisturbed run writes, each row once.
//!
//! ```text
//! test --spawns--> itself, as `job`: file, replayed -> TUMBLE -> part files;  checkpoints -> folder `checkpoints`
//!      --kills---> it once there is a newer checkpoint and some ms have passed, 20 times; then it may end
//! ```
//! The engine keeps checkpoints in memory so far: the store on disk is this test's.
#![cfg(unix)]

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Value as Json, json};
use wasmill_connectors::{Connectors, TableSinks};
use wasmill_expr::NoUserFunctions;
use wasmill_plan::Result;
use wasmill_runtime::checkpoint::{Checkpoint, CheckpointStore, NodeSnapshot, TableSnapshot};
use wasmill_runtime::{CheckpointOptions, Job, JobOptions, JobParts};
use wasmill_server::Session;
use wasmill_sql::{Statement, parse_script, plan_inserts};

const KILLS: usize = 20;
const ROWS: usize = 6_000;
/// The folder that the job works in, set for the process that runs it.
const FOLDER: &str = "KILL_AND_RESTORE_FOLDER";

/// 60 s of event time at 30 times its pace, up to 0.4 s out of order.
const SCRIPT: &str = "
    CREATE TABLE t (k INT, v BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '0.5' SECOND)
    WITH ('connector' = 'filesystem', 'path' = '{DIR}/in.json', 'format' = 'json', 'replay.speed' = '{SPEED}');
    CREATE TABLE o (at TIMESTAMP(3), k INT, n BIGINT, total BIGINT)
    WITH ('connector' = 'filesystem', 'path' = '{DIR}/out', 'format' = 'csv');
    INSERT INTO o SELECT window_start, k, COUNT(*), SUM(v)
    FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' SECOND)) GROUP BY window_start, window_end, k;";

fn time_ms(row: usize) -> usize {
    row * 10 + (row * 7_919) % 400
}

fn input() -> String {
    let line = |row: usize| {
        let (seconds, ms) = (time_ms(row) / 1000, time_ms(row) % 1000);
        let at = format!("2024-01-01 00:{:02}:{:02}.{ms:03}", seconds / 60, seconds % 60);
        format!("{{\"k\":{},\"v\":{row},\"ts\":\"{at}\"}}\n", row % 7)
    };
    (0..ROWS).map(line).collect()
}

fn expected() -> Vec<String> {
    let mut windows: BTreeMap<(usize, usize), (usize, usize)> = BTreeMap::new();
    for row in 0..ROWS {
        let (count, total) = windows.entry((time_ms(row) / 1000, row % 7)).or_default();
        *count += 1;
        *total += row;
    }
    let line = |((second, key), (count, total)): (&(usize, usize), &(usize, usize))| {
        format!("2024-01-01 00:{:02}:{:02},{key},{count},{total}", second / 60, second % 60)
    };
    windows.iter().map(line).collect()
}

/// A folder per checkpoint, seen once it is whole: `manifest.json`, and a Parquet file per table.
struct FolderStore(PathBuf);

impl FolderStore {
    fn epochs(&self) -> Vec<u64> {
        let names = fs::read_dir(&self.0).into_iter().flatten().flatten().map(|e| e.file_name());
        let mut epochs: Vec<u64> = names.filter_map(|n| n.to_string_lossy().parse().ok()).collect();
        epochs.sort_unstable();
        epochs
    }
}

impl CheckpointStore for FolderStore {
    fn save(&self, checkpoint: Checkpoint) -> Result<()> {
        let hidden = self.0.join(format!(".{}", checkpoint.epoch));
        let _ = fs::remove_dir_all(&hidden);
        fs::create_dir_all(&hidden).expect("a folder");
        let mut file = 0;
        let mut table = |table: &TableSnapshot| {
            file += 1;
            let target = File::create(hidden.join(file.to_string())).expect("a file");
            let mut writer = ArrowWriter::try_new(target, table.rows.schema(), None).expect("state as Parquet");
            writer.write(&table.rows).expect("a table");
            writer.close().expect("a table");
            json!({"name": table.name, "version": table.version, "file": file.to_string()})
        };
        let node = |node: &NodeSnapshot| {
            json!({
                "uid": node.uid, "instance": node.instance, "parallelism": node.parallelism, "position": node.position,
                "input_watermark": node.input_watermark, "watermark": node.watermark,
                "tables": node.tables.iter().map(&mut table).collect::<Vec<_>>(),
            })
        };
        let nodes: Vec<Json> = checkpoint.nodes.iter().map(node).collect();
        fs::write(hidden.join("manifest.json"), json!(nodes).to_string()).expect("a manifest");
        fs::rename(&hidden, self.0.join(checkpoint.epoch.to_string())).expect("a checkpoint");
        for old in self.epochs().iter().rev().skip(2) {
            fs::remove_dir_all(self.0.join(old.to_string())).expect("an old checkpoint");
        }
        Ok(())
    }

    fn latest(&self) -> Result<Option<Arc<Checkpoint>>> {
        let Some(&epoch) = self.epochs().last() else { return Ok(None) };
        let folder = self.0.join(epoch.to_string());
        let rows = |file: &Json| {
            let file = File::open(folder.join(file.as_str().expect("a name"))).expect("a table");
            let reader = ParquetRecordBatchReaderBuilder::try_new(file).expect("Parquet");
            let schema = reader.schema().clone();
            let batches: Vec<RecordBatch> = reader.build().expect("rows").map(|b| b.expect("rows")).collect();
            arrow::compute::concat_batches(&schema, &batches).expect("one schema")
        };
        let text = |json: &Json| json.as_str().expect("a text").to_owned();
        let number = |json: &Json| json.as_u64().expect("a number") as usize;
        let table = |json: &Json| TableSnapshot {
            name: text(&json["name"]),
            version: number(&json["version"]) as u32,
            rows: rows(&json["file"]),
        };
        let node = |json: &Json| NodeSnapshot {
            uid: text(&json["uid"]),
            instance: number(&json["instance"]),
            parallelism: number(&json["parallelism"]),
            input_watermark: json["input_watermark"].as_i64().expect("a time"),
            watermark: json["watermark"].as_i64().expect("a time"),
            position: Some(json["position"].clone()).filter(|p| !p.is_null()),
            tables: json["tables"].as_array().expect("tables").iter().map(table).collect(),
        };
        let manifest = fs::read_to_string(folder.join("manifest.json")).expect("a manifest");
        let manifest: Json = serde_json::from_str(&manifest).expect("JSON");
        let nodes = manifest.as_array().expect("nodes").iter().map(node).collect();
        Ok(Some(Arc::new(Checkpoint { epoch, nodes, modules: Vec::new() })))
    }
}

/// Runs the job in a folder, from its last checkpoint.
fn run(folder: &Path, speed: u32, parallelism: usize) {
    let text = SCRIPT.replace("{DIR}", &folder.display().to_string()).replace("{SPEED}", &speed.to_string());
    let statements = parse_script(&text).unwrap_or_else(|e| panic!("{}", e.render(&text)));
    let mut session = Session::new();
    let mut plan = None;
    for statement in &statements {
        match &statement.statement {
            Statement::Insert(insert) => {
                let inserts = std::slice::from_ref(insert);
                plan = Some(plan_inserts(inserts, session.catalog(), session.settings()).expect("a plan"));
            }
            _ => drop(session.execute(statement).unwrap_or_else(|e| panic!("{}", e.render(&text)))),
        }
    }
    let store = Arc::new(FolderStore(folder.join("checkpoints")));
    let options = JobOptions {
        parallelism,
        restore: store.latest().expect("the last checkpoint"),
        checkpoints: Some(CheckpointOptions { interval: Some(Duration::from_millis(5)), store }),
        ..JobOptions::default()
    };
    let parts = JobParts {
        sources: Arc::new(Connectors),
        sinks: Arc::new(TableSinks::default()),
        functions: Arc::new(NoUserFunctions),
    };
    Job::start(&plan.expect("an INSERT"), &options, &parts).expect("the job starts").wait().expect("the job ends");
}

#[test]
#[ignore = "the process that is killed"]
fn job() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let parallelism = std::env::var("PARALLELISM").ok().and_then(|p| p.parse().ok()).expect("a parallelism");
    run(Path::new(&folder), 30, parallelism);
}

fn spawn(folder: &Path, parallelism: usize) -> Child {
    Command::new(std::env::current_exe().expect("this test"))
        .args(["--ignored", "--exact", "job"])
        .env(FOLDER, folder)
        .env("PARALLELISM", parallelism.to_string())
        .stdout(Stdio::null())
        .spawn()
        .expect("this test starts")
}

/// The rows of all visible parts.
fn rows(folder: &Path) -> Vec<String> {
    let parts = fs::read_dir(folder.join("out")).into_iter().flatten().flatten().map(|e| e.path());
    let visible = parts.filter(|p| p.file_name().is_some_and(|n| n.to_string_lossy().starts_with("part-")));
    let mut rows: Vec<String> = visible
        .flat_map(|part| fs::read_to_string(part).expect("a part").lines().map(str::to_owned).collect::<Vec<_>>())
        .collect();
    rows.sort();
    rows
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("in.json"), input()).expect("the input");
    folder
}

#[test]
fn a_job_that_is_killed_again_and_again_gives_each_row_once() {
    let undisturbed = folder();
    run(undisturbed.path(), 1_000_000, 1);
    let mut expected = expected();
    expected.sort();
    assert_eq!(rows(undisturbed.path()), expected);

    let folder = folder();
    let folder = folder.path();
    let store = FolderStore(folder.join("checkpoints"));
    let newest = || store.epochs().last().copied().unwrap_or(0);
    let (mut random, mut kills, mut restored) = (42u64, 0, 0);
    for parallelism in [1, 3, 2].into_iter().cycle().take(KILLS) {
        let before = newest();
        let mut job = spawn(folder, parallelism);
        let deadline = Instant::now() + Duration::from_secs(60);
        while newest() == before && job.try_wait().expect("a process").is_none() {
            assert!(Instant::now() < deadline, "no checkpoint behind {before}");
            std::thread::sleep(Duration::from_millis(1));
        }
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        std::thread::sleep(Duration::from_micros((random >> 33) % 50_000));
        job.kill().expect("it runs, or has ended");
        let status = job.wait().expect("it has ended");
        assert!(status.success() || status.code().is_none(), "the job fails by itself: {status}");
        kills += usize::from(status.code().is_none());
        restored += usize::from(before > 0);
        let shown = rows(folder);
        assert!(shown.windows(2).all(|pair| pair[0] != pair[1]), "rows come twice: {shown:?}");
        assert!(shown.iter().all(|row| expected.binary_search(row).is_ok()), "rows that are none: {shown:?}");
    }
    assert!(kills >= KILLS / 2 && restored >= KILLS / 2, "{kills} kills, {restored} restores");
    assert!(rows(folder).len() < expected.len() || kills < KILLS, "nothing was left to do");
    assert!(spawn(folder, 2).wait().expect("it ends").success());
    assert_eq!(rows(folder), expected);
}
