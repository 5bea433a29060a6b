CREATE TABLE events (
  k STRING, b BOOLEAN, n INT, d DECIMAL(8, 3), f DOUBLE, s STRING, dt DATE, r ROW<x INT, y STRING>, a ARRAY<INT>,
  ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '2' SECOND
) WITH ('connector' = 'filesystem', 'path' = '{DIR}/../inputs/events.jsonl', 'format' = 'json');
SELECT k, n, ts, rn, window_start
FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end, k ORDER BY n DESC) AS rn
FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '30' SECOND)) WHERE n IS NOT NULL) WHERE rn <= 3;
