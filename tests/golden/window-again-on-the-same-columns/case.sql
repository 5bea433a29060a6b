CREATE TABLE events (
  k STRING, b BOOLEAN, n INT, d DECIMAL(8, 3), f DOUBLE, s STRING, dt DATE, r ROW<x INT, y STRING>, a ARRAY<INT>,
  ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '2' SECOND
) WITH ('connector' = 'filesystem', 'path' = '{DIR}/../inputs/events.jsonl', 'format' = 'json');
CREATE TABLE visits (k STRING, v INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND)
WITH ('connector' = 'filesystem', 'path' = '{DIR}/../inputs/visits.jsonl', 'format' = 'json');
SELECT window_start, window_end, SUM(c) FROM (SELECT k, window_start, window_end, COUNT(*) AS c
FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '20' SECOND))
GROUP BY k, window_start, window_end) GROUP BY window_start, window_end;
SELECT window_start, window_end, COUNT(*) FROM (SELECT *
FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '20' SECOND)) WHERE n > 0) GROUP BY window_start, window_end;
WITH w AS (SELECT k, window_start, window_end, SUM(v) AS s
FROM TABLE(TUMBLE(TABLE visits, DESCRIPTOR(ts), INTERVAL '20' SECOND))
GROUP BY k, window_start, window_end) SELECT window_start, MAX(s), MIN(s) FROM w GROUP BY window_start, window_end;
