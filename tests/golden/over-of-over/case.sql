-- An OVER of an OVER: rows that the first held behind the watermark are late for the second.
CREATE TABLE o (
  id INT, k STRING, v INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts
) WITH ('connector' = 'filesystem', 'path' = '{DIR}/in.jsonl', 'format' = 'json');
SELECT id, a, SUM(a) OVER (PARTITION BY k ORDER BY ts) FROM (SELECT id, k, ts, SUM(v) OVER (PARTITION BY k ORDER BY ts ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) a FROM o);
