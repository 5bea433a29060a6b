SELECT *, fraud_score(CAST(count_1min AS DOUBLE), CAST(count_5min AS DOUBLE), amount_1h, deviation_7d, home_km, speed_kmh, amt,
  CAST(hour(trans_ts) AS DOUBLE)) AS score
FROM (
  SELECT tx_id, trans_ts, cc_num, amt, count_1min, count_5min, amount_1h, amt - average_7d AS deviation_7d,
    haversine_km(home_lat, home_long, merch_lat, merch_long) AS home_km,
    coalesce(haversine_km(last_lat, last_long, merch_lat, merch_long)
      / (greatest(date_diff('second', last_ts, trans_ts), 1) / 3600.0), 0.0) AS speed_kmh
  FROM (
    SELECT *,
      count(*) OVER (card RANGE BETWEEN INTERVAL 1 MINUTE PRECEDING AND CURRENT ROW) AS count_1min,
      count(*) OVER (card RANGE BETWEEN INTERVAL 5 MINUTE PRECEDING AND CURRENT ROW) AS count_5min,
      sum(amt) OVER (card RANGE BETWEEN INTERVAL 1 HOUR PRECEDING AND CURRENT ROW) AS amount_1h,
      avg(amt) OVER (card RANGE BETWEEN INTERVAL 7 DAY PRECEDING AND CURRENT ROW) AS average_7d,
      lag(trans_ts) OVER card AS last_ts, lag(merch_lat) OVER card AS last_lat, lag(merch_long) OVER card AS last_long
    FROM payments WINDOW card AS (PARTITION BY cc_num ORDER BY trans_ts)));
