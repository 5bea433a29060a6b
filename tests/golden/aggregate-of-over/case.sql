-- A grouped aggregate over an OVER.
CREATE TABLE o (
  id INT, k STRING, v INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts
) WITH ('connector' = 'filesystem', 'path' = '{DIR}/in.jsonl', 'format' = 'json');
SELECT k, AVG(c) FROM (SELECT k, COUNT(*) OVER (PARTITION BY k ORDER BY ts) c FROM o) GROUP BY k;
