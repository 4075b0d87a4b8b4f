-- What Elasticsearch's API keys, roles, application privileges and tokens need.

-- +goose Up
-- Names of Elasticsearch roles may hold commas, so roles become a JSON array of strings. The names until here need no escapes.
UPDATE users SET roles = CASE WHEN roles = '' THEN '[]' ELSE '["' || replace(roles, ',', '","') || '"]' END;
ALTER TABLE users ADD COLUMN metadata TEXT NOT NULL DEFAULT ''; -- a JSON object, or '' for none

-- Texts that many keys share, once each.
CREATE TABLE documents (
    id   TEXT NOT NULL PRIMARY KEY, -- SHA-256 of the body, in hexadecimal
    body TEXT NOT NULL
);

ALTER TABLE api_keys ADD COLUMN invalidated_at BIGINT NOT NULL DEFAULT 0;  -- 0: never
ALTER TABLE api_keys ADD COLUMN last_used_at   BIGINT NOT NULL DEFAULT 0;  -- 0: never
ALTER TABLE api_keys ADD COLUMN assigned       TEXT   NOT NULL DEFAULT ''; -- a document, or '' for none
ALTER TABLE api_keys ADD COLUMN limited_by     TEXT   NOT NULL DEFAULT ''; -- a document, or '' for none
ALTER TABLE api_keys ADD COLUMN creator        TEXT   NOT NULL DEFAULT ''; -- a document, or '' for none
ALTER TABLE api_keys ADD COLUMN metadata       TEXT   NOT NULL DEFAULT ''; -- a JSON object, or '' for none
ALTER TABLE api_keys ADD COLUMN version        BIGINT NOT NULL DEFAULT 0;
CREATE INDEX api_keys_invalidated_at ON api_keys (invalidated_at) WHERE invalidated_at <> 0;
CREATE INDEX api_keys_expires_at ON api_keys (expires_at) WHERE expires_at <> 0;

CREATE TABLE roles (
    name       TEXT   NOT NULL PRIMARY KEY,
    descriptor TEXT   NOT NULL, -- a JSON object
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE TABLE application_privileges (
    application TEXT NOT NULL,
    name        TEXT NOT NULL,
    actions     TEXT NOT NULL, -- a JSON array of strings
    metadata    TEXT NOT NULL, -- a JSON object, or '' for none
    PRIMARY KEY (application, name)
);

CREATE TABLE refresh_tokens (
    digest     TEXT   NOT NULL PRIMARY KEY, -- SHA-256 of the token's text, in hexadecimal
    session_id TEXT   NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    expires_at BIGINT NOT NULL
);
CREATE INDEX refresh_tokens_session_id ON refresh_tokens (session_id);
CREATE INDEX refresh_tokens_expires_at ON refresh_tokens (expires_at);
