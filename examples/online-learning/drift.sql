-- A Hoeffding tree on a stream whose rule changes at row 2,000, and three detectors that watch its errors.
CREATE TABLE points (`row` BIGINT, a DOUBLE, b DOUBLE, c DOUBLE, class BIGINT, kind BIGINT,
    ts AS TO_TIMESTAMP_LTZ(`row` * 1000, 3), WATERMARK FOR ts AS ts)
  WITH ('connector' = 'filesystem', 'path' = 'data/concepts.csv', 'format' = 'csv', 'csv.header' = 'true');

CREATE MODEL tree INPUT (a DOUBLE, b DOUBLE, c DOUBLE) OUTPUT (predicted BIGINT, probability DOUBLE) LABEL (class BIGINT)
  LANGUAGE WASM AS 'hoeffding_tree' USING FILE 'river.wasm' WITH ('artifact' = 'models/tree.conf');

CREATE AGGREGATE FUNCTION adwin LANGUAGE WASM USING FILE 'river.wasm';
CREATE AGGREGATE FUNCTION adwin_mean LANGUAGE WASM USING FILE 'river.wasm';
CREATE AGGREGATE FUNCTION page_hinkley LANGUAGE WASM USING FILE 'river.wasm';
CREATE AGGREGATE FUNCTION ddm LANGUAGE WASM USING FILE 'river.wasm';

CREATE VIEW predictions AS
SELECT `row`, predicted, probability, ts, predicted IS DISTINCT FROM class AS wrong,
  CASE WHEN predicted IS DISTINCT FROM class THEN 1E0 ELSE 0E0 END AS error
FROM ML_PREDICT(TABLE points, MODEL tree, DESCRIPTOR(a, b, c), LABELS => DESCRIPTOR(class));

CREATE TABLE watched (`row` BIGINT, predicted BIGINT, probability DOUBLE, adwin BOOLEAN, adwin_mean DOUBLE, page_hinkley BOOLEAN, ddm STRING)
  WITH ('connector' = 'filesystem', 'path' = 'out/drift.csv', 'format' = 'csv');

INSERT INTO watched
SELECT `row`, predicted, probability, adwin(error, 0.002E0) OVER w, adwin_mean(error, 0.002E0) OVER w,
  page_hinkley(error, 0.005E0, 20E0) OVER w, ddm(wrong) OVER w
FROM predictions
WINDOW w AS (ORDER BY ts ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW);
