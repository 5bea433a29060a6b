-- An aggregate over the last row of each key.
CREATE TABLE o (
  id INT, k STRING, v INT, s STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts
) WITH ('connector' = 'filesystem', 'path' = '{DIR}/in.jsonl', 'format' = 'json');
SELECT k, SUM(v) FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k, s ORDER BY ts DESC) rn FROM o) WHERE rn = 1 GROUP BY k;
