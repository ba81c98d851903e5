# The one image of Questlog: every service of docker-compose.yml is a command in it.
FROM python:3.11.13-slim-bookworm AS locked

WORKDIR /opt/questlog
COPY .ci/uv.txt .ci/uv.txt
RUN python -m venv .uv \
    && .uv/bin/pip install --no-cache-dir --require-hashes --no-deps -r .ci/uv.txt
COPY pyproject.toml uv.lock README.md LICENSE ./
RUN .uv/bin/uv sync --locked --no-dev --no-install-project --compile-bytecode \
    --no-cache --python /usr/local/bin/python
COPY . .
RUN .uv/bin/uv sync --locked --no-dev --compile-bytecode --no-cache && rm -rf .uv

FROM python:3.11.13-slim-bookworm

# LightGBM is linked against OpenMP, which the slim image leaves out
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libgomp1 \
    && rm -rf /var/lib/apt/lists/*
# a new volume takes owner and folders from here, so that nobody needs to be root
RUN useradd --uid 10001 --no-create-home --home-dir /tmp questlog \
    && for folder in log vault models dbt pages/dbt pages/data-docs; do \
        install -d -m 0750 -o questlog -g questlog "/var/lib/questlog/$folder"; done \
    && chown questlog:questlog /var/lib/questlog /var/lib/questlog/pages \
    && install -d -m 0750 -o questlog -g questlog \
        /var/lib/airflow-logs /var/lib/airflow-login \
    # read by Alertmanager, which is a user of its own
    && install -d -m 0755 -o questlog -g questlog /var/lib/alerting
COPY --from=locked /opt/questlog /opt/questlog

ENV PATH=/opt/questlog/.venv/bin:$PATH \
    PYTHONPATH=/opt/questlog \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/tmp \
    QUESTLOG_HOME=/var/lib/questlog
WORKDIR /opt/questlog
USER questlog
ENTRYPOINT ["questlog"]
CMD ["--help"]
