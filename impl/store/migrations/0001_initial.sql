-- Times are milliseconds since 1970 in UTC. Released migrations are never changed: a change is a new file.
-- Only what SQLite and PostgreSQL both understand is used here.

-- +goose Up
CREATE TABLE accounts (
    id         TEXT    NOT NULL PRIMARY KEY,
    trust_all  BOOLEAN NOT NULL,
    created_at BIGINT  NOT NULL,
    updated_at BIGINT  NOT NULL
);

CREATE TABLE users (
    name          TEXT    NOT NULL PRIMARY KEY,
    builtin       BOOLEAN NOT NULL,
    enabled       BOOLEAN NOT NULL,
    roles         TEXT    NOT NULL, -- separated by commas
    full_name     TEXT    NOT NULL,
    email         TEXT    NOT NULL,
    password_hash TEXT    NOT NULL,
    created_at    BIGINT  NOT NULL,
    updated_at    BIGINT  NOT NULL
);

CREATE TABLE sessions (
    id         TEXT   NOT NULL PRIMARY KEY,
    user_name  TEXT   NOT NULL REFERENCES users (name) ON DELETE CASCADE,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL -- the absolute end
);
CREATE INDEX sessions_user_name ON sessions (user_name);
CREATE INDEX sessions_expires_at ON sessions (expires_at);

CREATE TABLE session_tokens (
    id         TEXT   NOT NULL PRIMARY KEY,
    session_id TEXT   NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    expires_at BIGINT NOT NULL
);
CREATE INDEX session_tokens_session_id ON session_tokens (session_id);
CREATE INDEX session_tokens_expires_at ON session_tokens (expires_at);

CREATE TABLE api_keys (
    id            TEXT   NOT NULL PRIMARY KEY,
    user_name     TEXT   NOT NULL REFERENCES users (name) ON DELETE CASCADE,
    description   TEXT   NOT NULL,
    secret_digest TEXT   NOT NULL, -- SHA-256 of the secret's text, in hexadecimal
    created_at    BIGINT NOT NULL,
    expires_at    BIGINT NOT NULL  -- 0: never
);
CREATE INDEX api_keys_user_name ON api_keys (user_name, created_at, id);
CREATE INDEX api_keys_created_at ON api_keys (created_at, id);

CREATE TABLE signing_keys (
    id         TEXT   NOT NULL PRIMARY KEY,
    sealed     TEXT   NOT NULL, -- the Ed25519 seed
    created_at BIGINT NOT NULL
);

CREATE TABLE audit_log (
    id         TEXT   NOT NULL PRIMARY KEY,
    at         BIGINT NOT NULL,
    event      TEXT   NOT NULL,
    actor      TEXT   NOT NULL,
    subject    TEXT   NOT NULL,
    address    TEXT   NOT NULL,
    request_id TEXT   NOT NULL,
    details    TEXT   NOT NULL -- a JSON object
);
CREATE INDEX audit_log_at ON audit_log (at, id);
