CREATE TABLE events (
  k STRING, b BOOLEAN, n INT, d DECIMAL(8, 3), f DOUBLE, s STRING, dt DATE, r ROW<x INT, y STRING>, a ARRAY<INT>,
  ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '2' SECOND
) WITH ('connector' = 'filesystem', 'path' = '{DIR}/../inputs/events.jsonl', 'format' = 'json');
SELECT window_start, STDDEV_POP(n), STDDEV_SAMP(n), VAR_POP(n), VAR_SAMP(n), STDDEV(f), VARIANCE(f)
FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '30' SECOND)) GROUP BY window_start, window_end;
SELECT window_start, STDDEV_POP(d), STDDEV_SAMP(d), VAR_POP(d), VAR_SAMP(d)
FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '30' SECOND)) GROUP BY window_start, window_end;
