//! Tests of the math functions.

use crate::functions::testing::{call, d, dec, i, ok, t};

#[test]
fn rounding() {
    assert_eq!(ok("ROUND", &[i(125), i(-1)]), "130");
    assert_eq!(ok("ROUND", &[i(-125), i(-1)]), "-130");
    assert_eq!(ok("ROUND", &[d(2.675), i(2)]), "2.68");
    assert_eq!(ok("ROUND", &[d(-0.5)]), "-1.0");
    assert_eq!(ok("ROUND", &[d(0.049), i(1)]), "0.0");
    assert_eq!(ok("TRUNCATE", &[d(0.46), i(1)]), "0.4");
    assert_eq!(ok("TRUNCATE", &[i(44), i(-1)]), "40");
    assert_eq!(ok("FLOOR", &[d(-1.5)]), "-2.0");
    assert_eq!(ok("CEIL", &[dec(-12311, 5, 1)]), "-1231");
    assert_eq!(ok("FLOOR", &[dec(-12311, 5, 1)]), "-1232");
}

/// The number of places is part of the type where it is literal; here the columns of the test have none.
#[test]
fn rounding_decimals() {
    use crate::function::{Argument, CallSite, ColumnValue, Context};
    use arrow::array::{Array, AsArray};
    use arrow::datatypes::Decimal128Type;
    use wasmill_plan::{DataType, TypeKind, Value};
    let round = |name: &str, unscaled: i128, p, s, places: i64| {
        let function = crate::registry::find(name).unwrap();
        let types = [DataType::not_null(TypeKind::Decimal(p, s)), DataType::not_null(TypeKind::Int)];
        let values = [Value::Decimal(unscaled), Value::Int(places)];
        let args: Vec<_> =
            types.iter().zip(&values).map(|(data_type, v)| Argument { data_type, literal: Some(v) }).collect();
        let signature = (function.infer)(&args).unwrap();
        let constants: Vec<_> =
            types.iter().zip(&values).map(|(t, v)| ColumnValue::Constant(v.to_array(t, 1))).collect();
        let site = CallSite {
            args: signature.args.clone(),
            literals: values.iter().cloned().map(Some).collect(),
            returns: signature.returns.clone(),
        };
        let result = (function.kernel)(&site).unwrap().evaluate(&constants, 1, &Context::default()).unwrap();
        assert_eq!(result.data_type(), &signature.returns.to_arrow());
        (signature.returns.kind, result.is_valid(0).then(|| result.as_primitive::<Decimal128Type>().value(0)))
    };
    assert_eq!(round("ROUND", 1_234_512_345, 10, 5, 2), (TypeKind::Decimal(8, 2), Some(1_234_512)));
    assert_eq!(round("ROUND", -125_315, 6, 3, 2), (TypeKind::Decimal(6, 2), Some(-12_532)));
    assert_eq!(round("ROUND", 155, 3, 1, -1), (TypeKind::Decimal(3, 0), Some(20)));
    assert_eq!(round("ROUND", 155, 3, 1, 4), (TypeKind::Decimal(3, 1), Some(155)));
    assert_eq!(round("TRUNCATE", 42_345, 5, 3, 0), (TypeKind::Decimal(3, 0), Some(42)));
    assert_eq!(round("TRUNCATE", -123, 3, 2, -50), (TypeKind::Decimal(2, 0), Some(0)));
}

#[test]
fn keeping_types() {
    assert_eq!(ok("ABS", &[i(-42)]), "42");
    assert_eq!(ok("ABS", &[i(i32::MIN.into())]), i32::MIN.to_string());
    assert_eq!(ok("ABS", &[dec(-1231, 4, 2)]), "12.31");
    assert_eq!(ok("SIGN", &[dec(-1231, 4, 2)]), "-1.00");
    assert_eq!(ok("SIGN", &[d(4.6)]), "1.0");
    assert!(call("ABS", &[t("1")]).is_err());
}

#[test]
fn doubles() {
    assert_eq!(ok("SQRT", &[i(25)]), "5.0");
    assert_eq!(ok("POWER", &[i(2), i(3)]), "8.0");
    assert_eq!(ok("LOG", &[i(2), i(8)]), "3.0");
    assert_eq!(ok("LOG", &[i(-1)]), "NaN");
    assert_eq!(ok("ATAN2", &[i(0), i(0)]), "0.0");
    assert_eq!(ok("COT", &[d(2.5)]), "-1.3386481283041514");
    assert_eq!(ok("DEGREES", &[d(0.5)]), "28.64788975654116");
    assert_eq!(ok("PI", &[]), "3.141592653589793");
}

#[test]
fn bases() {
    assert_eq!(ok("BIN", &[i(44)]), "101100");
    assert_eq!(ok("BIN", &[i(-1)]).len(), 64);
    assert!(call("BIN", &[d(4.5)]).is_err());
    assert_eq!(ok("HEX", &[i(-1)]), "FFFFFFFFFFFFFFFF");
    assert_eq!(ok("HEX", &[t("ö")]), "C3B6");
    assert_eq!(ok("UNHEX", &[t("146")]), "0046");
    assert_eq!(ok("UNHEX", &[t("1-")]), "NULL");
    assert_eq!(ok("UNHEX", &[t("z")]), "NULL");
    assert_eq!(ok("CONV", &[t("100"), i(2), i(10)]), "4");
    assert_eq!(ok("CONV", &[i(-10), i(10), i(-16)]), "-A");
    assert_eq!(ok("CONV", &[t("ff"), i(16), i(37)]), "NULL");
    assert_eq!(ok("BITAND", &[i(6), i(3)]), "2");
    assert_eq!(ok("BITNOT", &[i(0)]), "-1");
}
