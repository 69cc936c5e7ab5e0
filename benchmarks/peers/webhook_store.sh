#!/bin/sh
# What adnanh/webhook runs for each event: one row, on the disk before it ends. Arguments: the delivery's name, the body.
exec sqlite3 -cmd ".timeout 30000" "$BENCH_DATABASE" "INSERT INTO events (nonce, body) VALUES ('$1', CAST('$(printf %s "$2" | sed "s/'/''/g")' AS BLOB));"
