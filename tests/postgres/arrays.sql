CREATE TABLE a (id INTEGER PRIMARY KEY, v INTEGER[], t TEXT[]);
INSERT INTO a VALUES (1, ARRAY[1, 2, 3], ARRAY['x', 'y']), (2, '{4,5}', '{"a b",c}'), (3, '{}', NULL), (4, ARRAY[1, NULL], ARRAY[]::text[]);
INSERT INTO a VALUES (5, '{1,x}', NULL);
INSERT INTO a VALUES (5, ARRAY['x'], NULL);
SELECT * FROM a ORDER BY id;
SELECT id, v[1], v[9], t[2] FROM a ORDER BY id;
-- differs: array_length of an empty array is 0, in PostgreSQL NULL
SELECT id, array_length(v, 1), cardinality(v) FROM a ORDER BY id;
SELECT id FROM a WHERE 2 = ANY (v);
SELECT id FROM a WHERE v = ARRAY[4, 5];
SELECT id FROM a WHERE v @> ARRAY[1] ORDER BY id;
SELECT v || 9 FROM a ORDER BY id;
SELECT v[1:2] FROM a WHERE id = 1;
SELECT array_to_string(v, ',') FROM a ORDER BY id;
SELECT array_append(v, 7), array_position(v, 2) FROM a WHERE id = 1;
SELECT x FROM unnest(ARRAY[3, 1, 2]) AS u(x) ORDER BY x;
SELECT array_agg(id ORDER BY id DESC) FROM a;
SELECT ARRAY[1, 'x'];
SELECT v::text FROM a ORDER BY id;
