-- Functions without partials, and of text, on arrival.
CREATE TABLE t (
  id INT, k STRING, v INT, d DOUBLE, m DECIMAL(10, 2), s STRING, ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts - INTERVAL '1' MINUTE
) WITH ('connector' = 'filesystem', 'path' = '{DIR}/in.jsonl', 'format' = 'json');
SELECT id, COUNT(DISTINCT v) OVER w, SUM(DISTINCT v) OVER w, FIRST_VALUE(s) OVER w, LAST_VALUE(s) OVER w, MIN(s) OVER w, MAX(s) OVER w, REPLACE(LISTAGG(s) OVER w, ',', ';')
FROM t WINDOW w AS (PARTITION BY k ORDER BY ts RANGE BETWEEN INTERVAL '5' MINUTE PRECEDING AND CURRENT ROW)
EMIT ON ARRIVAL;
