-- Tokens that authenticate service accounts. They belong to no user.

-- +goose Up
CREATE TABLE service_tokens (
    account       TEXT   NOT NULL,
    name          TEXT   NOT NULL,
    secret_digest TEXT   NOT NULL, -- SHA-256 of the secret, in hexadecimal
    created_at    BIGINT NOT NULL,
    PRIMARY KEY (account, name)
);
