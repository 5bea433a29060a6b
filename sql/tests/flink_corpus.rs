//! Parses the programs and expressions that Flink accepts, where `WASMILL_FLINK_DATA` names the folder that holds
//! `flink-programs` and `flink-expressions`; without it there is nothing to check.

use std::path::Path;

#[test]
fn everything_that_flink_takes_is_parsed() {
    let Ok(folder) = std::env::var("WASMILL_FLINK_DATA") else { return };
    let folder = Path::new(&folder);
    let mut failures = Vec::new();
    let mut check = |name: String, text: &str| {
        if let Err(error) = wasmill_sql::parser::parse_script(text)
            && !error.message.starts_with("MATCH_RECOGNIZE")
        {
            failures.push(format!("{name}\n{}", error.render(text)));
        }
    };
    for entry in std::fs::read_dir(folder.join("flink-programs")).expect("the programs") {
        let case = entry.expect("an entry").path();
        let text = std::fs::read_to_string(case.join("case.sql")).expect("the program");
        check(case.display().to_string(), &text);
    }
    let cases = std::fs::read_to_string(folder.join("flink-expressions/cases.jsonl")).expect("the expressions");
    for line in cases.lines() {
        let case: serde_json::Value = serde_json::from_str(line).expect("a case");
        if case.get("error").is_none() {
            let expression = case["expr"].as_str().expect("an expression");
            check(expression.to_owned(), &format!("SELECT {expression} AS v"));
        }
    }
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n\n"));
}
