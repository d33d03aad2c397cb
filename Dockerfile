# Three images from one file: `docker build .` makes the API, `--target train` and `--target dashboard`
# the two others. `make image` builds and tries them. docs/image.md says what they hold.
ARG BASE=python:3.11-slim-bookworm

# What builds: pip, the backend of the wheel, and what takes symbols out. None of it stays.
FROM ${BASE} AS tools
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONHASHSEED=0
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends binutils \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /build
COPY locks/build.txt locks/
RUN python -m venv tools \
    && tools/bin/pip install --require-hashes --requirement locks/build.txt

FROM tools AS wheel
COPY pyproject.toml README.md LICENSE ./
COPY src src
COPY api api
RUN tools/bin/pip wheel --no-deps --no-build-isolation --wheel-dir wheels .

# An environment for each image: its locked packages first, which change less often than libelle.
FROM tools AS api-environment
COPY locks/api.txt locks/
RUN python -m venv --without-pip /opt/libelle \
    && tools/bin/pip --python /opt/libelle install --no-compile --require-hashes \
        --requirement locks/api.txt
COPY image/lean.py image/
COPY --from=wheel /build/wheels wheels
RUN tools/bin/pip --python /opt/libelle install --no-compile --no-index --no-deps wheels/*.whl \
    && python image/lean.py /opt/libelle

FROM tools AS train-environment
COPY locks/train.txt locks/
RUN python -m venv --without-pip /opt/libelle \
    && tools/bin/pip --python /opt/libelle install --no-compile --require-hashes \
        --requirement locks/train.txt
COPY image/lean.py image/
COPY --from=wheel /build/wheels wheels
RUN tools/bin/pip --python /opt/libelle install --no-compile --no-index --no-deps wheels/*.whl \
    && python image/lean.py /opt/libelle

FROM tools AS dashboard-environment
COPY locks/dashboard.txt locks/
RUN python -m venv --without-pip /opt/libelle \
    && tools/bin/pip --python /opt/libelle install --no-compile --require-hashes \
        --requirement locks/dashboard.txt
COPY image/lean.py image/
COPY --from=wheel /build/wheels wheels
RUN tools/bin/pip --python /opt/libelle install --no-compile --no-index --no-deps wheels/*.whl \
    && python image/lean.py /opt/libelle

# What the three have in common: a user, two places to write, and no pip.
FROM ${BASE} AS runtime
LABEL org.opencontainers.image.title="libelle" \
      org.opencontainers.image.description="Gives each short text its official code, with a guarantee on the error rate" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.base.name="docker.io/library/python:3.11-slim-bookworm"
RUN echo "libelle:x:10001:10001::/var/lib/libelle:/usr/sbin/nologin" >> /etc/passwd \
    && echo "libelle:x:10001:" >> /etc/group \
    && install --directory --owner=10001 --group=10001 /var/lib/libelle \
    && rm -rf /usr/local/bin/pip* /usr/local/lib/python3.11/site-packages/* \
        /usr/local/lib/python3.11/ensurepip
ENV PATH=/opt/libelle/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/tmp \
    LIBELLE_HOME=/var/lib/libelle \
    LIBELLE_HOST=0.0.0.0
WORKDIR /var/lib/libelle
USER 10001:10001
ENTRYPOINT ["libelle"]

FROM runtime AS train
COPY --from=train-environment /opt/libelle /opt/libelle
# Where numba keeps what it compiled; and the signal at which a training says that it stops.
ENV NUMBA_CACHE_DIR=/tmp/numba
STOPSIGNAL SIGINT
HEALTHCHECK NONE
CMD ["--help"]

FROM runtime AS dashboard
COPY --from=dashboard-environment /opt/libelle /opt/libelle
ENV LIBELLE_DASHBOARD_PORT=8001
EXPOSE 8001
HEALTHCHECK --start-period=60s --timeout=5s \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(f\"http://127.0.0.1:{os.environ['LIBELLE_DASHBOARD_PORT']}/health/live\", timeout=3)"]
CMD ["dashboard"]

FROM runtime AS api
COPY --from=api-environment /opt/libelle /opt/libelle
ENV LIBELLE_MODEL=/model \
    LIBELLE_PORT=8000 \
    LIBELLE_METRICS_PORT=9100
EXPOSE 8000 9100
HEALTHCHECK --start-period=60s --timeout=5s \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(f\"http://127.0.0.1:{os.environ['LIBELLE_PORT']}/health/live\", timeout=3)"]
CMD ["serve"]
