-- Half-space trees: how strange a payment is, before any label is there. River builds its trees over the features in the order of
-- their names; given in that order they are the same trees.
CREATE MODEL strange
  INPUT (
    Amount DOUBLE, `Time` DOUBLE, V1 DOUBLE, V10 DOUBLE, V11 DOUBLE, V12 DOUBLE, V13 DOUBLE, V14 DOUBLE, V15 DOUBLE, V16
    DOUBLE, V17 DOUBLE, V18 DOUBLE, V19 DOUBLE, V2 DOUBLE, V20 DOUBLE, V21 DOUBLE, V22 DOUBLE, V23 DOUBLE, V24 DOUBLE,
    V25 DOUBLE, V26 DOUBLE, V27 DOUBLE, V28 DOUBLE, V3 DOUBLE, V4 DOUBLE, V5 DOUBLE, V6 DOUBLE, V7 DOUBLE, V8 DOUBLE, V9
    DOUBLE)
  OUTPUT (score DOUBLE) LABEL (learns BOOLEAN)
  LANGUAGE WASM AS 'half_space_trees' USING FILE 'river.wasm' WITH ('artifact' = 'models/half_space.conf');

CREATE TABLE scores (score DOUBLE) WITH ('connector' = 'filesystem', 'path' = 'out/anomalies.csv', 'format' = 'csv');

INSERT INTO scores
SELECT score
FROM ML_PREDICT(TABLE (SELECT *, TRUE AS learns FROM payments), MODEL strange, DESCRIPTOR(
    Amount, `Time`, V1, V10, V11, V12, V13, V14, V15, V16, V17, V18, V19, V2, V20, V21, V22, V23, V24, V25, V26, V27,
    V28, V3, V4, V5, V6, V7, V8, V9),
  LABELS => DESCRIPTOR(learns));
