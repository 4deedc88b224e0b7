# One image for worker, beat, API, Flower and migrations; not root, no build tools.
# By digest: --build-arg PYTHON_IMAGE=python:3.13-slim@sha256:…, see SECURITY.md
ARG PYTHON_IMAGE=python:3.13-slim
FROM ${PYTHON_IMAGE} AS build
WORKDIR /app
COPY requirements.txt pyproject.toml README.md LICENSE celeryconfig.py docker-compose.yml Dockerfile ./
RUN python -m venv /venv && /venv/bin/pip install --no-cache-dir --require-hashes -r requirements.txt
COPY roadmap_start roadmap_start
COPY core core
COPY clients/python/src clients/python/src
COPY db db
COPY notifications notifications
COPY llm llm
COPY watching watching
COPY workflow workflow
COPY roadmaps roadmaps
COPY worker worker
COPY tasks tasks
COPY wiring wiring
COPY api api
COPY cli cli
COPY embedded embedded
COPY roadmap_worker roadmap_worker
COPY deploy deploy
RUN /venv/bin/pip install --no-cache-dir --no-deps .

FROM ${PYTHON_IMAGE}
RUN useradd --uid 10001 --create-home roadmap
COPY --from=build /venv /venv
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 ROADMAP_LOG_FORMAT=json
USER roadmap
WORKDIR /home/roadmap
EXPOSE 8000
CMD ["roadmap", "api", "--host", "0.0.0.0", "--port", "8000"]
