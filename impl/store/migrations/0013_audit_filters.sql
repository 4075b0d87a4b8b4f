-- +goose NO TRANSACTION
-- A page of the audit trail by actor, subject or event reads as many entries as it has. PostgreSQL builds the indexes
-- while others write, as in 0011.

-- +goose Up
DROP INDEX IF EXISTS audit_log_actor;
CREATE INDEX audit_log_actor ON audit_log (actor, at, id);
DROP INDEX IF EXISTS audit_log_subject;
CREATE INDEX audit_log_subject ON audit_log (subject, at, id);
DROP INDEX IF EXISTS audit_log_event;
CREATE INDEX audit_log_event ON audit_log (event, at, id);
