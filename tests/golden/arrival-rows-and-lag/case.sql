-- ROWS frames and LAG on arrival count back in time order from where the row stands; a row out of order takes its place.
CREATE TABLE t (
  id INT, k STRING, v INT, d DOUBLE, m DECIMAL(10, 2), s STRING, ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts - INTERVAL '1' MINUTE
) WITH ('connector' = 'filesystem', 'path' = '{DIR}/in.jsonl', 'format' = 'json');
SELECT id, LAG(v) OVER w, LAG(s, 2) OVER w, COUNT(*) OVER r, SUM(v) OVER r, MAX(s) OVER r, ROW_NUMBER() OVER w, RANK() OVER w
FROM t WINDOW w AS (PARTITION BY k ORDER BY ts), r AS (PARTITION BY k ORDER BY ts ROWS BETWEEN 2 PRECEDING AND CURRENT ROW)
EMIT ON ARRIVAL;
