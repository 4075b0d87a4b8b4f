-- The key-encryption keys, by their ids, that values in this database may be encrypted with. A server of an earlier version
-- does not read or write them; it encrypts only while its key opens all signing keys. The migration can be repeated, as
-- 0011.

-- +goose Up
CREATE TABLE IF NOT EXISTS key_encryption_keys (
    id         TEXT    NOT NULL PRIMARY KEY,
    created_at BIGINT  NOT NULL,
    retiring   BOOLEAN NOT NULL DEFAULT FALSE -- since it was set, nothing was encrypted with this key
);
