-- Epochs: a counter per user that each key and session copies when it is inserted. To revoke all of a user's keys or sessions
-- is to increment the user's counter, however many rows there are; those of an earlier epoch are refused, and swept afterwards.

-- +goose Up
ALTER TABLE users ADD COLUMN key_epoch       BIGINT NOT NULL DEFAULT 0; -- keys of an earlier epoch are invalidated
ALTER TABLE users ADD COLUMN keys_revoked_at BIGINT NOT NULL DEFAULT 0; -- when key_epoch was last incremented; 0: never
ALTER TABLE users ADD COLUMN first_key_epoch BIGINT NOT NULL DEFAULT 0; -- keys of an earlier epoch are those of a deleted user of this name
ALTER TABLE users ADD COLUMN session_epoch   BIGINT NOT NULL DEFAULT 0; -- sessions of an earlier epoch have ended
-- While rows of an earlier epoch wait for the sweep, sweeping is set and "sweeping: " precedes the text in roles: to a server
-- from before this migration, which knows no epochs, that is no list, so it refuses everything that concerns the user.
ALTER TABLE users ADD COLUMN sweeping BOOLEAN NOT NULL DEFAULT FALSE;
-- A deleted user with many rows stays, sweeping, until they are gone. The name can be taken meanwhile.
ALTER TABLE users ADD COLUMN deleted  BOOLEAN NOT NULL DEFAULT FALSE;
CREATE INDEX users_sweeping ON users (name) WHERE sweeping;

ALTER TABLE api_keys ADD COLUMN epoch BIGINT NOT NULL DEFAULT 0; -- a trigger sets it
ALTER TABLE sessions ADD COLUMN epoch BIGINT NOT NULL DEFAULT 0; -- a trigger sets it
CREATE INDEX api_keys_valid ON api_keys (user_name, epoch, id, expires_at) WHERE invalidated_at = 0;
