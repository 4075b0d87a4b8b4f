-- Codes of sign-ins at identity providers, which a front end exchanges for sessions.

-- +goose Up
CREATE TABLE sso_codes (
    digest            TEXT   NOT NULL PRIMARY KEY, -- SHA-256 of the code, in hexadecimal
    user_name         TEXT   NOT NULL REFERENCES users (name) ON DELETE CASCADE,
    epoch             BIGINT NOT NULL, -- the user's session_epoch when the code was issued
    challenge         TEXT   NOT NULL, -- SHA-256 of the verifier, in base64url
    return_url        TEXT   NOT NULL,
    realm             TEXT   NOT NULL,
    name_id           TEXT   NOT NULL,
    name_id_format    TEXT   NOT NULL,
    name_qualifier    TEXT   NOT NULL,
    sp_name_qualifier TEXT   NOT NULL,
    session_index     TEXT   NOT NULL,
    session_ends_at   BIGINT NOT NULL, -- at the identity provider; 0: not known
    expires_at        BIGINT NOT NULL
);
CREATE INDEX sso_codes_expires_at ON sso_codes (expires_at);
CREATE INDEX sso_codes_user_name ON sso_codes (user_name);
CREATE INDEX sso_codes_name_id ON sso_codes (realm, name_id);
