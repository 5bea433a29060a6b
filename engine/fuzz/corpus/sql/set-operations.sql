WITH c AS (SELECT auction, price FROM bids WHERE channel LIKE '%a_' ESCAPE '!'), d AS (SELECT * FROM c) SELECT auction FROM c UNION ALL SELECT id FROM users UNION ALL VALUES (1), (2) ORDER BY 1 LIMIT 10;
SELECT DISTINCT channel FROM bids; SELECT channel, COUNT(*) FROM bids GROUP BY channel; SELECT * FROM bids WHERE auction IN (SELECT id FROM users) OR EXISTS (SELECT 1 FROM users)
