# The web server and the worker in one image. `docker build .` runs on any machine;
# `docker build --build-arg DEVICE=cuda .` asks for a GPU and fails with a sentence where there is none.
# `--build-arg EXTRAS="export s3"` keeps objects in a bucket as well.
# Run:  docker run -p 8501:8501 -v bgad:/data IMAGE            (web and worker together)
#       docker run -v bgad:/data IMAGE bgad-inspect worker     (a worker alone, beside another's web server)
ARG PYTHON=3.11-slim-bookworm

FROM python:${PYTHON} AS build
WORKDIR /opt/bgad-inspect
RUN python -m venv /venv
ARG EXTRAS="export"
COPY requirements*.lock requirements*.txt ./
ENV HASHED="--no-cache-dir --require-hashes --no-build-isolation --only-binary :all: --no-binary FrEIA"
RUN /venv/bin/pip install $HASHED -r requirements-build.lock && /venv/bin/pip install $HASHED -r requirements.lock \
    $(for extra in $EXTRAS; do echo -r requirements-$extra.lock; done)
COPY pyproject.toml README.md LICENSE ./
COPY bgad_core bgad_core
COPY storage storage
COPY app app
COPY .streamlit .streamlit
RUN /venv/bin/pip install --no-cache-dir --no-build-isolation --no-deps -e .

# `docker build --target serve .`: bundles over HTTP, without torch and without the tool.
# Run:  docker run -p 8600:8600 -v $PWD:/models IMAGE /models/screw.bgad --tokens /models/tokens.txt
FROM python:${PYTHON} AS serve
WORKDIR /opt/bgad-inspect
COPY requirements-build.lock requirements-serve.lock ./
RUN pip install --no-cache-dir --require-hashes --only-binary :all: -r requirements-build.lock -r requirements-serve.lock
COPY pyproject.toml README.md LICENSE requirements*.txt ./
COPY bgad_core bgad_core
COPY app app
RUN pip install --no-cache-dir --no-build-isolation --no-deps . && useradd --create-home --uid 10001 bgad
USER bgad
WORKDIR /home/bgad
EXPOSE 8600
ENTRYPOINT ["bgad-serve", "bundle", "--host", "0.0.0.0"]

FROM python:${PYTHON}
ARG DEVICE=auto
RUN useradd --create-home --uid 10001 bgad && mkdir /data && chown bgad /data
COPY --from=build /venv /venv
COPY --from=build /opt/bgad-inspect /opt/bgad-inspect
ENV PATH=/venv/bin:$PATH BGAD_HOME=/data BGAD_HOST=0.0.0.0 BGAD_PORT=8501 BGAD_DEVICE=${DEVICE} \
    NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility PYTHONUNBUFFERED=1
USER bgad
WORKDIR /home/bgad
VOLUME /data
EXPOSE 8501
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD python -c "import urllib.request as u; u.urlopen('http://127.0.0.1:8501/healthz', timeout=4)"
CMD ["bgad-inspect", "serve"]
