CREATE TABLE events (
  k STRING, b BOOLEAN, n INT, d DECIMAL(8, 3), f DOUBLE, s STRING, dt DATE, r ROW<x INT, y STRING>, a ARRAY<INT>,
  ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '2' SECOND
) WITH ('connector' = 'filesystem', 'path' = '{DIR}/../inputs/events.jsonl', 'format' = 'json');
SELECT b, window_end, MIN(s), MAX(s), MIN(dt), MAX(dt), MIN(b), MAX(ts)
FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '20' SECOND)) GROUP BY b, window_start, window_end;
