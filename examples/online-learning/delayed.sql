-- River's pipeline where what a payment turned out to be is known five minutes later, on another stream: the same file, read again with
-- another time. Payments and labels come to one model in the order of time.
CREATE TABLE verdicts (
  `Time` DOUBLE, V1 DOUBLE, V2 DOUBLE, V3 DOUBLE, V4 DOUBLE, V5 DOUBLE, V6 DOUBLE, V7 DOUBLE, V8 DOUBLE, V9 DOUBLE, V10
  DOUBLE, V11 DOUBLE, V12 DOUBLE, V13 DOUBLE, V14 DOUBLE, V15 DOUBLE, V16 DOUBLE, V17 DOUBLE, V18 DOUBLE, V19 DOUBLE,
  V20 DOUBLE, V21 DOUBLE, V22 DOUBLE, V23 DOUBLE, V24 DOUBLE, V25 DOUBLE, V26 DOUBLE, V27 DOUBLE, V28 DOUBLE, Amount
  DOUBLE, Class INT,
  truth AS Class = 1,
  ts AS TO_TIMESTAMP_LTZ(CAST(`Time` * 1000 AS BIGINT) + 300500, 3),
  WATERMARK FOR ts AS ts - INTERVAL '0.001' SECOND
) WITH ('connector' = 'filesystem', 'path' = 'data/creditcard.csv.gz', 'format' = 'csv', 'csv.header' = 'true');

CREATE MODEL fraud
  INPUT (
    `Time` DOUBLE, V1 DOUBLE, V2 DOUBLE, V3 DOUBLE, V4 DOUBLE, V5 DOUBLE, V6 DOUBLE, V7 DOUBLE, V8 DOUBLE, V9 DOUBLE,
    V10 DOUBLE, V11 DOUBLE, V12 DOUBLE, V13 DOUBLE, V14 DOUBLE, V15 DOUBLE, V16 DOUBLE, V17 DOUBLE, V18 DOUBLE, V19
    DOUBLE, V20 DOUBLE, V21 DOUBLE, V22 DOUBLE, V23 DOUBLE, V24 DOUBLE, V25 DOUBLE, V26 DOUBLE, V27 DOUBLE, V28 DOUBLE,
    Amount DOUBLE)
  OUTPUT (probability DOUBLE, predicted BOOLEAN) LABEL (truth BOOLEAN)
  LANGUAGE WASM AS 'logistic_regression' USING FILE 'river.wasm' WITH ('artifact' = 'models/river.conf');

CREATE TABLE scored (predicted BOOLEAN, probability DOUBLE)
  WITH ('connector' = 'filesystem', 'path' = 'out/delayed.csv', 'format' = 'csv');

EXECUTE STATEMENT SET BEGIN
INSERT INTO MODEL fraud
SELECT
  `Time`, V1, V2, V3, V4, V5, V6, V7, V8, V9, V10, V11, V12, V13, V14, V15, V16, V17, V18, V19, V20, V21, V22, V23,
  V24, V25, V26, V27, V28, Amount,
  truth
FROM verdicts;

INSERT INTO scored
SELECT predicted, probability
FROM ML_PREDICT(TABLE payments, MODEL fraud, DESCRIPTOR(
    `Time`, V1, V2, V3, V4, V5, V6, V7, V8, V9, V10, V11, V12, V13, V14, V15, V16, V17, V18, V19, V20, V21, V22, V23,
    V24, V25, V26, V27, V28, Amount));
END;
