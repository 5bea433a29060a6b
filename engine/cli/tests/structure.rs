//! The rules of the tree that the compiler does not check: which crate may use which, what operators and the SQL front end
//! must not touch, and how files open.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// What each crate may use of ours, besides what its uses use. `cli → server → {sql, connectors, wasm, runtime} → expr → plan`.
const DIRECTIONS: &[(&str, &str, &[&str])] = &[
    ("wasmill-features", "engine/features", &[]),
    ("wasmill-plan", "engine/plan", &["wasmill-features"]),
    ("wasmill-expr", "engine/expr", &["wasmill-plan"]),
    ("wasmill-sql", "sql", &["wasmill-plan", "wasmill-expr"]),
    ("wasmill-runtime", "engine/runtime", &["wasmill-plan", "wasmill-expr"]),
    ("wasmill-connectors", "engine/connectors", &["wasmill-plan", "wasmill-expr", "wasmill-runtime"]),
    ("wasmill-wasm", "engine/wasm", &["wasmill-plan", "wasmill-expr"]),
    (
        "wasmill-server",
        "engine/server",
        &["wasmill-plan", "wasmill-expr", "wasmill-sql", "wasmill-runtime", "wasmill-connectors", "wasmill-wasm"],
    ),
    ("wasmill", "engine/cli", &["wasmill-plan", "wasmill-expr", "wasmill-sql", "wasmill-server", "wasmill-wasm"]),
];

/// Folders whose code must be deterministic and free of I/O, with what must not be named there.
const PURE: &[(&str, &[&str])] = &[
    (
        "sql/src",
        &[
            "std::fs",
            "TcpStream",
            "TcpListener",
            "UdpSocket",
            "std::thread",
            "std::env",
            "SystemTime",
            "Instant::now",
            "rand::",
        ],
    ),
    (
        "engine/plan/src",
        &["std::fs", "TcpStream", "TcpListener", "UdpSocket", "std::thread", "std::env", "SystemTime", "Instant::now"],
    ),
    (
        "engine/expr/src",
        &["std::fs", "TcpStream", "TcpListener", "UdpSocket", "std::thread", "std::env", "SystemTime", "Instant::now"],
    ),
    (
        "engine/runtime/src/operators",
        &[
            "std::fs",
            "TcpStream",
            "TcpListener",
            "UdpSocket",
            "std::thread",
            "std::env",
            "SystemTime",
            "Instant::now",
            "Mutex",
            "crossbeam_channel",
        ],
    ),
    (
        "engine/runtime/src/aggregate",
        &[
            "std::fs",
            "TcpStream",
            "TcpListener",
            "UdpSocket",
            "std::thread",
            "std::env",
            "SystemTime",
            "Instant::now",
            "Mutex",
            "crossbeam_channel",
        ],
    ),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// All Rust files below `folder`, but for build output.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for path in entries.flatten().map(|e| e.path()) {
            if path.is_dir() && !path.ends_with("target") {
                open.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// The keys under `[section]` of a manifest, with what stands behind them up to the next key: `(name, rest)`.
fn section<'a>(manifest: &'a str, section: &str) -> Vec<(&'a str, &'a str)> {
    let head = format!("[{section}]\n");
    let Some(at) = manifest.find(&head).filter(|&at| at == 0 || manifest[..at].ends_with('\n')) else {
        return Vec::new();
    };
    let body = &manifest[at + head.len()..];
    let body = &body[..body.find("\n[").unwrap_or(body.len())];
    let starts = body.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_alphabetic()));
    let starts: Vec<usize> = starts.map(|line| line.as_ptr() as usize - body.as_ptr() as usize).collect();
    let ends = starts.iter().skip(1).copied().chain([body.len()]);
    let entries = starts.iter().zip(ends).map(|(&start, end)| &body[start..end]);
    entries.filter_map(|entry| entry.find(['.', ' ', '=']).map(|at| entry.split_at(at))).collect()
}

#[test]
fn releases_have_no_debug_assertions() {
    let manifest = read(&root().join("Cargo.toml"));
    let said = |profile: &str, value: &str| -> Vec<&str> {
        let packages = section(&manifest, profile).into_iter();
        packages
            .filter(|(_, rest)| rest.contains(&format!("debug-assertions = {value}")))
            .map(|(name, _)| name)
            .collect()
    };
    let kept = said("profile.release.package", "true");
    assert!(kept.contains(&"wasmill-runtime"), "{kept:?}");
    assert_eq!(kept, said("profile.dist.package", "false"), "the profile 'dist' inherits them: turn them off");
}

#[test]
fn crates_use_each_other_one_way_only() {
    let workspace = read(&root().join("Cargo.toml"));
    let workspace = section(&workspace, "workspace");
    let (_, members) = workspace.iter().find(|(name, _)| *name == "members").expect("the list of members");
    let members: Vec<&str> = members.split('"').skip(1).step_by(2).collect();
    let allowed: BTreeMap<&str, _> = DIRECTIONS.iter().map(|(name, folder, uses)| (*folder, (*name, *uses))).collect();
    assert!(members.len() >= DIRECTIONS.len(), "fewer members than crates named here: {members:?}");
    for member in members {
        let (name, uses) = allowed.get(member).unwrap_or_else(|| panic!("'{member}' is not in DIRECTIONS: add it"));
        let manifest = read(&root().join(member).join("Cargo.toml"));
        assert!(manifest.contains(&format!("name = \"{name}\"")), "'{member}' is not the crate {name}");
        for (used, _) in section(&manifest, "dependencies").iter().filter(|(d, _)| d.starts_with("wasmill")) {
            assert!(uses.contains(used), "{name} must not use {used}");
        }
    }
}

#[test]
fn operators_and_the_front_end_have_no_clock_threads_or_files() {
    let mut faults = Vec::new();
    for (folder, banned) in PURE {
        let files = sources(&root().join(folder));
        assert!(!files.is_empty(), "no file in {folder}");
        for file in files.iter().filter(|f| !f.to_string_lossy().contains("test")) {
            let text = read(file);
            let code = text.lines().enumerate().filter(|(_, l)| !l.trim_start().starts_with("//"));
            for (number, line) in code {
                for word in banned.iter().filter(|word| holds(line, word)) {
                    faults.push(format!("{}:{}: {word}", file.display(), number + 1));
                }
            }
        }
    }
    assert!(faults.is_empty(), "not allowed there:\n{}", faults.join("\n"));
}

/// Whether `line` names `word`, not as the end of a longer name.
fn holds(line: &str, word: &str) -> bool {
    let before = |at: usize| line[..at].chars().next_back();
    line.match_indices(word).any(|(at, _)| !before(at).is_some_and(|c| c.is_alphanumeric() || c == '_'))
}

#[test]
fn every_file_opens_with_what_lives_in_it() {
    let mut faults = Vec::new();
    for folder in ["sql", "engine", "udf-sdk"] {
        for file in sources(&root().join(folder)) {
            if !read(&file).starts_with("//!") {
                faults.push(file.display().to_string());
            }
        }
    }
    assert!(faults.is_empty(), "files without a //! header:\n{}", faults.join("\n"));
}
