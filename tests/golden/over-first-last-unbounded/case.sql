-- The same kept for ever, and sums of DECIMAL and SMALLINT.
CREATE TABLE t (
  id INT, k STRING, s STRING, `dec` DECIMAL(10, 2), b BOOLEAN, fl FLOAT, sm SMALLINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND
) WITH ('connector' = 'filesystem', 'path' = '{DIR}/in.jsonl', 'format' = 'json');
SELECT id, FIRST_VALUE(s) OVER w, LAST_VALUE(s) OVER w, MIN(s) OVER w, SUM(`dec`) OVER w, COUNT(b) OVER w, SUM(sm) OVER w
FROM t
WINDOW w AS (PARTITION BY k ORDER BY ts);
