CREATE TABLE events (
  k STRING, b BOOLEAN, n INT, d DECIMAL(8, 3), f DOUBLE, s STRING, dt DATE, r ROW<x INT, y STRING>, a ARRAY<INT>,
  ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '2' SECOND
) WITH ('connector' = 'filesystem', 'path' = '{DIR}/../inputs/events.jsonl', 'format' = 'json');
CREATE TABLE visits (k STRING, v INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND)
WITH ('connector' = 'filesystem', 'path' = '{DIR}/../inputs/visits.jsonl', 'format' = 'json');
CREATE VIEW five AS SELECT k, window_start AS ws5, window_end AS we5, window_time AS wt, COUNT(*) AS c, SUM(n) AS s
FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '5' SECOND)) GROUP BY k, window_start, window_end, window_time;
SELECT k, SUM(c), SUM(s) FROM five GROUP BY k;
SELECT k, MAX(s)
FROM (SELECT k, TUMBLE_START(ts, INTERVAL '20' SECOND) AS st, SUM(v) AS s FROM visits
GROUP BY k, TUMBLE(ts, INTERVAL '20' SECOND)) GROUP BY k;
