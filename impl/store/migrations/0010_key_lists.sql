-- Lists and searches of API keys read as many keys as they return.

-- +goose Up
CREATE INDEX api_keys_description ON api_keys (description, created_at, id);
CREATE INDEX api_keys_creator ON api_keys (creator);
-- The realms of the documents about the owners of keys.
CREATE INDEX documents_realm ON documents ((COALESCE(body ->> 'realm', ''))) WHERE substr(body, 1, 13) = '{"principal":';
