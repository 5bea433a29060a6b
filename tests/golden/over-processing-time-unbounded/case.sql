-- Unbounded frames in processing time: rows of one instant do not see each other.
CREATE TABLE n (
  id INT, k STRING, v INT, s STRING, pt AS PROCTIME()
) WITH ('connector' = 'filesystem', 'path' = '{DIR}/in.jsonl', 'format' = 'json');
SELECT id, COUNT(*) OVER w, SUM(v) OVER w, MIN(s) OVER w, FIRST_VALUE(s) OVER w
FROM n
WINDOW w AS (PARTITION BY k ORDER BY pt);
