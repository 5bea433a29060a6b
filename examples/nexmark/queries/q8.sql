-- q8, new users: who registered and opened an auction in the same 10 seconds.
-- Nexmark joins people with sellers by window. A window over both kinds of events that keeps the ids which occur as both
-- gives the same rows: an id is registered once.
SELECT id, MAX(name) AS name, window_start AS starttime
FROM TABLE(TUMBLE(TABLE arrivals, DESCRIPTOR(`dateTime`), INTERVAL '10' SECOND))
GROUP BY id, window_start, window_end
HAVING COUNT(name) > 0 AND COUNT(*) > COUNT(name);
