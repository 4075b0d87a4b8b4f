-- Documents that may have become unreferenced, so that removing those that did does not begin with all keys.

-- +goose Up
-- A document is listed once per transaction after which a key may no longer refer to it. There is no unique key:
-- concurrent transactions that list the same document do not conflict.
CREATE TABLE document_candidates (
    document TEXT   NOT NULL,
    at       BIGINT NOT NULL
);
CREATE INDEX document_candidates_at ON document_candidates (at, document);
INSERT INTO document_candidates (document, at) SELECT id, 1 FROM documents;
