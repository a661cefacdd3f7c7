# The runner in a container: locked packages, code that it cannot change, one folder that it can.
#
# compose.yaml runs it, docs/docker.md says how; or by hand:
#
#   docker build -t auto_trading .
#   docker run -d --name auto_trading --restart unless-stopped --stop-timeout 20 \
#     --read-only --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges \
#     -v auto_trading:/ctx -v auto_trading_journal:/journal \
#     -v "$PWD/conf.json:/app/conf.json:ro" --env-file .env auto_trading
#   docker exec auto_trading auto_trading status
#
# Without keys it trades on paper. The host's clock may be wrong, its disk may not lie.

ARG PYTHON=3.13
FROM python:${PYTHON}-slim-trixie AS build
COPY requirements.lock /
RUN python3 -m venv /venv \
    && /venv/bin/python -m pip install -qq --no-cache-dir --disable-pip-version-check \
        --require-hashes -r /requirements.lock \
    && /venv/bin/python -m pip uninstall -qq --yes pip

FROM python:${PYTHON}-slim-trixie
RUN groupadd --gid 10001 trader \
    && useradd --uid 10001 --gid 10001 --no-create-home --shell /usr/sbin/nologin trader \
    && install --directory --owner 10001 --group 10001 --mode 0700 /ctx /journal \
    && printf '#!/bin/sh\ncd /app && exec /venv/bin/python auto_trading.py --ctx /ctx "$@"\n' \
        >/usr/local/bin/auto_trading \
    && chmod 755 /usr/local/bin/auto_trading
COPY --from=build /venv /venv
WORKDIR /app
COPY . .
RUN /venv/bin/python -m compileall -q auto_trading.py lib bots

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 HEARTBEAT_FILE=/tmp/heartbeat
USER 10001:10001
VOLUME ["/ctx", "/journal"]
STOPSIGNAL SIGTERM
# The running loop answers: it turns, saves complete, the exchange is heard. Nobody restarts what is
# unhealthy; a runner that hangs ends itself after a minute, which HEARTBEAT_FILE turns on.
HEALTHCHECK --interval=60s --timeout=20s --start-period=180s --retries=2 \
    CMD ["/venv/bin/python", "auto_trading.py", "--ctx", "/ctx", "status", "--health"]
ENTRYPOINT ["/venv/bin/python", "auto_trading.py", "--ctx", "/ctx"]
