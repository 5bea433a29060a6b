-- Windows over the last row of each order, and over its two highest: updates of an order stay in the order's window, and are taken back there.
CREATE TABLE steps (
  id INT, k STRING, v INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND
) WITH ('connector' = 'filesystem', 'path' = '{DIR}/in.jsonl', 'format' = 'json');
CREATE VIEW newest AS
SELECT id, k, v, ts FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY ts DESC) AS rn FROM steps) WHERE rn = 1;
CREATE VIEW highest AS
SELECT id, k, v, ts AS t, rn FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY v DESC, id) AS rn FROM steps) WHERE rn <= 2;
SELECT window_start, COUNT(*) AS n, SUM(v) AS total, MAX(v) AS most, MIN(id) AS first_id
FROM TABLE(TUMBLE(TABLE newest, DESCRIPTOR(ts), INTERVAL '20' SECOND)) GROUP BY window_start, window_end;
SELECT window_start, window_end, k, COUNT(*) AS n, SUM(v) AS total
FROM TABLE(CUMULATE(TABLE highest, DESCRIPTOR(t), INTERVAL '20' SECOND, INTERVAL '40' SECOND)) GROUP BY window_start, window_end, k;
SELECT TUMBLE_START(ts, INTERVAL '20' SECOND) AS w, COUNT(*) AS n, AVG(v) AS mean FROM newest GROUP BY TUMBLE(ts, INTERVAL '20' SECOND);
