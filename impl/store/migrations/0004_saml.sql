-- Users of SAML realms, their pending sign-ins, and the messages that they have used.

-- +goose Up
ALTER TABLE users ADD COLUMN realm   TEXT NOT NULL DEFAULT ''; -- a SAML realm's id, or '' for users of this server
ALTER TABLE users ADD COLUMN name_id TEXT NOT NULL DEFAULT ''; -- what the realm calls the user
CREATE UNIQUE INDEX users_realm_name_id ON users (realm, name_id) WHERE realm <> '';

-- Sign-ins that wait for their answer.
CREATE TABLE saml_requests (
    id             TEXT   NOT NULL PRIMARY KEY, -- the AuthnRequest's
    realm          TEXT   NOT NULL,
    relay_digest   TEXT   NOT NULL, -- SHA-256 of the RelayState, in hexadecimal
    browser_digest TEXT   NOT NULL, -- SHA-256 of the cookie that binds it to a browser, or '' for none
    state          TEXT   NOT NULL, -- the caller's own
    created_at     BIGINT NOT NULL,
    expires_at     BIGINT NOT NULL
);
CREATE INDEX saml_requests_expires_at ON saml_requests (expires_at);

-- Assertions that were used, for as long as they could be used again.
CREATE TABLE saml_assertions (
    issuer     TEXT   NOT NULL,
    id         TEXT   NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (issuer, id)
);
CREATE INDEX saml_assertions_expires_at ON saml_assertions (expires_at);

-- The last good metadata of each realm's identity provider.
CREATE TABLE saml_metadata (
    realm      TEXT   NOT NULL PRIMARY KEY,
    body       TEXT   NOT NULL,
    fetched_at BIGINT NOT NULL
);

-- What a session's identity provider knows it by.
CREATE TABLE saml_sessions (
    session_id        TEXT NOT NULL PRIMARY KEY REFERENCES sessions (id) ON DELETE CASCADE,
    realm             TEXT NOT NULL,
    name_id           TEXT NOT NULL,
    name_id_format    TEXT NOT NULL,
    name_qualifier    TEXT NOT NULL,
    sp_name_qualifier TEXT NOT NULL,
    session_index     TEXT NOT NULL
);
CREATE INDEX saml_sessions_name_id ON saml_sessions (realm, name_id);

-- The last sign-ins that were refused. Never what was sent.
CREATE TABLE saml_refusals (
    id         TEXT   NOT NULL PRIMARY KEY,
    realm      TEXT   NOT NULL, -- '' if it is not known
    issuer     TEXT   NOT NULL,
    reason     TEXT   NOT NULL,
    address    TEXT   NOT NULL,
    request_id TEXT   NOT NULL,
    issued_at  BIGINT NOT NULL, -- by its own word; 0: not known
    at         BIGINT NOT NULL
);
CREATE INDEX saml_refusals_at ON saml_refusals (at, id);
