WITH t AS (SELECT id, ts, coalesce(k, '-') AS k, n FROM read_json('{DIR}/in.jsonl', format = 'newline_delimited', columns = {id: 'INT', ts: 'TIMESTAMP', k: 'VARCHAR', n: 'INT'})),
u AS (SELECT *, coalesce(max(ts) OVER (ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), TIMESTAMP '1970-01-01') - INTERVAL 1 SECOND AS mark FROM t),
-- In time: the row's own session is open, or one that it joins is. (Flink keeps the same rows.)
kept AS (SELECT * FROM u WHERE ts + INTERVAL 4 SECOND > mark OR EXISTS (
  SELECT 1 FROM u AS o WHERE o.k = u.k AND o.id < u.id AND abs(epoch(o.ts) - epoch(u.ts)) <= 4 AND o.ts + INTERVAL 4 SECOND > u.mark))
SELECT id, 'kept' FROM kept
UNION ALL SELECT id, nullif(k, '-') FROM u WHERE id NOT IN (SELECT id FROM kept)
