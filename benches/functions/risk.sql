SELECT tx_id, risk(amount, lat) AS risk FROM payments;
