"""Bodies, heads and bytes made to break parsers: for the tests of single answers, and for the attack by the million."""

import gzip

GOOD = b'{"state":"succeeded"}'

DEEP = 30_000  # brackets; a body of 64 KiB holds no more of both

BROKEN = {
    "100k deep": b"[" * 65_000,
    "deep and closed": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "deep list in an object": b'{"a":' + b"[" * DEEP + b"]" * DEEP + b"}",
    "5000 digits": b'{"a":' + b"9" * 5000 + b"}",
    "NaN": b'{"a":NaN}',
    "Infinity": b'{"a":-Infinity}',
    "BOM": b"\xef\xbb\xbf" + GOOD,
    "UTF-16": GOOD.decode().encode("utf-16"),
    "UTF-16 without a mark": GOOD.decode().encode("utf-16-le"),
    "UTF-32": GOOD.decode().encode("utf-32"),
    "not UTF-8": b'{"a":"\xff\xfe"}',
    "overlong UTF-8": b'{"a":"\xc0\xaf"}',
    "surrogates in UTF-8": b'{"a":"\xed\xa0\x80"}',
    "NUL": b"\0" * 100,
    "NUL after": GOOD + b"\0",
    "single quotes": b"{'a': 1}",
    "trailing comma": b'{"a":1,}',
    "comment": b'{"a":1} // x',
    "raw newline in a string": b'{"a":"\n"}',
    "gzip without saying so": gzip.compress(GOOD),
    "form": b"a=1&b=2",
    "XML": b"<?xml version='1.0'?><a/>",
}

ODD = {
    "lone surrogate": b'{"a":"\\ud800","state":"succeeded"}',
    "NUL escaped": b'{"a":"\\u0000"}',
    "4000 digits": b'{"a":' + b"9" * 4000 + b"}",
    "beyond 64 bits": b'{"credits":9223372036854775808}',
    "1e999": b'{"a":1e999}',
    "the same key twice": b'{"state":"failed","state":"succeeded"}',
    "many keys": b"{" + b",".join(b'"k%d":1' % number for number in range(5000)) + b"}",
    "prototype": b'{"__proto__":{"a":1},"constructor":{}}',
    "SQL": b'{"a":"\'); DROP TABLE inbox; --"}',
    "empty": b"{}",
    "white space around": b" \t\r\n{} \n",
}

HEADS = {
    "NUL in a value": b"X-A: a\0b",
    "NUL in a name": b"X\0A: b",
    "no colon": b"X-A",
    "space before the colon": b"X-A : b",
    "folded": b"X-A: b\r\n c",
    "bare CR": b"X-A: b\rX-B: c",
    "value of 10 kB": b"X-A: " + b"a" * 10_000,
    "100 headers": b"\r\n".join(b"X-%d: a" % number for number in range(100)),
    "control character": b"X-A: \x01\x7f",
    "two hosts": b"Host: evil.example",
    "upgrade": b"Connection: upgrade\r\nUpgrade: websocket",
    "upgrade to HTTP/2": b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__",
    "two lengths": b"Content-Length: 3",
    "bytes that are not UTF-8": b"X-A: \xff\xfe\x80",
    "a nonce that is not UTF-8": b"X-Nonce: \xff",
    "an underscore for a hyphen": b"X_Mac: " + b"0" * 64,
    "an odd expectation": b"Expect: 200-ok",
    "an odd connection": b"Connection: \xff, close",
    "an odd content type": b"Content-Type: ;;;\xff=\0"[:-1],
    "cookies": b'Cookie: a=\xff; $Path=/; "',
}

NOT_HTTP = {
    "TLS": bytes.fromhex("16030100f8010000f40303") + bytes(200),
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "SSH": b"SSH-2.0-OpenSSH_9.2\r\n",
    "Redis": b"*1\r\n$4\r\nPING\r\n",
    "nothing but line ends": b"\r\n" * 50 + b"\r\nx\r\n\r\n",
    "HTTP/0.9": b"POST /callbacks/signer/x\r\n\r\n",
    "a version of tomorrow": b"GET / HTTP/9.9\r\n\r\n",
    "a line without an end": b"GET /" + b"a" * 20_000,
    "a target that is not UTF-8": b"GET /\xff\xfe HTTP/1.1\r\nHost: a\r\n\r\n",
    "a target with a NUL": b"GET /callbacks/signer/\0 HTTP/1.1\r\nHost: a\r\n\r\n",
    "a target with a bracket": b"GET http://[::1 HTTP/1.1\r\nHost: a\r\n\r\n",
    "a target with a huge port": b"GET http://a:99999999999/ HTTP/1.1\r\nHost: a\r\n\r\n",
    "CONNECT": b"CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\n\r\n",
    "CONNECT below callbacks": b"CONNECT /callbacks/a/b HTTP/1.1\r\nHost: a\r\n\r\n",
    "a method of our own": b"RUSH / HTTP/1.1\r\nHost: a\r\n\r\n",
}
