-- The row of each key that came first.
CREATE TABLE n (
  id INT, k STRING, v INT, pt AS PROCTIME()
) WITH ('connector' = 'filesystem', 'path' = '{DIR}/in.jsonl', 'format' = 'json');
SELECT id, k, v FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY pt ASC) rn FROM n) WHERE rn = 1;
