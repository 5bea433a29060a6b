-- The first 2,000 payments of the ULB credit-card data, in order, with what each turned out to be.
CREATE TABLE payments (
  `Time` DOUBLE, V1 DOUBLE, V2 DOUBLE, V3 DOUBLE, V4 DOUBLE, V5 DOUBLE, V6 DOUBLE, V7 DOUBLE, V8 DOUBLE, V9 DOUBLE, V10
  DOUBLE, V11 DOUBLE, V12 DOUBLE, V13 DOUBLE, V14 DOUBLE, V15 DOUBLE, V16 DOUBLE, V17 DOUBLE, V18 DOUBLE, V19 DOUBLE,
  V20 DOUBLE, V21 DOUBLE, V22 DOUBLE, V23 DOUBLE, V24 DOUBLE, V25 DOUBLE, V26 DOUBLE, V27 DOUBLE, V28 DOUBLE, Amount
  DOUBLE, Class INT,
  truth AS Class = 1,
  ts AS TO_TIMESTAMP_LTZ(CAST(`Time` * 1000 AS BIGINT), 3),
  WATERMARK FOR ts AS ts - INTERVAL '0.001' SECOND
) WITH ('connector' = 'filesystem', 'path' = 'data/creditcard.csv.gz', 'format' = 'csv', 'csv.header' = 'true');
