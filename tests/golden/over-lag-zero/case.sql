-- LAG(v, 0) is the value of the last row of the same time.
CREATE TABLE t (
  id INT, k STRING, v INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND
) WITH ('connector' = 'filesystem', 'path' = '{DIR}/in.jsonl', 'format' = 'json');
SELECT id, LAG(v, 0) OVER (PARTITION BY k ORDER BY ts)
FROM t;
