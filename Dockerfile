FROM node:24-slim AS web
WORKDIR /app/web
COPY web ./
RUN npm ci --omit=dev --no-audit --no-fund && npm run build

FROM python:3.12-slim AS build
WORKDIR /app
RUN python -m venv .venv
COPY requirements.lock ./
RUN .venv/bin/pip install --no-cache-dir --no-deps --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY server server
COPY --from=web /app/server/dist server/dist
COPY personas personas
COPY ratelimit ratelimit
COPY client client
RUN .venv/bin/pip install --no-cache-dir --no-deps --no-index --no-build-isolation .

FROM python:3.12-slim
RUN useradd --system --uid 10001 --no-create-home parley && install --directory --owner=parley /data
COPY --from=build /app/.venv /app/.venv
# Inside a container, loopback is nobody's address but its own.
ENV PATH=/app/.venv/bin:$PATH PARLEY_DATA=/data PARLEY_LISTEN=0.0.0.0:8000 PYTHONUNBUFFERED=1
USER parley
WORKDIR /data
VOLUME /data
EXPOSE 8000
HEALTHCHECK --start-period=30s --interval=10s --timeout=5s \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
ENTRYPOINT ["parley"]
CMD ["serve"]
