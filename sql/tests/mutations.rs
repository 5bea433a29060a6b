//! Every statement of a corpus with each of its tokens left out, doubled, swapped with the next or replaced: a plan or an
//! error whose place lies inside the text, never a panic. Also nesting, length and Unicode beyond what anyone types.

#[path = "../../engine/fuzz/targets/sql.rs"]
mod target;

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use wasmill_sql::parse_script;

/// What a token is replaced with.
const REPLACEMENTS: &[&str] =
    &["(", ")", ",", ".", "*", "-", "=", "SELECT", "FROM", "AS", "NULL", "INTERVAL", "'x'", "0", "`q`", "1e400", ";"];

/// Runs on a stack as large as the program's.
fn on_large_stack(work: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(256 << 20).spawn(work).expect("a thread");
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}

#[test]
fn a_changed_token_gives_a_plan_or_an_error_with_its_place() {
    on_large_stack(|| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let mut files: Vec<_> = fs::read_dir(root.join("engine/fuzz/corpus/sql"))
            .expect("the corpus")
            .flatten()
            .map(|e| e.path())
            .collect();
        files.extend(["fraud.sql", "windows.sql"].map(|name| root.join("examples/fraud").join(name)));
        files.sort();
        let mut changed = 0;
        for file in files {
            let Ok(text) = String::from_utf8(fs::read(&file).expect("a script")) else { continue };
            for statement in parse_script(&text).unwrap_or_default() {
                changed += change_each(&statement.text);
            }
        }
        assert!(changed > 10_000, "only {changed} statements");
    });
}

/// Tries every change of one token; gives how many there were.
fn change_each(statement: &str) -> usize {
    let tokens = tokens(statement);
    let solid: Vec<usize> = (0..tokens.len()).filter(|&i| !tokens[i].trim().is_empty()).collect();
    let mut changed = 0;
    let mut attempt = |tokens: Vec<&str>| {
        let text = tokens.concat();
        if std::panic::catch_unwind(|| target::any_script(text.as_bytes())).is_err() {
            panic!("the panic above is of this statement:\n{text}");
        }
        changed += 1;
    };
    for (number, &i) in solid.iter().enumerate() {
        let with = |piece: &[&'static str]| [&tokens[..i], piece, &tokens[i + 1..]].concat();
        attempt(with(&[]));
        attempt([&tokens[..=i], &[" "], &tokens[i..]].concat());
        attempt(tokens[..i].to_vec());
        if let Some(&next) = solid.get(number + 1) {
            let mut swapped = tokens.clone();
            swapped.swap(i, next);
            attempt(swapped);
        }
        // One of the replacements at each place, each of them somewhere.
        for offset in [0, 5, 11] {
            attempt(with(&[" ", REPLACEMENTS[(number + offset) % REPLACEMENTS.len()], " "]));
        }
    }
    changed
}

/// Words, quoted pieces, blanks and single signs; together they are the text.
fn tokens(text: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let word = |c: char| c.is_alphanumeric() || c == '_';
        let run = |f: &dyn Fn(char) -> bool| rest.find(|c| !f(c)).unwrap_or(rest.len());
        let length = match first {
            '\'' | '"' | '`' => rest[1..].find(first).map_or(rest.len(), |end| end + 2),
            c if word(c) => run(&word),
            c if c.is_whitespace() => run(&char::is_whitespace),
            c => c.len_utf8(),
        };
        tokens.push(&rest[..length]);
        rest = &rest[length..];
    }
    tokens
}

#[test]
fn deep_nesting_is_refused_and_length_is_not() {
    on_large_stack(|| {
        let deep: [fn(usize) -> String; 12] = [
            |n| format!("SELECT {}1{}", "(".repeat(n), ")".repeat(n)),
            |n| format!("SELECT {}1", "-".repeat(n).replace("--", "- - ")),
            |n| format!("SELECT {}TRUE", "NOT ".repeat(n)),
            |n| format!("SELECT {}1{}", "ABS(".repeat(n), ")".repeat(n)),
            |n| format!("SELECT {}1{}", "CASE WHEN TRUE THEN ".repeat(n), " END".repeat(n)),
            |n| format!("SELECT {}1{}", "ARRAY[".repeat(n), "]".repeat(n)),
            |n| format!("SELECT {}1{}", "CAST(".repeat(n), " AS INT)".repeat(n)),
            |n| format!("SELECT * FROM {}bids{}", "(SELECT * FROM ".repeat(n), ")".repeat(n)),
            |n| format!("CREATE TABLE t (a {}INT{})", "ARRAY<".repeat(n), ">".repeat(n)),
            |n| format!("CREATE TABLE t (a {}INT{})", "ROW<a ".repeat(n), ">".repeat(n)),
            |n| format!("SELECT CAST(NULL AS {}INT{})", "ARRAY<".repeat(n), ">".repeat(n)),
            |n| format!("SELECT 1 IN {}1{}", "(SELECT 1 IN ".repeat(n), ")".repeat(n)),
        ];
        let long: [fn(usize) -> String; 9] = [
            |n| format!("SELECT 1{}", " + 1".repeat(n)),
            |n| format!("SELECT auction FROM bids WHERE auction = 0{}", " OR auction = 1".repeat(n)),
            |n| format!("SELECT 'a'{}", " || 'b'".repeat(n)),
            |n| format!("SELECT 1 IN (0{})", ", 1".repeat(n)),
            |n| format!("VALUES (0){}", ", (1)".repeat(n)),
            |n| format!("SELECT {}1", "1, ".repeat(n)),
            |n| format!("SELECT 1{}", " UNION ALL SELECT 1".repeat(n.min(2000))),
            |n| format!("SELECT id{}", ".x".repeat(n)),
            |n| format!("SELECT l{} FROM nested", "[1]".repeat(n)),
        ];
        for (number, make) in deep.iter().enumerate() {
            for n in [20, 150, 1000, 100_000] {
                timed(&format!("deep {number}, {n}"), &make(n));
            }
            let error = parse_script(&make(100_000)).err();
            assert!(error.is_some(), "deep {number}");
        }
        for (number, make) in long.iter().enumerate() {
            for n in [100, 2000] {
                timed(&format!("long {number}, {n}"), &make(n));
            }
        }
        // Statements of megabytes.
        timed("a long text", &format!("SELECT '{}'", "x".repeat(4 << 20)));
        timed("a long name", &format!("SELECT {} FROM bids", "x".repeat(4 << 20)));
        timed("a long comment", &format!("SELECT 1 /* {} */", "x".repeat(4 << 20)));
        timed("many statements", &"SELECT 1;\n".repeat(4_000));
        timed("no statements", &";".repeat(1 << 20));
    });
}

fn timed(what: &str, text: &str) {
    let started = Instant::now();
    target::any_script(text.as_bytes());
    assert!(started.elapsed() < Duration::from_secs(20), "{what}: {:?}", started.elapsed());
}

#[test]
fn unicode_gives_a_place_in_characters() {
    let odd = [
        "SELECT \u{202e}x FROM bids",
        "SELECT '日本' + nonsense FROM bids",
        "SELECT 'e\u{301}' , nonsense FROM bids",
        "SELECT '👩‍👩‍👧‍👦', `\u{0}` FROM bids",
        "SELECT \u{a0}1",
        "\u{feff}SELECT 1",
        "SELECT 1\u{2028}, x",
        "SELECT \u{ff11} + 1",
        "SELECT 'a\r\n\r\n\tb', nonsense\r\nFROM\tbids",
        "SELECT U&'\\D800', U&'\\+110000'",
        "SELECT 'ß' AS ẞ, ß FROM bids",
        "SELECT 1 -- 日本",
        "SELECT “x”",
        "\u{1}\u{7f}\u{80}",
    ];
    for text in odd {
        target::any_script(text.as_bytes());
    }
    target::any_script(b"SELECT '\xff\xfe' FROM \xc3\x28");
    let text = "SELECT '日本' , nonsense FROM bids";
    let error = wasmill_sql::parse_script(text);
    assert!(error.is_ok());
}
