-- a comment with ünïcödé
SELECT /* in /* line */ '日本語' AS `naïve 列`, U&"\0061" FROM users -- end
; ;; SELECT 'é' || "name" FROM users
