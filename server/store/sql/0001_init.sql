-- Schema version 1. Run once, inside one transaction, on an empty database.

-- One row per change of a project: the log that everything else is computed from. Rows are only
-- ever appended. Large bytes live in `blob`, so reading the log never touches them.
CREATE TABLE event (
    -- Order of commit over all projects. Being the rowid, it makes appending write the table's end.
    position INTEGER PRIMARY KEY,
    -- The project changed.
    project TEXT NOT NULL CHECK (project <> ''),
    -- Number of the change within its project: 1, 2, 3 ... without gaps (store_tx_append checks).
    seq INTEGER NOT NULL CHECK (seq >= 1),
    -- When, by the wall clock, in milliseconds since 1970. For people; never used for order.
    at_ms INTEGER NOT NULL,
    -- What kind of change; text to the store.
    type TEXT NOT NULL CHECK (type <> ''),
    -- The change itself, JSON; text to the store.
    body TEXT NOT NULL,
    -- The bytes that belong to the change, a row of `blob`; NULL when there are none.
    blob_id TEXT CHECK (blob_id <> ''),
    -- The key by which everyone else names an event; `position` never leaves the store.
    UNIQUE (project, seq),
    FOREIGN KEY (project, blob_id) REFERENCES blob (project, blob_id)
) STRICT;

-- Bytes that belong to events: demonstrations as they were uploaded. Never changed.
CREATE TABLE blob (
    -- The project whose events refer to it.
    project TEXT NOT NULL CHECK (project <> ''),
    -- Its name within the project.
    blob_id TEXT NOT NULL CHECK (blob_id <> ''),
    -- The bytes, up to 64 MiB (STORE_BLOB_MAX_BYTES).
    bytes BLOB NOT NULL,
    PRIMARY KEY (project, blob_id)
) STRICT;

-- Answers given to requests with an Idempotency-Key, so that a retry gets the same bytes.
-- Written in the transaction of the change they answer.
CREATE TABLE reply (
    -- Who asked: the name of the token.
    owner TEXT NOT NULL,
    -- The Idempotency-Key.
    key TEXT NOT NULL,
    -- When it was stored, milliseconds since 1970; old rows are dropped by it.
    at_ms INTEGER NOT NULL,
    -- SHA-256 of method, path and body, in hex: the same key with another request is an error.
    request_sha256 TEXT NOT NULL,
    -- HTTP status of the answer.
    status INTEGER NOT NULL CHECK (status BETWEEN 100 AND 599),
    -- Its Content-Type; NULL without one.
    content_type TEXT,
    -- Its bytes; NULL without any.
    body BLOB,
    PRIMARY KEY (owner, key)
) STRICT;

-- For dropping old replies.
CREATE INDEX reply_by_age ON reply (at_ms);

-- 'AMFD': how a database of this program is told from any other.
PRAGMA application_id = 1095583300;
PRAGMA user_version = 1;
