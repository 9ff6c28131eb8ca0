-- Schema version 2: access tokens, and replies owned by their ids.

-- Who may use the server. A row goes away when the token is revoked; numbers are never given
-- twice, so an id in a log stays the id of one token.
CREATE TABLE token (
    -- The token's number; its public id is "t" and ten digits of it. 0, the token of the file
    -- admin.token, has no row.
    number INTEGER PRIMARY KEY AUTOINCREMENT CHECK (number >= 1),
    -- What people call it.
    name TEXT NOT NULL CHECK (name <> ''),
    -- What it may do, such as "robot"; text to the store.
    role TEXT NOT NULL CHECK (role <> ''),
    -- The only project it may reach; NULL: all.
    project TEXT CHECK (project <> ''),
    -- When it was made, milliseconds since 1970.
    created_at_ms INTEGER NOT NULL,
    -- When it ends, milliseconds since 1970; NULL: never.
    expires_at_ms INTEGER,
    -- SHA-256 of its text. The text itself is nowhere.
    sha256 BLOB NOT NULL CHECK (length(sha256) = 32)
) STRICT;

-- From here on `reply.owner` is a token's id. Until now there was the token of the file alone, under
-- the name "admin".
UPDATE reply SET owner = 't0000000000' WHERE owner = 'admin';

PRAGMA user_version = 2;
