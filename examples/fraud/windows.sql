-- The hourly and per-merchant view of the same payments: TUMBLE, HOP, CUMULATE and SESSION.
-- Run from this folder: wasmill run windows.sql

CREATE TABLE payments (
  trans_ts TIMESTAMP(3),
  cc_num   STRING,
  merchant STRING,
  category STRING,
  amt      DECIMAL(10, 2),
  is_fraud INT,
  WATERMARK FOR trans_ts AS trans_ts - INTERVAL '5' SECOND
) WITH ('connector' = 'filesystem', 'path' = 'data/transactions.csv', 'format' = 'csv', 'csv.header' = 'true');

CREATE TABLE hourly (
  window_start TIMESTAMP(3), category STRING, payments BIGINT, amount DECIMAL(38, 2), cards BIGINT, frauds BIGINT
) WITH ('connector' = 'filesystem', 'path' = 'out/hourly.csv', 'format' = 'csv', 'csv.header' = 'true');
CREATE TABLE merchants (
  window_start TIMESTAMP(3), window_end TIMESTAMP(3), merchant STRING, amount DECIMAL(38, 2), place BIGINT
) WITH ('connector' = 'filesystem', 'path' = 'out/merchants.csv', 'format' = 'csv', 'csv.header' = 'true');
CREATE TABLE today (
  window_start TIMESTAMP(3), window_end TIMESTAMP(3), payments BIGINT, amount DECIMAL(38, 2)
) WITH ('connector' = 'filesystem', 'path' = 'out/today.csv', 'format' = 'csv', 'csv.header' = 'true');
CREATE TABLE sprees (
  cc_num STRING, window_start TIMESTAMP(3), window_end TIMESTAMP(3), payments BIGINT, amount DECIMAL(38, 2), largest DECIMAL(10, 2)
) WITH ('connector' = 'filesystem', 'path' = 'out/sprees.csv', 'format' = 'csv', 'csv.header' = 'true');

EXECUTE STATEMENT SET BEGIN
-- Every hour by category, and all categories together.
INSERT INTO hourly
  SELECT window_start, category, COUNT(*), SUM(amt), COUNT(DISTINCT cc_num), COUNT(*) FILTER (WHERE is_fraud = 1)
  FROM TABLE(TUMBLE(TABLE payments, DESCRIPTOR(trans_ts), INTERVAL '1' HOUR))
  GROUP BY window_start, window_end, ROLLUP(category);
-- The three merchants with the largest turnover of the last day, every six hours.
INSERT INTO merchants
  SELECT window_start, window_end, merchant, amount, place FROM (
    SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end ORDER BY amount DESC, merchant) AS place FROM (
      SELECT window_start, window_end, merchant, SUM(amt) AS amount
      FROM TABLE(HOP(TABLE payments, DESCRIPTOR(trans_ts), INTERVAL '6' HOUR, INTERVAL '1' DAY))
      GROUP BY window_start, window_end, merchant))
  WHERE place <= 3;
-- The day so far, every two hours.
INSERT INTO today
  SELECT window_start, window_end, COUNT(*), SUM(amt)
  FROM TABLE(CUMULATE(TABLE payments, DESCRIPTOR(trans_ts), INTERVAL '2' HOUR, INTERVAL '1' DAY))
  GROUP BY window_start, window_end;
-- Runs of payments on one card with less than half an hour between them.
INSERT INTO sprees
  SELECT cc_num, window_start, window_end, COUNT(*), SUM(amt), MAX(amt)
  FROM TABLE(SESSION(TABLE payments PARTITION BY cc_num, DESCRIPTOR(trans_ts), INTERVAL '30' MINUTE))
  GROUP BY cc_num, window_start, window_end
  HAVING COUNT(*) >= 3;
END;
