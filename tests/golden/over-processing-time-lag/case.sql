-- LAG in processing time.
CREATE TABLE n (
  id INT, k STRING, v INT, pt AS PROCTIME()
) WITH ('connector' = 'filesystem', 'path' = '{DIR}/in.jsonl', 'format' = 'json');
SELECT id, LAG(v) OVER (PARTITION BY k ORDER BY pt)
FROM n;
