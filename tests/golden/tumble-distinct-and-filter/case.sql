CREATE TABLE events (
  k STRING, b BOOLEAN, n INT, d DECIMAL(8, 3), f DOUBLE, s STRING, dt DATE, r ROW<x INT, y STRING>, a ARRAY<INT>,
  ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '2' SECOND
) WITH ('connector' = 'filesystem', 'path' = '{DIR}/../inputs/events.jsonl', 'format' = 'json');
SELECT dt, window_start, COUNT(DISTINCT k), COUNT(DISTINCT n), SUM(DISTINCT n), AVG(DISTINCT n)
FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '30' SECOND)) GROUP BY dt, window_start, window_end;
SELECT k, window_start, COUNT(*) FILTER (WHERE n > 0), SUM(n) FILTER (WHERE b), COUNT(DISTINCT s) FILTER (WHERE b IS NOT TRUE), MAX(d) FILTER (WHERE s <> '')
FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '20' SECOND)) GROUP BY k, window_start, window_end;
SELECT window_start, COUNT(DISTINCT k) FILTER (WHERE n > 0), COUNT(DISTINCT k) FILTER (WHERE n <= 0), COUNT(DISTINCT k), SUM(DISTINCT n) FILTER (WHERE b)
FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '30' SECOND)) GROUP BY window_start, window_end;
