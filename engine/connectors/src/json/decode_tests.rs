//! Order of fields, duplicates, and text that breaks off anywhere.

use wasmill_plan::{DataType, Field, TypeKind};

use super::*;

const OPTIONS: JsonOptions =
    JsonOptions { fail_on_missing_field: false, ignore_parse_errors: false, timestamp_format: TimestampFormat::Sql };

fn fields() -> Vec<Field> {
    let row = TypeKind::Row(vec![Field::new("x", DataType::nullable(TypeKind::Int))]);
    vec![
        Field::new("a", DataType::nullable(TypeKind::BigInt)),
        Field::new("b", DataType::string()),
        Field::new("r", DataType::nullable(TypeKind::Array(Box::new(DataType::nullable(row))))),
    ]
}

struct Table {
    decoder: JsonDecoder,
    columns: Vec<ColumnBuilder>,
    rows: usize,
}

impl Table {
    fn new(options: JsonOptions) -> Self {
        let columns = fields().iter().map(|f| ColumnBuilder::new(&f.data_type.kind)).collect();
        Self { decoder: JsonDecoder::new(&fields(), options), columns, rows: 0 }
    }
    fn decode(&mut self, record: &[u8]) -> Result<usize, String> {
        let done = self.decoder.decode(record, &mut self.columns, self.rows);
        self.rows += done.as_ref().copied().unwrap_or(0);
        assert!(self.columns.iter().all(|c| c.len() == self.rows), "every column has every row, whatever happened");
        done
    }
    fn rows(mut self) -> Vec<String> {
        let columns: Vec<_> =
            self.columns.iter_mut().zip(fields()).map(|(c, f)| c.finish(&f.data_type.kind).unwrap()).collect();
        let cell = |row: usize| {
            let mut out = Vec::new();
            for column in &columns {
                crate::text::write_value(&mut out, column, row);
                out.push(b'|');
            }
            String::from_utf8(out).unwrap()
        };
        (0..self.rows).map(cell).collect()
    }
}

#[test]
fn fields_are_found_in_any_order() {
    let mut table = Table::new(OPTIONS);
    for record in [
        r#"{"a":1,"b":"x"}"#,
        r#"{"b":"y","a":2}"#,
        r#"{"z":{"a":9},"a":3,"y":[1,"]"],"b":"z"}"#,
        r#"{"b":"only"}"#,
        r#"{"\u0061":5,"a":6}"#,
        r#"{}"#,
        r#"[{"a":7},{"a":8,"r":[{"x":1},null,{}]}]"#,
    ] {
        table.decode(record.as_bytes()).unwrap();
    }
    assert_eq!(
        table.rows(),
        [
            "1|x|null|",
            "2|y|null|",
            "3|z|null|",
            "null|only|null|",
            "6|null|null|",
            "null|null|null|",
            "7|null|null|",
            "8|null|[+I[1], null, +I[null]]|"
        ]
    );
}

#[test]
fn a_record_cut_off_anywhere_leaves_no_trace() {
    let record = br#"{"a":-12,"b":"x\n\u00e9","r":[{"x":3},null],"other":{"k":[true,false,1.5e3]}}"#;
    let mut table = Table::new(OPTIONS);
    for length in 0..record.len() {
        assert!(table.decode(&record[..length]).is_err(), "{length}");
    }
    assert_eq!(table.decode(record), Ok(1));
    assert_eq!(table.rows(), ["-12|x\né|[+I[3], null]|"]);
}

#[test]
fn missing_fields_can_be_errors() {
    let mut table = Table::new(JsonOptions { fail_on_missing_field: true, ..OPTIONS });
    assert_eq!(table.decode(br#"{"a":1,"b":null}"#), Err("field 'r' is missing".into()));
    assert_eq!(table.decode(br#"{"a":1,"b":null,"r":[{}]}"#), Err("field 'r.x' is missing".into()));
    assert_eq!(table.decode(br#"{"a":1,"b":null,"r":[]}"#), Ok(1));
}

#[test]
fn deep_nesting_is_refused() {
    let mut table = Table::new(OPTIONS);
    let deep = format!("{{\"z\":{}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(table.decode(deep.as_bytes()).unwrap_err().contains("no deeper nesting"));
}

#[test]
fn numbers_follow_the_grammar() {
    let mut table = Table::new(OPTIONS);
    for bad in ["01", "-", "1.", ".5", "+1", "1e", "0x1", "NaN", "tru", "nul"] {
        assert!(table.decode(format!("{{\"a\":{bad}}}").as_bytes()).is_err(), "{bad}");
    }
    for (good, value) in
        [("-0", "0"), ("9223372036854775807", "9223372036854775807"), ("\" 12 \"", "12"), ("1.5e1", "15")]
    {
        let mut table = Table::new(OPTIONS);
        table.decode(format!("{{\"a\":{good}}}").as_bytes()).unwrap();
        assert_eq!(table.rows(), [format!("{value}|null|null|")]);
    }
}
