-- Results of OVER inside expressions.
CREATE TABLE o (
  id INT, k STRING, d DOUBLE, ts TIMESTAMP(3), WATERMARK FOR ts AS ts
) WITH ('connector' = 'filesystem', 'path' = '{DIR}/in.jsonl', 'format' = 'json');
SELECT id, SUM(d) OVER w / COUNT(*) OVER w, d - AVG(d) OVER w, CASE WHEN d > 2 * AVG(d) OVER w THEN 'high' ELSE 'ok' END
FROM o
WINDOW w AS (PARTITION BY k ORDER BY ts RANGE BETWEEN INTERVAL '5' SECOND PRECEDING AND CURRENT ROW);
