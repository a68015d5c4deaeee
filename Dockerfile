# handspike in a container.
#
# It listens on 0.0.0.0:9844 only if you say so: the image brings no configuration of its own. Mount yours at
# /etc/handspike/streams.yaml, with
#
#     service:
#       listen: 0.0.0.0:9844
#       data_dir: /var/lib/handspike
#
# and give it a token (service.token_file, or HANDSPIKE_TOKEN in the environment), or write insecure: true; without
# either it refuses to listen beyond loopback, and a container's loopback can't be reached from outside.
#
#     docker build -t handspike .
#     docker run --read-only --tmpfs /tmp -p 127.0.0.1:9844:9844 -e HANDSPIKE_TOKEN \
#         -v ./streams.yaml:/etc/handspike/streams.yaml:ro -v /var/log:/var/log:ro -v handspike:/var/lib/handspike handspike
#
# Only /var/lib/handspike is written to (and ~/.cache in it). The logs must be readable for uid 10001; on Debian add
# --group-add 4 (adm).
#
# This build is not run in continuous integration: no container engine is available there.

FROM python:3.12-slim AS build
WORKDIR /src
RUN python -m venv /opt/handspike
COPY pyproject.toml README.md LICENSE ./
COPY parsers parsers
COPY service service
RUN /opt/handspike/bin/pip install --no-cache-dir --disable-pip-version-check .

FROM python:3.12-slim
RUN useradd --system --uid 10001 --home-dir /var/lib/handspike --create-home --shell /usr/sbin/nologin handspike
COPY --from=build /opt/handspike /opt/handspike
ENV PATH=/opt/handspike/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HANDSPIKE_CONFIG=/etc/handspike/streams.yaml
USER 10001:10001
WORKDIR /var/lib/handspike
VOLUME /var/lib/handspike
EXPOSE 9844
# /healthz needs no token, and answers to the Host header "localhost" wherever it listens.
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://localhost:9844/healthz', timeout=4)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["handspike"]
CMD ["serve"]
