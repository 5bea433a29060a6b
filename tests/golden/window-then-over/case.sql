-- An OVER in the order of window_time.
CREATE TABLE t (
  id INT, k STRING, v INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND
) WITH ('connector' = 'filesystem', 'path' = '{DIR}/in.jsonl', 'format' = 'json');
CREATE VIEW v5 AS SELECT k, window_start ws, window_end we, window_time wt, SUM(v) sv FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end, window_time;
SELECT k, ws, sv, SUM(sv) OVER (PARTITION BY k ORDER BY wt ROWS BETWEEN 2 PRECEDING AND CURRENT ROW)
FROM v5;
