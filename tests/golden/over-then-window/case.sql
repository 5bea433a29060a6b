-- A window over the result of an OVER.
CREATE TABLE t (
  id INT, k STRING, v INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND
) WITH ('connector' = 'filesystem', 'path' = '{DIR}/in.jsonl', 'format' = 'json');
CREATE VIEW v1 AS SELECT id, k, v, ts, SUM(v) OVER (PARTITION BY k ORDER BY ts RANGE BETWEEN INTERVAL '10' SECOND PRECEDING AND CURRENT ROW) AS s10 FROM t;
CREATE VIEW v2 AS SELECT k, s10, ts FROM v1 WHERE s10 > 5;
CREATE TEMPORARY VIEW v4 AS SELECT * FROM v2;
SELECT k, window_start, SUM(s10)
FROM TABLE(TUMBLE(TABLE v4, DESCRIPTOR(ts), INTERVAL '30' SECOND)) GROUP BY k, window_start, window_end;
