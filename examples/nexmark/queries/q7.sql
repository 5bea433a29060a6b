-- q7, highest bid of every 10 seconds.
-- Nexmark joins the bids with the highest price of their window. Ranking within the window gives the same rows as long as
-- no two bids share the highest price of a window.
SELECT auction, price, bidder, `dateTime`, extra
FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end ORDER BY price DESC) AS place
  FROM TABLE(TUMBLE(TABLE bid, DESCRIPTOR(`dateTime`), INTERVAL '10' SECOND)))
WHERE place = 1;
