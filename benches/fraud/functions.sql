CREATE FUNCTION haversine_km(lat1 DOUBLE, lon1 DOUBLE, lat2 DOUBLE, lon2 DOUBLE) RETURNS DOUBLE
  LANGUAGE WASM USING FILE '{fraud}/model/fraud.wasm';
CREATE FUNCTION fraud_score(count_1min DOUBLE, count_5min DOUBLE, amount_1h DOUBLE, deviation_7d DOUBLE, home_km DOUBLE,
  speed_kmh DOUBLE, amount DOUBLE, `hour` DOUBLE) RETURNS DOUBLE
  LANGUAGE WASM USING FILE '{fraud}/model/fraud.wasm';
