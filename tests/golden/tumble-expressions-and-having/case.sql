CREATE TABLE events (
  k STRING, b BOOLEAN, n INT, d DECIMAL(8, 3), f DOUBLE, s STRING, dt DATE, r ROW<x INT, y STRING>, a ARRAY<INT>,
  ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '2' SECOND
) WITH ('connector' = 'filesystem', 'path' = '{DIR}/../inputs/events.jsonl', 'format' = 'json');
SELECT window_start, SUM(n) + 1, SUM(n * 2) / NULLIF(COUNT(n), 0), MAX(n) - MIN(n), CASE WHEN COUNT(*) > 5 THEN 'many' ELSE 'few' END
FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY window_start, window_end;
SELECT UPPER(k) AS ku, window_start, COUNT(*) AS c
FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '10' SECOND))
GROUP BY UPPER(k), window_start, window_end HAVING COUNT(*) > 1 AND MAX(n) IS NOT NULL;
