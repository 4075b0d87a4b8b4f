-- Signing keys take turns. The one that was there signs, and will until another takes over.

-- +goose Up
ALTER TABLE signing_keys ADD COLUMN signs_from     BIGINT NOT NULL DEFAULT 0;
ALTER TABLE signing_keys ADD COLUMN verifies_until BIGINT NOT NULL DEFAULT 0; -- 0: no other has been made to take over
