-- later: UUID
CREATE TABLE u (id UUID PRIMARY KEY, n INTEGER);
INSERT INTO u VALUES ('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 1), ('A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A12', 2), ('{a0eebc999c0b4ef8bb6d6bb9bd380a13}', 3);
SELECT * FROM u ORDER BY id;
INSERT INTO u VALUES ('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 1);
INSERT INTO u VALUES ('not a uuid', 1);
SELECT n FROM u WHERE id = 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a12';
SELECT n FROM u WHERE id > 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11' ORDER BY n;
SELECT id::text FROM u ORDER BY n;
SELECT 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid;
SELECT 'zz'::uuid;
SELECT 1::uuid;
SELECT count(DISTINCT id) FROM u;
