-- What a receiver needs that moves the job itself: the callback, the job, and the work it leads to.
CREATE TABLE jobs (id TEXT PRIMARY KEY, state TEXT NOT NULL, finished_at INTEGER);
CREATE TABLE events (
    id INTEGER PRIMARY KEY,
    job_id TEXT NOT NULL,
    nonce TEXT NOT NULL,
    body BLOB NOT NULL,
    received_at INTEGER NOT NULL,
    UNIQUE (job_id, nonce)
);
CREATE TABLE deliveries (
    id INTEGER PRIMARY KEY,
    job_id TEXT NOT NULL,
    state TEXT NOT NULL,
    due_at INTEGER NOT NULL
);
CREATE INDEX deliveries_due ON deliveries (due_at) WHERE state = 'due';
