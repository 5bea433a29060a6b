CREATE TABLE events (
  k STRING, b BOOLEAN, n INT, d DECIMAL(8, 3), f DOUBLE, s STRING, dt DATE, r ROW<x INT, y STRING>, a ARRAY<INT>,
  ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '2' SECOND
) WITH ('connector' = 'filesystem', 'path' = '{DIR}/../inputs/events.jsonl', 'format' = 'json');
SELECT k, window_start, COUNT(*), COUNT(n), SUM(n), AVG(n), MIN(n), MAX(n)
FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end;
SELECT window_start, window_end, SUM(d), AVG(d), MIN(d), MAX(d), SUM(f), AVG(f), MIN(f), MAX(f)
FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY window_start, window_end;
SELECT window_start, SUM(CAST(n AS TINYINT)), SUM(CAST(n AS SMALLINT)), SUM(CAST(n AS BIGINT)), AVG(CAST(n AS BIGINT)), SUM(CAST(f AS FLOAT)), AVG(CAST(n AS DECIMAL(5,1)))
FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '30' SECOND)) GROUP BY window_start, window_end;
