-- The change from window to window.
CREATE TABLE t (
  id INT, k STRING, v INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND
) WITH ('connector' = 'filesystem', 'path' = '{DIR}/in.jsonl', 'format' = 'json');
CREATE VIEW v5 AS SELECT k, window_start ws, window_end we, window_time wt, SUM(v) sv FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end, window_time;
SELECT k, ws, sv, sv - LAG(sv, 1, 0) OVER (PARTITION BY k ORDER BY wt)
FROM v5;
