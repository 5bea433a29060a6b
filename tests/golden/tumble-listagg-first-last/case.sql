CREATE TABLE events (
  k STRING, b BOOLEAN, n INT, d DECIMAL(8, 3), f DOUBLE, s STRING, dt DATE, r ROW<x INT, y STRING>, a ARRAY<INT>,
  ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '2' SECOND
) WITH ('connector' = 'filesystem', 'path' = '{DIR}/../inputs/events.jsonl', 'format' = 'json');
SELECT k, window_start, LISTAGG(s), LISTAGG(s, '|'), FIRST_VALUE(s), LAST_VALUE(s)
FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '20' SECOND)) GROUP BY k, window_start, window_end;
SELECT k, window_start, LISTAGG(DISTINCT s), FIRST_VALUE(n), LAST_VALUE(n)
FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '20' SECOND)) GROUP BY k, window_start, window_end;
SELECT window_start, FIRST_VALUE(n) FILTER (WHERE n > 0), LAST_VALUE(s) FILTER (WHERE b), LISTAGG(s) FILTER (WHERE n > 0)
FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '30' SECOND)) GROUP BY window_start, window_end;
