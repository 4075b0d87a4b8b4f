-- +goose NO TRANSACTION
-- Elasticsearch's operations tell an empty full name or e-mail address from none. The columns count while the text is
-- empty, so a server of an earlier version, which does not write them, loses nothing but that difference. The migration
-- can be repeated, as 0011.

-- +goose Up
ALTER TABLE users ADD COLUMN empty_full_name BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE users ADD COLUMN empty_email     BOOLEAN NOT NULL DEFAULT FALSE;
