-- +goose NO TRANSACTION
-- Sessions that another caller began for their user, with an identity provider's answer that it was given. A server of
-- an earlier version begins none, and takes these for sessions that their users began. The migration can be repeated, as
-- 0011.

-- +goose Up
ALTER TABLE sessions ADD COLUMN on_behalf BOOLEAN NOT NULL DEFAULT FALSE;
