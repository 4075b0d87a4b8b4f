-- The oldest version of the schema with which a program can serve this one. Beside a newer schema a server of an older
-- program stays ready until a migration raises that version. Programs from before this migration are ready with their
-- own schema only. The migration can be repeated, as 0011.

-- +goose Up
CREATE TABLE IF NOT EXISTS schema_compatibility (
    oldest BIGINT NOT NULL -- in one row
);
DELETE FROM schema_compatibility;
INSERT INTO schema_compatibility (oldest) VALUES (23);
