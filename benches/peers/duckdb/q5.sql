-- A bid is in five windows of 10 seconds.
WITH counts AS (
  SELECT auction, count(*) AS num, w AS window_start
  FROM (SELECT auction, time_bucket(INTERVAL 2 SECOND, "dateTime") - to_seconds(2 * unnest([0, 1, 2, 3, 4])) AS w FROM bid)
  GROUP BY auction, w)
SELECT auction, num FROM counts QUALIFY rank() OVER (PARTITION BY window_start ORDER BY num DESC) = 1;
