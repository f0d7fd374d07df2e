-- What version 2 has besides.
ALTER TABLE monitor ADD parent INTEGER REFERENCES monitor (id);
ALTER TABLE monitor ADD description TEXT;
ALTER TABLE heartbeat ADD down_count INTEGER DEFAULT 0 NOT NULL;
ALTER TABLE heartbeat ADD end_time DATETIME;
CREATE TABLE knex_migrations (id INTEGER PRIMARY KEY AUTOINCREMENT, name VARCHAR(255), batch INTEGER,
    migration_time DATETIME);
INSERT INTO knex_migrations (name, batch) VALUES ('2023-08-16-0000-create-uptime.js', 1),
    ('2025-02-17-2142-generalize-analytics.js', 2);
