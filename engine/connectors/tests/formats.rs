//! CSV, Parquet and the options of tables: what users write, and what they are told when it is wrong.

mod common;

use std::fs;

use common::{read, row, string, table};
use wasmill_connectors::{Role, connector, connectors, is_bounded, validate};
use wasmill_plan::{DataType, Table, TypeKind};

fn csv_table(path: &std::path::Path, columns: &[(&str, TypeKind)], more: &[(&str, &str)]) -> Table {
    let mut options = vec![("connector", "filesystem"), ("format", "csv"), ("path", path.to_str().unwrap())];
    options.extend(more);
    table(columns, &options)
}

#[test]
fn csv_is_read_by_position_as_flink_does() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("in.csv");
    let columns = [
        ("a", TypeKind::Int),
        ("b", string()),
        ("c", TypeKind::Double),
        ("d", TypeKind::Timestamp(3)),
        ("e", TypeKind::Boolean),
    ];
    let text = "1,a,2.5,2020-01-01 00:00:00,true\n2,,,,\n\n3,\"x \"\"q\"\",\ny\",1e3,2020-01-01 00:00:00.5,false\r\n 4 , sp ,1,2020-01-01 00:00:00,TRUE";
    fs::write(&path, text).unwrap();
    assert_eq!(
        read(&csv_table(&path, &columns, &[])).rows(),
        [
            "1|a|2.5|2020-01-01T00:00:00|true",
            "2||NULL|NULL|false",
            "3|x \"q\",\ny|1000.0|2020-01-01T00:00:00.500|false",
            "4| sp |1.0|2020-01-01T00:00:00|true"
        ]
    );
}

#[test]
fn a_header_maps_columns_by_name() {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in [("1.csv", "\u{feff}b,a,unused\nx,1,?\n"), ("2.csv", "a,b\n2,y\n")] {
        fs::write(dir.path().join(name), text).unwrap();
    }
    let columns = [("a", TypeKind::Int), ("b", string())];
    assert_eq!(read(&csv_table(dir.path(), &columns, &[("csv.header", "true")])).rows(), ["1|x", "2|y"]);
    let wrong = [("amt", TypeKind::Int)];
    fs::write(dir.path().join("1.csv"), "amount,amt_\n").unwrap();
    let error = read(&csv_table(dir.path(), &wrong, &[("csv.header", "true")])).error_text();
    assert!(error.contains("the header has no column 'amt'; did you mean 'amt_'?"), "{error}");
    assert!(error.ends_with("1.csv:1"), "{error}");
}

#[test]
fn csv_options_are_those_of_flink() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("in.csv");
    let columns = [
        ("a", TypeKind::Array(Box::new(DataType::nullable(TypeKind::Int)))),
        ("r", row(&[("x", TypeKind::Int), ("y", string())])),
        ("s", string()),
    ];
    fs::write(&path, "# a comment\n1|2|3;7|q;\\;;'it''s'\nn/a;;n/a\n").unwrap();
    let options = [
        ("csv.field-delimiter", ";"),
        ("csv.array-element-delimiter", "|"),
        ("csv.quote-character", "'"),
        ("csv.escape-character", "\\"),
        ("csv.allow-comments", "true"),
        ("csv.null-literal", "n/a"),
    ];
    let text = read(&csv_table(&path, &columns, &options));
    // The row has a field too many: the escaped delimiter is part of the ROW's text, so this is the error's place.
    assert!(text.error_text().contains("in.csv:2"), "{}", text.error_text());
    fs::write(&path, "# a comment\n1|2|3;7|q\\;;'it''s'\nn/a;;n/a\n").unwrap();
    assert_eq!(read(&csv_table(&path, &columns, &options)).rows(), ["[1, 2, 3]|{x: 7, y: q;}|it's", "NULL|NULL|NULL"]);
}

#[test]
fn bad_csv_names_line_and_field() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("in.csv");
    let columns = [("a", TypeKind::Int), ("b", string())];
    for (text, message) in [
        ("1,x\ny,x\n", "field 'a': 'y' is not an INT"),
        ("1,x\n2\n", "the row has 1 field, the table has 2"),
        ("1,x\n2,y,z\n", "the row has 3 fields, the table has 2"),
        ("1,x\n2,\"y\n", "a quoted field does not end"),
        ("1,x\n2,\"y\"z\n", "'z' behind the closing quote of a field"),
        ("1,x\n99999999999,x\n", "field 'a': '99999999999' is not an INT: it is out of its range"),
    ] {
        fs::write(&path, text).unwrap();
        let run = read(&csv_table(&path, &columns, &[]));
        assert_eq!(run.rows(), ["1|x"]);
        let error = run.error_text();
        assert!(error.contains(message) && error.ends_with("in.csv:2"), "{error}");
    }
    fs::write(&path, "1,x\ny,x\n2\n").unwrap();
    let run = read(&csv_table(&path, &columns, &[("csv.ignore-parse-errors", "true")]));
    assert_eq!(run.rows(), ["1|x", "NULL|x", "2|NULL"]);
}

#[test]
fn the_card_payments_layout_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("transactions.csv");
    fs::write(
        &path,
        "tx_id,trans_num,trans_ts,cc_num,merchant,amt\n0,756c,2020-01-01 00:06:10,180092913072129,\"fraud_Raynor, Feest and Miller\",49.44\n",
    )
    .unwrap();
    let columns = [("merchant", string()), ("amt", TypeKind::Decimal(10, 2)), ("trans_ts", TypeKind::Timestamp(3))];
    assert_eq!(
        read(&csv_table(&path, &columns, &[("csv.header", "true")])).rows(),
        ["fraud_Raynor, Feest and Miller|49.44|2020-01-01T00:06:10"]
    );
}

fn message(table: &Table, role: Option<Role>) -> String {
    match validate(table, role) {
        Ok(()) => "fine".into(),
        Err(e) => format!("[{}] {} / {}", e.key, e.message, e.hint.unwrap_or_default()),
    }
}

#[test]
fn wrong_options_are_named_with_what_is_meant() {
    let of = |options: &[(&str, &str)]| message(&table(&[("a", TypeKind::Int)], options), None);
    let base = [("connector", "filesystem"), ("path", "x"), ("format", "json")];
    let with = |more: (&'static str, &'static str)| of(&[base[0], base[1], base[2], more]);
    assert_eq!(of(&base), "fine");
    assert!(of(&[]).starts_with("[connector] table 't' has no option 'connector'"));
    assert_eq!(
        of(&[("connector", "filesytem")]),
        "[connector] connector 'filesytem' is not supported / did you mean 'filesystem'?"
    );
    assert!(of(&[("connector", "kafka")]).contains("the connectors are 'filesystem'"));
    assert!(of(&base[..2]).contains("option 'format' is missing"));
    assert!(of(&[base[0], base[2]]).contains("option 'path' is missing"));
    assert_eq!(with(("pathh", "y")), "[pathh] connector 'filesystem' has no option 'pathh' / did you mean 'path'?");
    assert!(with(("json.timestamp-format.standard", "RFC")).contains("use 'SQL' or 'ISO-8601'"));
    assert!(with(("source.monitor-interval", "often")).contains("such as '500 ms'"));
    assert!(with(("on-error", "ignore")).contains("use 'fail', 'skip' or 'dead-letter:TABLE'"));
    assert!(with(("csv.header", "true")).contains("has no option 'csv.header'"), "options of another format");
    assert!(of(&[base[0], base[1], ("format", "debezium-json")]).contains("format 'debezium-json' is not supported"));
    assert!(of(&[base[0], base[2], ("path", "s3://b/x")]).contains("scheme 's3'"));
    let printed = table(&[("a", TypeKind::Int)], &[("connector", "print")]);
    assert!(message(&printed, Some(Role::Source)).contains("cannot be read"));
    assert_eq!(message(&printed, Some(Role::Sink)), "fine");
}

#[test]
fn types_that_a_format_lacks_are_refused_by_name() {
    let map = TypeKind::Map(Box::new(DataType::nullable(TypeKind::Int)), Box::new(DataType::string()));
    let of = |format| {
        let options = [("connector", "filesystem"), ("path", "x"), ("format", format)];
        message(&table(&[("m", map.clone())], &options), None)
    };
    assert!(
        of("json").contains("column 'm' of type MAP<INT, STRING> cannot be read or written: in JSON a MAP has keys")
    );
    assert!(of("csv").contains("CSV has no MAP"));
    assert_eq!(of("parquet"), "fine");
    assert!(of("raw").contains("exactly one column"));
}

#[test]
fn help_lists_every_option() {
    for info in connectors() {
        let options = info.options(None);
        assert!(options.iter().all(|o| !o.description.is_empty() && !o.description.ends_with('.')), "{}", info.name);
        assert_eq!(connector(info.name).unwrap().name, info.name);
    }
    let keys: Vec<_> = connector("filesystem").unwrap().options(Some("csv")).iter().map(|o| o.key).collect();
    assert!(keys.contains(&"csv.header") && keys.contains(&"path") && !keys.contains(&"json.fail-on-missing-field"));
}

#[test]
fn only_inputs_with_an_end_are_bounded() {
    let of = |options: &[(&str, &str)]| is_bounded(&table(&[("a", TypeKind::Int)], options));
    assert!(of(&[("connector", "filesystem"), ("path", "x")]));
    assert!(!of(&[("connector", "filesystem"), ("path", "x"), ("source.monitor-interval", "1 s")]));
    assert!(!of(&[("connector", "datagen")]));
    assert!(of(&[("connector", "datagen"), ("number-of-rows", "5")]));
    assert!(of(&[
        ("connector", "datagen"),
        ("fields.a.kind", "sequence"),
        ("fields.a.start", "1"),
        ("fields.a.end", "9")
    ]));
    assert!(!of(&[("connector", "nexmark")]));
    assert!(of(&[("connector", "nexmark"), ("events.num", "5")]));
}
