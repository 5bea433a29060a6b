-- Unbounded frames on arrival keep their aggregates when their rows are forgotten.
CREATE TABLE t (
  id INT, k STRING, v INT, d DOUBLE, m DECIMAL(10, 2), s STRING, ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts - INTERVAL '1' MINUTE
) WITH ('connector' = 'filesystem', 'path' = '{DIR}/in.jsonl', 'format' = 'json');
SELECT id, COUNT(*) OVER w, SUM(v) OVER w, ROUND(SUM(d) OVER w, 9), SUM(m) OVER w, MIN(v) OVER w, MAX(s) OVER w, COUNT(DISTINCT s) OVER w, ROUND(STDDEV_POP(d) OVER w, 6)
FROM t WINDOW w AS (PARTITION BY k ORDER BY ts)
EMIT ON ARRIVAL;
