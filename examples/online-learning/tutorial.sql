-- The published tutorial in one job: each payment is predicted, then learnt from, and the ROC AUC up to it is computed.
CREATE MODEL fraud
  INPUT (
    `Time` DOUBLE, V1 DOUBLE, V2 DOUBLE, V3 DOUBLE, V4 DOUBLE, V5 DOUBLE, V6 DOUBLE, V7 DOUBLE, V8 DOUBLE, V9 DOUBLE,
    V10 DOUBLE, V11 DOUBLE, V12 DOUBLE, V13 DOUBLE, V14 DOUBLE, V15 DOUBLE, V16 DOUBLE, V17 DOUBLE, V18 DOUBLE, V19
    DOUBLE, V20 DOUBLE, V21 DOUBLE, V22 DOUBLE, V23 DOUBLE, V24 DOUBLE, V25 DOUBLE, V26 DOUBLE, V27 DOUBLE, V28 DOUBLE,
    Amount DOUBLE)
  OUTPUT (probability DOUBLE, predicted BOOLEAN) LABEL (truth BOOLEAN)
  LANGUAGE WASM AS 'logistic_regression' USING FILE 'river.wasm' WITH ('artifact' = 'models/tutorial.conf');

CREATE AGGREGATE FUNCTION roc_auc LANGUAGE WASM USING FILE 'river.wasm';

CREATE TABLE scored (predicted BOOLEAN, probability DOUBLE, rocauc DOUBLE)
  WITH ('connector' = 'filesystem', 'path' = 'out/tutorial.csv', 'format' = 'csv');

INSERT INTO scored
SELECT predicted, probability,
  roc_auc(truth, CASE WHEN predicted THEN 1E0 ELSE 0E0 END)
    OVER (ORDER BY ts ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
FROM ML_PREDICT(TABLE payments, MODEL fraud, DESCRIPTOR(
    `Time`, V1, V2, V3, V4, V5, V6, V7, V8, V9, V10, V11, V12, V13, V14, V15, V16, V17, V18, V19, V20, V21, V22, V23,
    V24, V25, V26, V27, V28, Amount),
  LABELS => DESCRIPTOR(truth));
