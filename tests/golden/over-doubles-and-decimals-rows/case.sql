-- DOUBLE and DECIMAL over ROWS.
CREATE TABLE t (
  id INT, k STRING, d DOUBLE, `dec` DECIMAL(10, 2), ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND
) WITH ('connector' = 'filesystem', 'path' = '{DIR}/in.jsonl', 'format' = 'json');
SELECT id, COUNT(*) OVER w, SUM(d) OVER w, AVG(d) OVER w, MIN(d) OVER w, MAX(d) OVER w, SUM(`dec`) OVER w, AVG(`dec`) OVER w
FROM t
WINDOW w AS (PARTITION BY k ORDER BY ts ROWS BETWEEN 3 PRECEDING AND CURRENT ROW);
