CREATE VIEW payments AS SELECT * FROM read_csv('{payments}', header = false, columns = {tx_id: 'BIGINT', trans_ts: 'TIMESTAMP',
  cc_num: 'VARCHAR', amt: 'DOUBLE', merch_lat: 'DOUBLE', merch_long: 'DOUBLE', home_lat: 'DOUBLE', home_long: 'DOUBLE'});
CREATE MACRO haversine_km(lat1, lon1, lat2, lon2) AS 2 * 6371.0088 * asin(least(1, sqrt(
  sin(radians(lat2 - lat1) / 2) ^ 2 + cos(radians(lat1)) * cos(radians(lat2)) * sin(radians(lon2 - lon1) / 2) ^ 2)));
