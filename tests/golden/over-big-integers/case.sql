-- BIGINT and FLOAT over all rows so far, one key.
CREATE TABLE t (
  id INT, bi BIGINT, fl FLOAT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND
) WITH ('connector' = 'filesystem', 'path' = '{DIR}/in.jsonl', 'format' = 'json');
SELECT id, COUNT(*) OVER w, AVG(bi) OVER w, SUM(bi) OVER w, MAX(bi) OVER w, SUM(fl) OVER w, MIN(fl) OVER w
FROM t
WINDOW w AS (ORDER BY ts ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW);
