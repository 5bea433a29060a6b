//! The scores of XGBoost, LightGBM and scikit-learn, within 1e-6.

use models::{gbt::Gbt, logreg::LogReg};

/// Inputs and the three scores of each row of `data/scores.csv`.
fn rows() -> Vec<(Vec<f64>, [f64; 3])> {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/data/scores.csv")).unwrap();
    let cells = |line: &str| line.split(',').map(|c| c.parse::<f64>().unwrap()).collect::<Vec<f64>>();
    let rows = text.lines().skip(1).map(cells);
    rows.map(|c| (c[1..16].to_vec(), [c[17], c[18], c[19]])).collect()
}

fn artifact(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/data/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

#[track_caller]
fn agree(which: usize, score: impl Fn(&[f64]) -> f64) {
    let worst = rows().iter().map(|(row, expected)| (score(row) - expected[which]).abs()).fold(0.0, f64::max);
    assert!(worst < 1e-6, "{worst:e}");
}

#[test]
fn scores_are_those_of_the_libraries() {
    let gbt = Gbt::read(&artifact("fraud_xgb.json")).unwrap();
    agree(0, |row| gbt.score(&row.iter().map(|&v| f64::from(v as f32)).collect::<Vec<_>>()));
    let gbt = Gbt::read(&artifact("fraud_lgb.txt")).unwrap();
    agree(1, |row| gbt.score(row));
    let logreg = LogReg::read(&artifact("fraud_logreg.json")).unwrap();
    agree(2, |row| logreg.score(row));
}

#[test]
fn a_file_cut_off_anywhere_is_refused() {
    for name in ["fraud_xgb.json", "fraud_lgb.txt"] {
        let whole = artifact(name);
        for length in (0..whole.len() - 200).step_by(499) {
            let Err(why) = Gbt::read(&whole[..length]) else {
                // Behind the trees of LightGBM stand only parameters.
                assert!(whole[..length].windows(12).any(|w| w == b"end of trees"), "{name} {length}");
                continue;
            };
            assert!(!why.is_empty());
        }
    }
}
