CREATE TABLE events (
  k STRING, b BOOLEAN, n INT, d DECIMAL(8, 3), f DOUBLE, s STRING, dt DATE, r ROW<x INT, y STRING>, a ARRAY<INT>,
  ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '2' SECOND
) WITH ('connector' = 'filesystem', 'path' = '{DIR}/../inputs/events.jsonl', 'format' = 'json');
CREATE TABLE visits (k STRING, v INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND)
WITH ('connector' = 'filesystem', 'path' = '{DIR}/../inputs/visits.jsonl', 'format' = 'json');
SELECT window_start, SUM(n) OVER (PARTITION BY k ORDER BY window_time)
FROM (SELECT k, window_start, window_time, SUM(n) AS n
FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '10' SECOND))
GROUP BY k, window_start, window_end, window_time);
SELECT k, window_start, cnt, SUM(cnt) OVER (PARTITION BY k
ORDER BY window_time ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)
FROM (SELECT k, window_start, window_time, COUNT(*) AS cnt
FROM TABLE(TUMBLE(TABLE visits, DESCRIPTOR(ts), INTERVAL '20' SECOND))
GROUP BY k, window_start, window_end, window_time);
SELECT window_start, window_end, k, cnt, cnt * 1.0 / SUM(cnt) OVER (PARTITION BY window_start ORDER BY window_time)
FROM (SELECT k, window_start, window_end, window_time, COUNT(*) AS cnt
FROM TABLE(TUMBLE(TABLE visits, DESCRIPTOR(ts), INTERVAL '20' SECOND))
GROUP BY k, window_start, window_end, window_time);
