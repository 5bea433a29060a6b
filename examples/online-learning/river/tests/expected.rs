//! Every model and statistic against what River 0.26.1 gives (`../expected`, made by `make.py`), row by row, with a snapshot and a
//! restore on the way. Decisions must be equal; numbers may differ by `RELATIVE_MAX`, as exponential and logarithm of the two
//! differ in the last digit.

use std::io::Read;
use std::path::{Path, PathBuf};

use river::drift::{Adwin, Ddm, Level, PageHinkley};
use river::half_space::HalfSpaceTrees;
use river::logistic::LogisticRegression;
use river::roc_auc::RocAuc;
use river::statistics::{Entropy, EwMean, EwVar, MedianDeviation, Moments, P2Quantile, SortedValues};
use river::tree::HoeffdingTree;

const RELATIVE_MAX: f64 = 1e-12;
/// The payments' columns in the order of their names, by which River builds half-space trees.
const BY_NAME: [usize; 30] =
    [29, 0, 1, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 2, 20, 21, 22, 23, 24, 25, 26, 27, 28, 3, 4, 5, 6, 7, 8, 9];

fn example() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The columns' names and the rows of a CSV file; `.gz` by the tool gzip.
fn csv(name: &str) -> (Vec<String>, Vec<Vec<String>>) {
    let path = example().join(name);
    let mut text = String::new();
    if name.ends_with(".gz") {
        let output = std::process::Command::new("gzip").arg("-dc").arg(&path).output().expect("gzip");
        text = String::from_utf8(output.stdout).expect("a text");
    } else {
        std::fs::File::open(&path).expect(name).read_to_string(&mut text).expect(name);
    }
    let mut rows = text.lines().map(|l| l.split(',').map(|c| c.trim_matches('"').to_owned()).collect::<Vec<_>>());
    (rows.next().expect("names"), rows.collect())
}

fn payments() -> Vec<(Vec<f64>, bool)> {
    let row = |r: Vec<String>| (r[..30].iter().map(|c| c.parse().expect("a number")).collect(), r[30] == "1");
    csv("data/creditcard.csv.gz").1.into_iter().map(row).collect()
}

struct Expected {
    names: Vec<String>,
    rows: Vec<Vec<String>>,
    largest: f64,
}

impl Expected {
    fn read(name: &str) -> Self {
        let (names, rows) = csv(name);
        Self { names, rows, largest: 0.0 }
    }
    fn text(&self, row: usize, name: &str) -> &str {
        &self.rows[row][self.names.iter().position(|n| n == name).expect(name)]
    }
    fn close(&mut self, row: usize, name: &str, found: f64) {
        let text = self.text(row, name);
        let expected: f64 =
            text.parse().unwrap_or_else(|_| panic!("row {row}, {name}: River has '{text}', not {found}"));
        let off = if found == expected { 0.0 } else { (found - expected).abs() / expected.abs().max(1e-300) };
        assert!(off <= RELATIVE_MAX, "row {row}, {name}: {found} is not {expected}");
        self.largest = self.largest.max(off);
    }
    fn say(&self, what: &str) {
        println!("{what}: {} rows, largest relative difference {:e}", self.rows.len(), self.largest);
    }
}

fn artifact(name: &str) -> Vec<u8> {
    std::fs::read(example().join("models").join(name)).expect(name)
}

#[test]
fn logistic_regression() {
    for (prefix, options) in [("tut", "tutorial.conf"), ("r026", "river.conf")] {
        let mut expected = Expected::read("expected/logistic.csv");
        let new = || LogisticRegression::new(&artifact(options)).expect("good options");
        let (mut model, mut auc) = (new(), RocAuc::default());
        for (i, (row, truth)) in payments().into_iter().enumerate() {
            let probability = model.predict(&row);
            let predicted = probability > 1.0 - probability;
            assert_eq!(
                if predicted { "True" } else { "False" },
                expected.text(i, &format!("{prefix}_pred")),
                "row {i}"
            );
            auc.update(truth, f64::from(u8::from(predicted)));
            expected.close(i, &format!("{prefix}_proba"), probability);
            assert_eq!(format!("{:?}", auc.get()), expected.text(i, &format!("{prefix}_rocauc")), "row {i}");
            model.learn(&row, truth);
            if i % 700 == 3 {
                let snapshot = model.snapshot();
                model = new();
                model.restore(&snapshot).expect("a good snapshot");
            }
        }
        expected.say(prefix);
    }
}

#[test]
fn half_space_trees() {
    for (name, options) in [("score", "half_space.conf"), ("small_score", "half_space_small.conf")] {
        let mut expected = Expected::read("expected/anomalies.csv");
        let new = || HalfSpaceTrees::new(&artifact(options)).expect("good options");
        let mut model = new();
        for (i, (row, _)) in payments().into_iter().enumerate() {
            let row = BY_NAME.map(|column| row[column]);
            expected.close(i, name, model.score(&row));
            model.learn(&row);
            if i % 700 == 3 {
                let snapshot = model.snapshot();
                model = new();
                model.restore(&snapshot).expect("a good snapshot");
            }
        }
        expected.say(name);
    }
}

#[test]
fn hoeffding_trees() {
    let data = csv("data/concepts.csv").1;
    let trees = [
        ("nba", "tree", 4),
        ("eager_mc", "tree_eager_mc", 5),
        ("eager_nb", "tree_eager_nb", 5),
        ("eager_nba", "tree_eager_nba", 5),
    ];
    for (name, options, label) in trees {
        let mut expected = Expected::read("expected/trees.csv");
        let new = || HoeffdingTree::new(&artifact(&format!("{options}.conf"))).expect("good options");
        let mut model = new();
        for (i, line) in data.iter().enumerate() {
            let row: Vec<f64> = line[1..4].iter().map(|c| c.parse().expect("a number")).collect();
            let predicted = model.predict(&row);
            let class = predicted.map_or(String::new(), |(class, _)| class.to_string());
            assert_eq!(class, expected.text(i, &format!("{name}_pred")), "row {i} of {name}");
            if let Some((_, probability)) = predicted {
                expected.close(i, &format!("{name}_proba"), probability);
            }
            model.learn(&row, line[label].parse().expect("a class"));
            if i % 900 == 7 {
                let snapshot = model.snapshot();
                model = new();
                model.restore(&snapshot).expect("a good snapshot");
            }
        }
        assert!(model.nodes() > 1, "{name} never split");
        expected.say(name);
    }
}

#[test]
fn drift_detectors() {
    let mut expected = Expected::read("expected/trees.csv");
    let (mut adwin, mut page_hinkley, mut ddm) = (Adwin::default(), PageHinkley::default(), Ddm::default());
    let truth = |flag: bool| if flag { "True" } else { "False" };
    for (i, line) in csv("data/concepts.csv").1.iter().enumerate() {
        let error = expected.text(i, "nba_pred") != line[4];
        let x = f64::from(u8::from(error));
        adwin.update(x, 0.002);
        page_hinkley.update(x, 0.005, 20.0);
        ddm.update(error);
        let level = match ddm.level() {
            Level::Stable => "",
            Level::Warning => "warning",
            Level::Drift => "drift",
        };
        assert_eq!(truth(adwin.drift()), expected.text(i, "adwin"), "row {i}");
        expected.close(i, "adwin_mean", adwin.mean());
        assert_eq!(truth(page_hinkley.drift()), expected.text(i, "page_hinkley"), "row {i}");
        assert_eq!(level, expected.text(i, "ddm"), "row {i}");
        if i % 500 == 9 {
            adwin = Adwin::load(&adwin.save()).expect("a good state");
        }
    }
    expected.say("drift");
}

#[test]
fn statistics() {
    let mut expected = Expected::read("expected/statistics.csv");
    let (mut ew_mean, mut ew_var, mut moments) = (EwMean::default(), EwVar::default(), Moments::default());
    let (mut median, mut p95, mut mad) = (P2Quantile::default(), P2Quantile::default(), MedianDeviation::default());
    let (mut sorted, mut entropy) = (SortedValues::default(), Entropy::default());
    let amounts: Vec<f64> = payments().iter().map(|(row, _)| row[29]).collect();
    for i in 0..expected.rows.len() {
        let x = amounts[i];
        ew_mean.update(x, 0.1);
        ew_var.update(x, 0.1);
        moments.update(x);
        median.update(x, 0.5);
        p95.update(x, 0.95);
        mad.update(x);
        sorted.insert(x);
        if i >= 100 {
            sorted.remove(amounts[i - 100]);
        }
        entropy.update(
            if x < 5.0 {
                "small"
            } else if x < 50.0 {
                "middle"
            } else {
                "large"
            },
            1.0,
        );
        let rolling = |q: f64| sorted.quantile(q).expect("a value");
        for (name, found) in [
            ("ew_mean", ew_mean.get()),
            ("ew_var", ew_var.get()),
            ("median", median.get()),
            ("p95", p95.get()),
            ("mad", mad.get()),
            ("rolling_q90", Some(rolling(0.9))),
            ("rolling_iqr", Some(rolling(0.75) - rolling(0.25))),
            ("skew", Some(moments.skew())),
            ("kurtosis", Some(moments.kurtosis())),
            ("entropy", Some(entropy.get())),
        ] {
            expected.close(i, name, found.expect("a value"));
        }
        if i % 300 == 9 {
            entropy = Entropy::load(&entropy.save()).expect("a good state");
        }
    }
    expected.say("statistics");
}

#[test]
fn wrong_options_and_snapshots() {
    let why = |artifact: &str| LogisticRegression::new(artifact.as_bytes()).err().expect("refused");
    assert!(why("scalr = learn").contains("unknown option 'scalr'"));
    assert!(why("scaler = maybe").contains("it is one of learn, predict, none"));
    assert!(why("l2 = much").contains("option 'l2' cannot be 'much'"));
    assert!(HalfSpaceTrees::new(b"height = 60").is_err());
    assert!(HalfSpaceTrees::new(b"window = 0").is_err());
    let mut tree = HoeffdingTree::new(b"").expect("defaults");
    for i in 0..300 {
        tree.learn(&[f64::from(i % 10)], i64::from(i % 10 > 4));
    }
    let snapshot = tree.snapshot();
    for length in 0..snapshot.len() {
        assert!(tree.restore(&snapshot[..length]).is_err(), "{length} bytes");
    }
    tree.restore(&snapshot).expect("all of it");
    assert!(tree.restore(&[9]).unwrap_err().contains("version 9"));
}
