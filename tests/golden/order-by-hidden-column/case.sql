-- ORDER BY a column that is not selected; in processing time rows are in order as they come.
CREATE TABLE n (
  id INT, k STRING, pt AS PROCTIME()
) WITH ('connector' = 'filesystem', 'path' = '{DIR}/in.jsonl', 'format' = 'json');
SELECT id, k
FROM n ORDER BY pt;
