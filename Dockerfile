# The image that runs rayingest, alone or as a node of a Ray cluster (head, worker, submitter).
#
#     python -m pip wheel --no-deps --wheel-dir dist .
#     docker build --build-arg RAY_VERSION=2.60.0 --tag rayingest .
#     docker run --rm --volume "$PWD:/work" --env-file .env rayingest run config.yaml
#
# Ray and Python must be the same on every node of a cluster: both are pinned here.
ARG PYTHON_VERSION=3.12
FROM python:${PYTHON_VERSION}-slim AS build

ARG RAY_VERSION=2.60.0
ARG EXTRAS=all

ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/rayingest
COPY dist/*.whl /tmp/wheels/
RUN set -eu; \
    wheel=$(ls /tmp/wheels/rayingest-*.whl); \
    /opt/rayingest/bin/pip install "${wheel}[${EXTRAS}]" "ray[default]==${RAY_VERSION}"; \
    /opt/rayingest/bin/pip uninstall --yes pip

FROM python:${PYTHON_VERSION}-slim

LABEL org.opencontainers.image.title="rayingest" \
      org.opencontainers.image.licenses="Apache-2.0"

# 1000 is what Kubernetes manifests of Ray clusters expect; a number, so that runAsNonRoot can tell.
RUN useradd --uid 1000 --create-home --shell /usr/sbin/nologin rayingest \
 && mkdir /work /state && chown rayingest /work /state
COPY --from=build /opt/rayingest /opt/rayingest
# Ray's Kubernetes operator starts a login shell, which forgets the PATH of the image.
RUN echo 'export PATH=/opt/rayingest/bin:$PATH' > /etc/profile.d/rayingest.sh

ENV PATH=/opt/rayingest/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    RAY_USAGE_STATS_ENABLED=0 \
    XDG_STATE_HOME=/state

USER 1000
WORKDIR /work
VOLUME /state
ENTRYPOINT ["rayingest"]
CMD ["--help"]
