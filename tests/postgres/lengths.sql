-- later: VARCHAR(n)
CREATE TABLE l (id INTEGER PRIMARY KEY, v VARCHAR(3));
INSERT INTO l VALUES (1, 'abc'), (2, 'äöü'), (3, ''), (4, NULL), (5, 'ab ');
INSERT INTO l VALUES (6, 'abcd');
INSERT INTO l VALUES (6, 'abc   ');
SELECT id, v, length(v) FROM l ORDER BY id;
SELECT 'abcdef'::varchar(3), CAST('abc' AS VARCHAR(10));
UPDATE l SET v = v || 'x' WHERE id = 1;
UPDATE l SET v = 'x' || left(v, 2) WHERE id = 1 RETURNING v;
INSERT INTO l VALUES (7, 12345);
INSERT INTO l VALUES (7, 12345::text::varchar(3));
SELECT id FROM l WHERE v = 'abc ';
