-- Schema version 3. Rows that are given out again say whether they are what was written: a checksum
-- over the other columns, by the function row_checksum (checksum.c).

ALTER TABLE event ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;
UPDATE event SET checksum = row_checksum(project, seq, at_ms, type, body, blob_id);

ALTER TABLE blob ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;
UPDATE blob SET checksum = row_checksum(project, blob_id, bytes);

ALTER TABLE reply ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;
UPDATE reply SET checksum =
    row_checksum(owner, key, at_ms, request_sha256, status, content_type, body);

ALTER TABLE token ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;
UPDATE token SET checksum =
    row_checksum(number, name, role, project, created_at_ms, expires_at_ms, sha256);

PRAGMA user_version = 3;
