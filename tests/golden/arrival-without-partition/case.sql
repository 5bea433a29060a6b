-- One key for all, on arrival, with expressions over the results.
CREATE TABLE t (
  id INT, k STRING, v INT, d DOUBLE, m DECIMAL(10, 2), s STRING, ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts - INTERVAL '1' MINUTE
) WITH ('connector' = 'filesystem', 'path' = '{DIR}/in.jsonl', 'format' = 'json');
SELECT id, d - AVG(d) OVER w, CASE WHEN COUNT(*) OVER w > 3 THEN 'busy' ELSE 'quiet' END, CAST(TIMESTAMPDIFF(SECOND, LAG(ts) OVER (ORDER BY ts), ts) AS BIGINT)
FROM t WINDOW w AS (ORDER BY ts RANGE BETWEEN INTERVAL '2' MINUTE PRECEDING AND CURRENT ROW)
EMIT ON ARRIVAL;
