-- Text functions, LIKE and ILIKE.
SELECT upper('abc'), lower('ABC'), initcap('hello world'), length('äöü'), octet_length('äöü'), char_length('abc');
SELECT substr('hello', 2), substr('hello', 2, 3), substr('hello', 0, 3), substr('hello', -1, 4), substr('hello', 10);
SELECT substring('hello' FROM 2 FOR 3), substring('hello', 2, 3), substring('hello' FROM 2);
SELECT substr('hello', 2, -1);
SELECT left('hello', 2), left('hello', -2), right('hello', 2), right('hello', -2), left('hello', 0);
SELECT trim('  a '), trim(BOTH 'x' FROM 'xxaxx'), ltrim('xxa', 'x'), rtrim('axx', 'x'), btrim('xyaxy', 'xy');
-- differs: TRIM names what it takes off, or neither a side nor FROM
SELECT trim(LEADING 'x' FROM 'xxa'), trim(TRAILING FROM 'a  ');
SELECT lpad('a', 3, '*'), rpad('a', 3, '*'), lpad('abcdef', 3), lpad('a', 5, 'xy');
SELECT replace('banana', 'a', 'o'), replace('abc', '', 'x'), translate('12345', '143', 'ax');
SELECT strpos('banana', 'na'), strpos('banana', 'x'), strpos('abc', ''), position('na' IN 'banana');
SELECT reverse('abc'), reverse('äb'), repeat('ab', 3), repeat('ab', 0), repeat('ab', -1);
-- differs: concat writes out true and false
SELECT concat('a', NULL, 1, true), concat_ws('-', 'a', NULL, 'b'), 'a' || 'b' || 'c';
SELECT ascii('a'), ascii(''), chr(97), chr(8364);
-- differs: text may have a NUL in it
SELECT chr(0);
SELECT split_part('a,b,c', ',', 2), split_part('a,b,c', ',', 9), split_part('a,b,c', ',', -1);
SELECT split_part('a,b,c', ',', 0);
SELECT starts_with('hello', 'he'), starts_with('hello', 'lo');
SELECT md5('hello');
SELECT overlay('abcdef' PLACING 'XX' FROM 3), overlay('abcdef' PLACING 'XX' FROM 3 FOR 0);
SELECT to_hex(255), bit_length('abc');
SELECT encode('abc'::bytea, 'hex'), encode('abc'::bytea, 'base64'), decode('616263', 'hex');
SELECT 'abc' < 'abd', 'a' < 'B', 'Z' < 'a', 'abc' < 'abcd', '' < 'a';
SELECT 'abc' LIKE 'a%', 'abc' LIKE '_b_', 'abc' LIKE 'b', 'ABC' LIKE 'abc', 'ABC' ILIKE 'abc';
SELECT 'a%c' LIKE 'a\%c', 'abc' LIKE 'a\%c', 'a_c' LIKE 'a\_c', 'abc' NOT LIKE 'x%';
SELECT 'a%c' LIKE 'a!%c' ESCAPE '!', 'abc' LIKE 'a!%c' ESCAPE '!';
SELECT '' LIKE '', '' LIKE '%', 'abc' LIKE '%', 'abc' LIKE '%%c', 'abc' LIKE '';
-- differs: ILIKE folds all letters, PostgreSQL in the locale C only those of ASCII
SELECT 'äbc' LIKE '_bc', 'ÄBC' ILIKE 'äbc';
SELECT NULL LIKE 'a', 'a' LIKE NULL, 'a' NOT LIKE NULL;
SELECT E'a\nb' LIKE 'a%b', E'a\nb' LIKE 'a_b';
SELECT 'abc' ~ 'b', 'abc' ~ '^b', 'ABC' ~* 'b', 'abc' !~ 'x', 'ABC' !~* 'b';
SELECT 'abc' ~ '(';
SELECT regexp_replace('foobar', 'o+', 'x'), regexp_replace('aaa', 'a', 'b'), regexp_replace('aaa', 'a', 'b', 'g');
SELECT 'abc' SIMILAR TO 'a(b|x)c', 'abc' SIMILAR TO 'a';
SELECT E'tab\there', E'quote\'s', 'it''s', $$dollar$$;
SELECT U&'\0061bc';
SELECT length(''), length(NULL), length(' ');
SELECT upper(NULL), 'x' || NULL;
-- differs: a number is taken for text where text is asked for
SELECT length(5);
SELECT upper(5);
SELECT nosuchfunction('a');
SELECT substr('hello');
CREATE TABLE s (id INTEGER PRIMARY KEY, t TEXT);
INSERT INTO s VALUES (1, 'apple'), (2, 'Apple'), (3, 'äpfel'), (4, ''), (5, NULL), (6, '100%'), (7, 'a_b');
SELECT id FROM s ORDER BY t;
SELECT id FROM s ORDER BY t DESC;
SELECT id FROM s WHERE t LIKE 'a%' ORDER BY id;
SELECT id FROM s WHERE t ILIKE 'A%' ORDER BY id;
SELECT id FROM s WHERE t LIKE '%\%' ORDER BY id;
SELECT id FROM s WHERE t LIKE '%\_%' ORDER BY id;
SELECT id FROM s WHERE t NOT LIKE 'a%' ORDER BY id;
-- differs: upper changes all letters, PostgreSQL in the locale C only those of ASCII
SELECT id, length(t), upper(t) FROM s ORDER BY id;
SELECT min(t), max(t) FROM s;
SELECT id FROM s WHERE t BETWEEN 'a' AND 'b' ORDER BY id;
