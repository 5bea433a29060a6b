WITH t AS (SELECT id, ts, coalesce(k, '-') AS k, n FROM read_json('{DIR}/in.jsonl', format = 'newline_delimited', columns = {id: 'INT', ts: 'TIMESTAMP', k: 'VARCHAR', n: 'INT'})),
u AS (SELECT *, coalesce(max(ts) OVER (ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), TIMESTAMP '1970-01-01') - INTERVAL 1 SECOND AS mark FROM t),
-- In time: the row's own session is open, or one that it joins is. (Flink keeps the same rows.)
kept AS (SELECT * FROM u WHERE ts + INTERVAL 4 SECOND > mark OR EXISTS (
  SELECT 1 FROM u AS o WHERE o.k = u.k AND o.id < u.id AND abs(epoch(o.ts) - epoch(u.ts)) <= 4 AND o.ts + INTERVAL 4 SECOND > u.mark)),
begun AS (SELECT *, coalesce(ts > lag(ts) OVER (PARTITION BY k ORDER BY ts) + INTERVAL 4 SECOND, true) AS begins FROM kept),
numbered AS (SELECT *, sum(begins::INT) OVER (PARTITION BY k ORDER BY ts, id) AS session FROM begun),
of_session AS (SELECT n, min(ts) OVER (PARTITION BY k, session) AS first, max(ts) OVER (PARTITION BY k, session) AS last FROM numbered)
SELECT count(*), -sum(n) FROM of_session GROUP BY first, last
UNION ALL SELECT n, id FROM u WHERE id NOT IN (SELECT id FROM kept)
