-- q5, hot items: which auctions had the most bids in the last 10 seconds, every 2 seconds, ties included.
-- Nexmark joins the counts of a window with their maximum. Here the auctions of equal counts are collected and the
-- highest count is kept, which gives the same rows without a join.
SELECT hot.auction, num
FROM (
  SELECT auctions, num
  FROM (
    SELECT auctions, num, ROW_NUMBER() OVER (PARTITION BY window_start, window_end ORDER BY num DESC) AS place
    FROM (
      SELECT window_start, window_end, num, ARRAY_AGG(auction) AS auctions
      FROM (
        SELECT auction, COUNT(*) AS num, window_start, window_end
        FROM TABLE(HOP(TABLE bid, DESCRIPTOR(`dateTime`), INTERVAL '2' SECOND, INTERVAL '10' SECOND))
        GROUP BY auction, window_start, window_end)
      GROUP BY window_start, window_end, num))
  WHERE place = 1)
CROSS JOIN UNNEST(auctions) AS hot (auction);
