SELECT window_start, window_end, auction, COUNT(*), SUM(price) FILTER (WHERE price > 10), COUNT(DISTINCT bidder)
FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(at), INTERVAL '10' MINUTES, INTERVAL '1' MINUTE))
GROUP BY window_start, window_end, auction HAVING COUNT(*) > 1 ALLOW LATENESS INTERVAL '1' MINUTE LATE ROWS INTO bids
