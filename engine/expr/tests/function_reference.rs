//! `FUNCTIONS.md` lists every built-in function as the registry has it. `WRITE_FUNCTIONS=1 cargo test -p wasmill-expr --test
//! function_reference` writes it anew.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use wasmill_expr::{aggregate, registry};

const HEAD: &str = "# Built-in functions

Flink's functions under Flink's names, with Flink's results. This page is written from the program's own tables;
`SHOW FUNCTIONS` lists the same.

";

#[test]
fn the_page_lists_what_the_registry_has() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("FUNCTIONS.md");
    let text = reference();
    if std::env::var_os("WRITE_FUNCTIONS").is_some() {
        fs::write(&page, &text).expect("FUNCTIONS.md can be written");
    }
    let there = fs::read_to_string(&page).unwrap_or_default();
    assert!(there == text, "FUNCTIONS.md is not of today: run this test with WRITE_FUNCTIONS=1");
}

fn reference() -> String {
    let mut text = HEAD.to_owned();
    text.push_str("## Scalar functions\n\n| name | usage |\n|---|---|\n");
    let is_word = |name: &str| name.starts_with(|c: char| c.is_ascii_alphabetic());
    let mut scalar: Vec<_> = registry::all().filter(|f| is_word(f.name)).collect();
    scalar.sort_by_key(|f| f.name);
    for function in scalar {
        let mut names = vec![function.name];
        names.extend(function.aliases);
        let names: Vec<String> = names.iter().map(|n| format!("`{n}`")).collect();
        line(&mut text, &names.join(", "), function.usage);
    }
    text.push_str("\n## Aggregate functions\n\nIn groups, windows and, where it makes sense, OVER.\n\n| name | usage |\n|---|---|\n");
    for name in aggregate::names() {
        line(&mut text, &format!("`{name}`"), aggregate::usage(name).unwrap_or(name));
    }
    text.push_str("\n## Operators\n\n");
    let operators = registry::all().filter(|f| !is_word(f.name)).map(|f| format!("`{}`", f.name));
    let _ = writeln!(text, "{}", operators.collect::<Vec<_>>().join(" "));
    text
}

fn line(text: &mut String, names: &str, usage: &str) {
    let _ = writeln!(text, "| {names} | `{}` |", usage.replace('|', "\\|"));
}
