# Rushes in a container: one process, not root, that writes to /data and nowhere else.
#
#   docker build -t rushes .
#   docker run --rm rushes demo --output /tmp        needs nothing set up
#   docker run -d --name rushes --env-file .env -p 127.0.0.1:8080:8080 -v rushes:/data \
#     --read-only --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges \
#     --stop-timeout 30 --restart unless-stopped rushes
#
# It runs from source: the hashed requirements in a venv, our packages on PYTHONPATH. Nothing is built, so nothing
# but the requirements is downloaded, and a change of ours rebuilds no requirement.
#
# The tag moves with Python's patch releases. To hold it still, look up its digest with
#   docker buildx imagetools inspect python:3.11-slim
# and write python:3.11-slim@sha256:<digest> here. Dependabot then proposes the newer ones.
FROM python:3.11-slim AS base

FROM base AS build
RUN ["python", "-m", "venv", "/venv"]
COPY requirements.txt /build/requirements.txt
RUN ["/venv/bin/pip", "install", "--no-cache-dir", "--disable-pip-version-check", \
     "--only-binary=:all:", "--require-hashes", "--requirement", "/build/requirements.txt"]
RUN ["/venv/bin/pip", "uninstall", "--yes", "--disable-pip-version-check", "setuptools", "pip"]
COPY LICENSE /app/LICENSE
COPY bot /app/bot
COPY jobs /app/jobs
COPY providers /app/providers
COPY rushes /app/rushes
COPY sandbox /app/sandbox
COPY storage /app/storage
COPY webhooks /app/webhooks
# Compiled here, because the program may not write there; unchecked, because an image does not change.
RUN ["python", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", "/app"]
RUN ["install", "--directory", "--mode=0700", "/empty"]

FROM base
COPY --from=build /venv /venv
COPY --from=build /app /app
# A new volume takes over this folder's owner and mode. A folder of the host must be given to 10001 by hand.
COPY --from=build --chown=10001:10001 /empty /data
ENV PATH=/venv/bin:$PATH \
    PYTHONPATH=/app \
    PYTHONSAFEPATH=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOST=0.0.0.0 \
    PORT=8080 \
    DATABASE_URL=sqlite+aiosqlite:////data/rushes.db \
    MEDIA_DIR=/data/media
# From here data/rushes.db and data/media, the defaults, are the volume too: an .env that leaves them empty is right.
WORKDIR /
VOLUME ["/data"]
USER 10001:10001
EXPOSE 8080
STOPSIGNAL SIGTERM
# /healthz says that the process runs and answers. Not /readyz: a restart mends no outage of Discord.
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import http.client, os, sys; \
c = http.client.HTTPConnection('127.0.0.1', int(os.environ.get('PORT') or 8080), timeout=4); \
c.request('GET', '/healthz'); sys.exit(c.getresponse().status != 200)"]
ENTRYPOINT ["python", "-m", "rushes"]
CMD ["run"]
