CREATE VIEW payments AS SELECT * FROM read_json('{payments}', format = 'newline_delimited',
  columns = {tx_id: 'BIGINT', amount: 'DOUBLE', lat: 'DOUBLE'});
CREATE MACRO risk(a, b) AS 0.7 * a + b / (1 + abs(a)) + 0.25 * greatest(b, 0);
