-- Users' history, second factors, elevation of tokens, and failed guesses.

-- +goose Up
ALTER TABLE users ADD COLUMN created_by     TEXT   NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN updated_by     TEXT   NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN first_login_at BIGINT NOT NULL DEFAULT 0; -- 0: never
ALTER TABLE users ADD COLUMN last_login_at  BIGINT NOT NULL DEFAULT 0;

ALTER TABLE session_tokens ADD COLUMN elevated_until BIGINT NOT NULL DEFAULT 0; -- 0: plain

CREATE TABLE totp_devices (
    user_name  TEXT    NOT NULL PRIMARY KEY REFERENCES users (name) ON DELETE CASCADE,
    sealed     TEXT    NOT NULL, -- the secret
    confirmed  BOOLEAN NOT NULL,
    last_step  BIGINT  NOT NULL, -- the newest time step with a used code
    created_at BIGINT  NOT NULL
);

CREATE TABLE recovery_codes (
    user_name TEXT NOT NULL REFERENCES totp_devices (user_name) ON DELETE CASCADE,
    digest    TEXT NOT NULL, -- SHA-256 of the code's canonical text, in hexadecimal
    PRIMARY KEY (user_name, digest)
);

-- One row per user with failed guesses. The name '' stands for all names without a user, so that guesses at them cost the
-- same.
CREATE TABLE lockouts (
    user_name       TEXT   NOT NULL PRIMARY KEY,
    failures        BIGINT NOT NULL,
    code_failures   BIGINT NOT NULL, -- how many of them were at one-time codes
    last_failure_at BIGINT NOT NULL,
    locked_until    BIGINT NOT NULL
);
