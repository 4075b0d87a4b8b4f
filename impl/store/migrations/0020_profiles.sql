-- Profiles of users, at most one each. A server of an earlier version leaves them alone; a deleted user's row takes its
-- profile with it.

-- +goose Up
CREATE TABLE profiles (
    user_name       TEXT    NOT NULL PRIMARY KEY REFERENCES users (name) ON DELETE CASCADE,
    uid             TEXT    NOT NULL,
    enabled         BOOLEAN NOT NULL,
    synchronized_at BIGINT  NOT NULL, -- the last activation
    version         BIGINT  NOT NULL, -- counts the changes
    labels          TEXT    NOT NULL, -- a JSON object
    data            TEXT    NOT NULL  -- a JSON object
);
CREATE UNIQUE INDEX profiles_uid ON profiles (uid);
