//! The same in native code, for the functions of the templates and examples: what `wasmill udf bench` compares with.

use std::hint::black_box;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, StringArray, StringBuilder};
use arrow::datatypes::{Float64Type, Int64Type};

use super::bench::{GROUPS, group_of};

/// A native function over the columns that the benchmark makes.
pub(super) type Native = fn(&[ArrayRef]);

/// The native function of that name and signature, as in `risk(DOUBLE, STRING)`.
pub(super) fn find(signature: &str) -> Option<Native> {
    Some(match signature {
        "blend(DOUBLE, DOUBLE)" => |args| {
            let (a, b) = (doubles(&args[0]), doubles(&args[1]));
            let blend = |(a, b): (&f64, &f64)| 0.7 * a + b / (1.0 + a.abs()) + 0.25 * if *b > 0.0 { *b } else { 0.0 };
            black_box(Float64Array::from_iter_values(a.iter().zip(b).map(blend)));
        },
        "risk(DOUBLE, DOUBLE)" => |args| {
            let (a, b) = (doubles(&args[0]), doubles(&args[1]));
            black_box(Float64Array::from_iter_values(a.iter().zip(b).map(|(a, b)| a / (1.0 + b.abs()))));
        },
        "risk(DOUBLE, STRING)" => |args| {
            let (amounts, countries) = (doubles(&args[0]), args[1].as_string::<i32>());
            let risk = |(amount, country): (&f64, Option<&str>)| {
                let risky = match country {
                    Some("ZZ") => 0.9,
                    Some("YY") => 0.5,
                    _ => 0.0,
                };
                (amount / 10_000.0 + risky).min(1.0)
            };
            black_box(Float64Array::from_iter_values(amounts.iter().zip(countries).map(risk)));
        },
        "half(DOUBLE)" => |args| {
            black_box(Float64Array::from_iter_values(doubles(&args[0]).iter().map(|x| x / 2.0)));
        },
        "initials(STRING)" => |args| {
            let initials = |name: Option<&str>| {
                let mut letters = String::new();
                let mut in_word = false;
                for c in name.unwrap_or_default().chars() {
                    if c.is_ascii_alphabetic() && !in_word {
                        letters.push(c.to_ascii_uppercase());
                    }
                    in_word = c.is_ascii_alphanumeric();
                }
                (!letters.is_empty()).then_some(letters)
            };
            black_box(args[0].as_string::<i32>().iter().map(initials).collect::<StringArray>());
        },
        "first_known(STRING, STRING)" => |args| {
            let (a, b) = (args[0].as_string::<i32>(), args[1].as_string::<i32>());
            black_box(a.iter().zip(b).map(|(a, b)| a.or(b)).collect::<StringArray>());
        },
        "domain(STRING)" => |args| {
            let domain = |email: Option<&str>| email?.rsplit_once('@').map(|(_, domain)| domain.to_lowercase());
            black_box(args[0].as_string::<i32>().iter().map(domain).collect::<StringArray>());
        },
        "geo_mean(DOUBLE)" => |args| {
            let mut states = vec![(0.0, 0u64); GROUPS];
            for (row, x) in doubles(&args[0]).iter().enumerate() {
                let state = &mut states[group_of(row) as usize];
                *state = (state.0 + x.ln(), state.1 + 1);
            }
            black_box(states);
        },
        "weighted(DOUBLE, BIGINT)" => |args| {
            let weights = args[1].as_primitive::<Int64Type>().values();
            let mut states = vec![(0.0, 0i64); GROUPS];
            for (row, (x, weight)) in doubles(&args[0]).iter().zip(weights).enumerate() {
                let state = &mut states[group_of(row) as usize];
                *state = (state.0 + x * *weight as f64, state.1 + weight);
            }
            black_box(states);
        },
        "words(STRING)" => |args| {
            let (mut words, mut places, mut parents) = (StringBuilder::new(), Vec::new(), Vec::new());
            for (row, text) in args[0].as_string::<i32>().iter().enumerate() {
                for (place, word) in text.unwrap_or_default().split_whitespace().enumerate() {
                    words.append_value(word);
                    places.push(place as i32 + 1);
                    parents.push(row as u32);
                }
            }
            black_box((words.finish(), places, parents));
        },
        _ => return None,
    })
}

fn doubles(array: &ArrayRef) -> &[f64] {
    debug_assert_eq!(array.null_count(), 0);
    array.as_primitive::<Float64Type>().values()
}
