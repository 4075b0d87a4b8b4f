-- SAML users are known by the format and the SPNameQualifier of their NameID too, not by its value alone.

-- +goose Up

-- name_id of a SAML user is now two spaces and the value. Where name_id_qualified is true, the format and the SPNameQualifier
-- follow, each after U+001F. A server of an earlier version looks for the value alone, which never begins with a space: it
-- finds none of these users, and so accepts no sign-in with a format that this version refuses.
UPDATE users SET name_id = '  ' || name_id WHERE realm <> '';

-- The check keeps a server of an earlier version from adding users that any format of the same value would find.
ALTER TABLE users ADD COLUMN name_id_qualified BOOLEAN NOT NULL DEFAULT FALSE CHECK (realm = '' OR name_id LIKE '  %');
