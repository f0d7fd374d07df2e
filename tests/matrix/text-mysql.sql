-- A database of MySQL or MariaDB with what has misled a reader of its dumps. Used by cuts-text.py.
CREATE TABLE people (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(100) DEFAULT 'a\';' COMMENT 'it''s; (x', note TEXT, b BLOB, j JSON, d DECIMAL(10,2), doubled INT AS (id * 2), ts TIMESTAMP NULL, e ENUM('a,b', 'c'), bits BIT(3));
INSERT INTO people (name, note, b, j, d, ts, e, bits) SELECT CONCAT('name ', seq), ELT(1 + seq % 5, NULL, 'line\nCREATE TABLE x;\n-- Dump completed\n', 'it\'s \\ "q" ; (', '\t\r\n', '`back` # -- /* */'), x'00ff275c0a', '{"a": "b;"}', seq / 3, '2026-01-01 00:00:00', 'a,b', b'101' FROM seq_1_to_60;
CREATE TABLE `odd ``name` (`a,b` INT, `c(d` VARCHAR(20));
INSERT INTO `odd ``name` VALUES (1, 'x'), (2, NULL), (3, '),(');
CREATE TABLE one (t TEXT);
INSERT INTO one SELECT CONCAT('line ', seq) FROM seq_1_to_30;
CREATE TABLE empty_one (a INT, b INT);
CREATE TABLE two (k VARCHAR(20), v INT) PARTITION BY HASH (v) PARTITIONS 3;
INSERT INTO two SELECT CONCAT('k', seq), seq FROM seq_1_to_30;
CREATE VIEW v AS SELECT id, CASE WHEN id > 3 THEN 'a;' ELSE 'b' END AS c FROM people;
CREATE TABLE log (a INT);
DELIMITER $$
CREATE TRIGGER tr BEFORE INSERT ON people FOR EACH ROW BEGIN
-- Dump completed
INSERT INTO log VALUES (1); IF NEW.name = 'x;' THEN SET NEW.note = 'y'; END IF; END$$
CREATE PROCEDURE p() BEGIN
CREATE TEMPORARY TABLE z (a INT);
DROP TABLE z;
INSERT INTO log VALUES (2); label1: LOOP LEAVE label1; END LOOP; END$$
CREATE FUNCTION f(a INT) RETURNS INT DETERMINISTIC RETURN a + 1$$
CREATE EVENT ev ON SCHEDULE EVERY 1 DAY DISABLE DO BEGIN DELETE FROM log; END$$
DELIMITER ;
CREATE SEQUENCE sq START WITH 5;
