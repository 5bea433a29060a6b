-- ROWS in processing time: in the order in which rows come.
CREATE TABLE n (
  id INT, k STRING, v INT, pt AS PROCTIME()
) WITH ('connector' = 'filesystem', 'path' = '{DIR}/in.jsonl', 'format' = 'json');
SELECT id, COUNT(*) OVER w, SUM(v) OVER w
FROM n
WINDOW w AS (PARTITION BY k ORDER BY pt ROWS BETWEEN 2 PRECEDING AND CURRENT ROW);
