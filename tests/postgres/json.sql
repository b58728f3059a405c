CREATE TABLE j (id INTEGER PRIMARY KEY, v JSON);
INSERT INTO j VALUES (1, '{"a": 1, "b": [1, 2, {"c": null}], "d": "text"}'), (2, '[1, "two", true]'), (3, 'null'), (4, NULL), (5, '"s"');
INSERT INTO j VALUES (6, '{"a": }');
INSERT INTO j VALUES (6, '');
SELECT id, v FROM j ORDER BY id;
SELECT id, v -> 'a', v ->> 'a', v -> 'd', v ->> 'd' FROM j WHERE id = 1;
SELECT v -> 'b' -> 0, v -> 'b' ->> 0, v -> 'b' -> -1, v -> 'b' -> 9 FROM j WHERE id = 1;
SELECT v -> 'b' -> 2 -> 'c', v -> 'b' -> 2 ->> 'c' FROM j WHERE id = 1;
SELECT v -> 'nope', v ->> 'nope' FROM j WHERE id = 1;
SELECT id, v -> 0, v ->> 1 FROM j ORDER BY id;
SELECT v #> '{b,0}', v #>> '{d}' FROM j WHERE id = 1;
SELECT (v ->> 'a')::int + 1 FROM j WHERE id = 1;
SELECT id FROM j WHERE v ->> 'd' = 'text';
SELECT '{"a":1}'::json ->> 'a';
SELECT '{'::json;
SELECT '{"a":1}'::json::text;
-- differs: JSON is compared as the text it is
SELECT id FROM j WHERE v = '{}';
-- differs: JSON is ordered as the text it is
SELECT id FROM j ORDER BY v;
