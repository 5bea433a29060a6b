-- The bids a minute and their prices, over events made by the built-in generator. Run: wasmill run nexmark.sql
CREATE TABLE events (
  bid ROW<auction BIGINT, bidder BIGINT, price BIGINT, channel STRING, url STRING, `dateTime` TIMESTAMP(3), extra STRING>,
  event_type INT,
  person ROW<`dateTime` TIMESTAMP(3)>,
  auction ROW<`dateTime` TIMESTAMP(3)>,
  `dateTime` AS CASE event_type WHEN 0 THEN person.`dateTime` WHEN 1 THEN auction.`dateTime` ELSE bid.`dateTime` END,
  WATERMARK FOR `dateTime` AS `dateTime` - INTERVAL '4' SECOND
) WITH ('connector' = 'nexmark', 'events.num' = '3000000');

SELECT window_start, COUNT(*) AS bids, MAX(bid.price) AS highest, AVG(bid.price) AS average
FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(`dateTime`), INTERVAL '1' MINUTE))
WHERE event_type = 2
GROUP BY window_start, window_end;
