//! `'source.decode-threads'`: how many threads there are, and that what they give is what none give. Alone in its process, whose threads it counts.

mod common;

use std::fs;
use std::time::{Duration, Instant};

use common::{drain, node, read, table};
use wasmill_connectors::{Connectors, Role, validate};
use wasmill_plan::TypeKind;
use wasmill_runtime::source::{SourceEvent, SourceFactory};

#[cfg(target_os = "linux")]
fn decoding_threads() -> usize {
    let tasks = fs::read_dir("/proc/self/task").unwrap().flatten();
    tasks.filter(|task| fs::read_to_string(task.path().join("comm")).is_ok_and(|name| name.trim() == "decode")).count()
}

#[test]
#[cfg(target_os = "linux")]
fn large_files_are_decoded_by_as_many_threads_as_said() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.json");
    // More than three threads may decode ahead of who reads: none of them has come to the end.
    let pad = "x".repeat(2_000);
    let line = |i: i64| match i % 1_000 {
        7 => "no row\n".to_owned(),
        _ => format!("{{\"id\":{i},\"pad\":\"{pad}\"}}\n"),
    };
    fs::write(&path, (0..30_000).map(line).collect::<String>()).unwrap();
    let of = |more: &[(&str, &str)]| {
        let path = path.to_str().unwrap();
        let mut options =
            vec![("connector", "filesystem"), ("format", "json"), ("path", path), ("on-error", "dead-letter:d")];
        options.extend(more);
        table(&[("id", TypeKind::BigInt)], &options)
    };
    let none = of(&[("source.decode-threads", "0")]);
    let mut source = Connectors.source(&node(&none), 0, 1).unwrap();
    assert!(matches!(source.poll(Duration::ZERO), Ok(SourceEvent::Rows(_))));
    assert_eq!(decoding_threads(), 0);
    drop(source);
    let three = of(&[("source.decode-threads", "3")]);
    let mut source = Connectors.source(&node(&three), 0, 1).unwrap();
    let Ok(SourceEvent::Rows(first)) = source.poll(Duration::ZERO) else { panic!("there are rows") };
    // A thread has its name a moment after it has begun.
    let begun = Instant::now();
    while decoding_threads() != 3 {
        assert!(begun.elapsed() < Duration::from_secs(10), "{} threads", decoding_threads());
    }
    let (expected, rest) = (read(&none), drain(&mut *source));
    let rows: Vec<String> = common::rows_of(&first).into_iter().chain(rest.rows()).collect();
    assert_eq!((rows, &rest.letters, rest.skipped), (expected.rows(), &expected.letters, expected.skipped));
    drop(source);
    assert_eq!(decoding_threads(), 0);

    for (more, says) in [
        (&[("source.decode-threads", "2"), ("source.monitor-interval", "1 s")][..], "no effect on followed files"),
        (&[("source.decode-threads", "1000")][..], "is above 256"),
    ] {
        let error = validate(&of(more), Some(Role::Source)).unwrap_err();
        assert!(error.message.contains(says), "{error:?}");
    }
}
