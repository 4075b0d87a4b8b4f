-- +goose NO TRANSACTION
-- API keys for other clusters, which cannot be used for requests here. A server of an earlier version takes such a key
-- for one without any privilege, because limited_by is a document without descriptors. PostgreSQL builds the index while
-- others write, as in 0011.

-- +goose Up
ALTER TABLE api_keys ADD COLUMN type                 TEXT NOT NULL DEFAULT 'rest';
ALTER TABLE api_keys ADD COLUMN certificate_identity TEXT NOT NULL DEFAULT '';

-- Queries look here whether there are such keys at all.
DROP INDEX IF EXISTS api_keys_type;
CREATE INDEX api_keys_type ON api_keys (type) WHERE type <> 'rest';
