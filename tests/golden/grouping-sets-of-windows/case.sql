CREATE TABLE events (
  k STRING, b BOOLEAN, n INT, d DECIMAL(8, 3), f DOUBLE, s STRING, dt DATE, r ROW<x INT, y STRING>, a ARRAY<INT>,
  ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '2' SECOND
) WITH ('connector' = 'filesystem', 'path' = '{DIR}/../inputs/events.jsonl', 'format' = 'json');
SELECT k, b, window_start, COUNT(*), SUM(n), GROUPING(k), GROUPING(b), GROUPING_ID(k, b)
FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '30' SECOND))
GROUP BY GROUPING SETS ((window_start, window_end, k, b), (window_start, window_end, k), (window_start, window_end));
SELECT k, window_start, window_end, COUNT(*)
FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '60' SECOND))
GROUP BY GROUPING SETS ((window_start, window_end), (window_start, window_end, k));
SELECT k, b, COUNT(*)
FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '60' SECOND))
GROUP BY window_start, window_end, GROUPING SETS ((k), (b), (k, b), ());
