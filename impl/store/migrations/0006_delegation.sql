-- The role of the user that set a password, since when a user holds ECE's roles, and API keys without a certain owner.

-- +goose Up
ALTER TABLE users ADD COLUMN password_set_by TEXT NOT NULL DEFAULT ''; -- '': unknown; a trigger sets it where password_hash changes
ALTER TABLE users ADD COLUMN tenure          TEXT NOT NULL DEFAULT ''; -- a JSON object, or '' for a user that was never promoted

-- The ids of the audit trail are ordered by time.
UPDATE users SET password_set_by = found.setter FROM (
    SELECT a.subject AS name, CASE
        WHEN a.actor = a.subject THEN 'user'
        WHEN a.actor IN ('(system)', '(command line)') THEN 'operator'
        WHEN EXISTS (SELECT 1 FROM users u WHERE u.name = a.actor AND u.roles LIKE '%"ece_platform_admin"%') THEN 'administrator'
        ELSE 'other' END AS setter
    FROM audit_log a JOIN (SELECT MAX(id) AS id FROM audit_log WHERE event IN ('user.created', 'user.password_changed') GROUP BY subject) newest
        ON newest.id = a.id
) AS found WHERE users.name = found.name;

-- Keys for which the audit trail does not show for certain which user made them. The log reports them to operators.
CREATE TABLE doubtful_api_keys (
    key_id TEXT NOT NULL PRIMARY KEY REFERENCES api_keys (id) ON DELETE CASCADE
);

-- Work on the records that a program does once, after the migrations, and that SQL cannot.
CREATE TABLE pending_repairs (
    name TEXT NOT NULL PRIMARY KEY
);
INSERT INTO pending_repairs (name) SELECT 'api_key_makers' WHERE EXISTS (SELECT 1 FROM api_keys);
