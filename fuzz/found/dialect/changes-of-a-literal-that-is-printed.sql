SELECT id FROM CHANGES('m', since => X'00'' IS NULL)::bigint UNION ALL SELECT 99, current_user, 1, false --')
