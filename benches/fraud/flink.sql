-- The same for Flink, whose SELECT takes one window: a level for each. Its planner names the aggregates of every level alike and fails
-- ("Field names must be unique") where nothing is computed between two levels: hence the casts and COALESCE.
SELECT tx_id, trans_ts, cc_num, amt, count_1min, count_5min, amount_1h, deviation_7d, home_km, speed_kmh,
  fraud_score(CAST(count_1min AS DOUBLE), CAST(count_5min AS DOUBLE), amount_1h, deviation_7d, home_km, speed_kmh, amt,
    CAST(EXTRACT(HOUR FROM trans_ts) AS DOUBLE)) AS score
FROM (
  SELECT tx_id, trans_ts, cc_num, amt, count_1min, count_5min, amount_1h, deviation_7d,
    haversine_km(home_lat, home_long, merch_lat, merch_long) AS home_km,
    COALESCE(haversine_km(last_lat, last_long, merch_lat, merch_long)
      / (GREATEST(TIMESTAMPDIFF(SECOND, last_ts, trans_ts), 1) / CAST(3600 AS DOUBLE)), CAST(0 AS DOUBLE)) AS speed_kmh
  FROM (
    SELECT *, LAG(trans_ts) OVER (PARTITION BY cc_num ORDER BY trans_ts) AS last_ts,
      LAG(merch_lat) OVER (PARTITION BY cc_num ORDER BY trans_ts) AS last_lat,
      LAG(merch_long) OVER (PARTITION BY cc_num ORDER BY trans_ts) AS last_long
    FROM (SELECT *, amt - AVG(amt) OVER (PARTITION BY cc_num ORDER BY trans_ts RANGE BETWEEN INTERVAL '7' DAY PRECEDING AND CURRENT ROW) AS deviation_7d
    FROM (SELECT *, COALESCE(SUM(amt) OVER (PARTITION BY cc_num ORDER BY trans_ts RANGE BETWEEN INTERVAL '1' HOUR PRECEDING AND CURRENT ROW), 0e0) AS amount_1h
    FROM (SELECT *, CAST(COUNT(*) OVER (PARTITION BY cc_num ORDER BY trans_ts RANGE BETWEEN INTERVAL '5' MINUTE PRECEDING AND CURRENT ROW) AS INT) AS count_5min
    FROM (SELECT *, CAST(COUNT(*) OVER (PARTITION BY cc_num ORDER BY trans_ts RANGE BETWEEN INTERVAL '1' MINUTE PRECEDING AND CURRENT ROW) AS INT) AS count_1min
    FROM payments))))));
