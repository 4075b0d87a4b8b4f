-- +goose NO TRANSACTION
-- A page of a user's keys by name or expiration reads as many keys as it has. PostgreSQL builds the indexes while others
-- write, which no transaction can hold. An index that an interrupted start left unfinished is built again.

-- +goose Up
DROP INDEX IF EXISTS api_keys_user_description;
CREATE INDEX api_keys_user_description ON api_keys (user_name, description, created_at, id);
DROP INDEX IF EXISTS api_keys_user_expires_at;
CREATE INDEX api_keys_user_expires_at ON api_keys (user_name, expires_at, created_at, id);
