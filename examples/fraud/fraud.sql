-- Features and a score for every card payment, answered when the payment arrives.
-- Run from this folder: wasmill run fraud.sql

CREATE TABLE payments (
  tx_id      BIGINT,
  trans_ts   TIMESTAMP(3),
  cc_num     STRING,
  merchant   STRING,
  category   STRING,
  amt        DOUBLE,
  merch_lat  DOUBLE,
  merch_long DOUBLE,
  is_fraud   INT,
  WATERMARK FOR trans_ts AS trans_ts - INTERVAL '5' SECOND
) WITH ('connector' = 'filesystem', 'path' = 'data/transactions.csv', 'format' = 'csv', 'csv.header' = 'true');

-- The card holders: read once and held in memory.
CREATE TABLE holders (
  cc_num STRING,
  lat    DOUBLE,
  `long` DOUBLE
) WITH ('connector' = 'filesystem', 'path' = 'data/customers.csv', 'format' = 'csv', 'csv.header' = 'true');

CREATE FUNCTION haversine_km(lat1 DOUBLE, lon1 DOUBLE, lat2 DOUBLE, lon2 DOUBLE) RETURNS DOUBLE
  LANGUAGE WASM USING FILE 'model/fraud.wasm';
CREATE FUNCTION fraud_score(count_1min DOUBLE, count_5min DOUBLE, amount_1h DOUBLE, deviation_7d DOUBLE, home_km DOUBLE,
  speed_kmh DOUBLE, amount DOUBLE, `hour` DOUBLE) RETURNS DOUBLE
  LANGUAGE WASM USING FILE 'model/fraud.wasm';

-- Five windows over one buffer per card. EMIT ON ARRIVAL: no waiting for the watermark.
CREATE VIEW windows AS
SELECT p.*,
  COUNT(*) OVER (PARTITION BY cc_num ORDER BY trans_ts RANGE BETWEEN INTERVAL '1' MINUTE PRECEDING AND CURRENT ROW) AS count_1min,
  COUNT(*) OVER (PARTITION BY cc_num ORDER BY trans_ts RANGE BETWEEN INTERVAL '5' MINUTE PRECEDING AND CURRENT ROW) AS count_5min,
  SUM(amt) OVER (PARTITION BY cc_num ORDER BY trans_ts RANGE BETWEEN INTERVAL '1' HOUR PRECEDING AND CURRENT ROW) AS amount_1h,
  AVG(amt) OVER (PARTITION BY cc_num ORDER BY trans_ts RANGE BETWEEN INTERVAL '7' DAY PRECEDING AND CURRENT ROW) AS average_7d,
  LAG(trans_ts) OVER (PARTITION BY cc_num ORDER BY trans_ts) AS last_ts,
  LAG(merch_lat) OVER (PARTITION BY cc_num ORDER BY trans_ts) AS last_lat,
  LAG(merch_long) OVER (PARTITION BY cc_num ORDER BY trans_ts) AS last_long
FROM payments AS p
EMIT ON ARRIVAL
LATE ROWS INTO late_payments;

CREATE VIEW features AS
SELECT w.tx_id, w.trans_ts, w.cc_num, w.merchant, w.category, w.amt, w.is_fraud, w.count_1min, w.count_5min, w.amount_1h,
  w.amt - w.average_7d AS deviation_7d,
  haversine_km(h.lat, h.`long`, w.merch_lat, w.merch_long) AS home_km,
  COALESCE(haversine_km(w.last_lat, w.last_long, w.merch_lat, w.merch_long)
    / (GREATEST(TIMESTAMPDIFF(SECOND, w.last_ts, w.trans_ts), 1) / CAST(3600 AS DOUBLE)), CAST(0 AS DOUBLE)) AS speed_kmh
FROM windows AS w
JOIN holders FOR SYSTEM_TIME AS OF PROCTIME() AS h ON w.cc_num = h.cc_num;

CREATE VIEW scored AS
SELECT *, fraud_score(CAST(count_1min AS DOUBLE), CAST(count_5min AS DOUBLE), amount_1h, deviation_7d, home_km, speed_kmh, amt,
  CAST(EXTRACT(HOUR FROM trans_ts) AS DOUBLE)) AS score
FROM features;

CREATE TABLE scored_payments (
  tx_id BIGINT, trans_ts TIMESTAMP(3), cc_num STRING, amt DOUBLE, count_1min BIGINT, count_5min BIGINT, amount_1h DOUBLE,
  deviation_7d DOUBLE, home_km DOUBLE, speed_kmh DOUBLE, score DOUBLE, is_fraud INT
) WITH ('connector' = 'filesystem', 'path' = 'out/scored.csv', 'format' = 'csv', 'csv.header' = 'true');

CREATE TABLE alerts (
  tx_id BIGINT, trans_ts TIMESTAMP(3), cc_num STRING, merchant STRING, amt DOUBLE, score DOUBLE, is_fraud INT
) WITH ('connector' = 'filesystem', 'path' = 'out/alerts.jsonl', 'format' = 'json');

CREATE TABLE late_payments (
  tx_id BIGINT, trans_ts TIMESTAMP(3), cc_num STRING, amt DOUBLE
) WITH ('connector' = 'filesystem', 'path' = 'out/late.jsonl', 'format' = 'json');

EXECUTE STATEMENT SET BEGIN
INSERT INTO scored_payments
  SELECT tx_id, trans_ts, cc_num, amt, count_1min, count_5min, amount_1h, deviation_7d, home_km, speed_kmh, score, is_fraud
  FROM scored;
INSERT INTO alerts
  SELECT tx_id, trans_ts, cc_num, merchant, amt, score, is_fraud FROM scored WHERE score >= 0.5;
END;
