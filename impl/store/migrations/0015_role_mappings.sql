-- Role mappings: rules that give users of identity providers roles of Elasticsearch's.

-- +goose Up
CREATE TABLE role_mappings (
    name       TEXT    NOT NULL PRIMARY KEY,
    enabled    BOOLEAN NOT NULL,
    roles      TEXT    NOT NULL, -- a JSON array of strings
    rules      TEXT    NOT NULL, -- a JSON object
    metadata   TEXT    NOT NULL, -- a JSON object
    cost       BIGINT  NOT NULL, -- of the evaluation at a sign-in
    created_at BIGINT  NOT NULL,
    updated_at BIGINT  NOT NULL
);
