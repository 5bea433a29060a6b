CREATE TEMPORARY VIEW w (a, b) AS SELECT auction, SUM(price) OVER (PARTITION BY auction ORDER BY at) FROM bids;
SHOW TABLES; SHOW VIEWS; SHOW FUNCTIONS; SHOW CREATE TABLE bids; DESCRIBE bids; SET 'parallelism.default' = '2'; SET; RESET 'parallelism.default'; RESET;
USE default_database; DROP VIEW IF EXISTS w; DROP TABLE results; DROP FUNCTION IF EXISTS f;
