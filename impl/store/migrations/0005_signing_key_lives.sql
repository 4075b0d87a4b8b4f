-- Signing keys are rotated. The existing key signs until the first rotation.

-- +goose Up
ALTER TABLE signing_keys ADD COLUMN signs_from     BIGINT NOT NULL DEFAULT 0;
ALTER TABLE signing_keys ADD COLUMN verifies_until BIGINT NOT NULL DEFAULT 0; -- 0: no other has been made to take over
