SELECT * FROM CHANGES('m', since => N'0'') OR (1+1) = 2 --')
