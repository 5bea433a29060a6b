CREATE TABLE events (
  k STRING, b BOOLEAN, n INT, d DECIMAL(8, 3), f DOUBLE, s STRING, dt DATE, r ROW<x INT, y STRING>, a ARRAY<INT>,
  ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '2' SECOND
) WITH ('connector' = 'filesystem', 'path' = '{DIR}/../inputs/events.jsonl', 'format' = 'json');
SELECT *
FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end
ORDER BY c DESC, k) AS rn FROM (SELECT k, window_start, window_end, COUNT(*) AS c
FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '20' SECOND))
GROUP BY k, window_start, window_end)) WHERE rn <= 2;
SELECT k, c, window_start
FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end
ORDER BY c DESC, k DESC) AS rn FROM (SELECT k, window_start, window_end, COUNT(*) AS c
FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '20' SECOND))
GROUP BY k, window_start, window_end)) WHERE rn = 1;
