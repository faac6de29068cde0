# Two images from one file: the command (docker run ccpairs build --help), and what Flink and Dataflow run pipelines in.
#   docker build --tag ccpairs .                                                  the command
#   docker build --tag ccpairs --build-arg EXTRAS=cpu .                           the command: judge, train, evaluate too
#   docker build --tag ccpairs-worker --target worker .                           workers of build and refilter
#   docker build --tag ccpairs-judge --target worker --build-arg EXTRAS=cpu .     workers of judge
# Without EXTRAS an image holds no torch and no faiss. s3 and gs need no extra: Arrow reaches them. Several extras go by
# commas: EXTRAS=cpu,mteb. EXTRAS=gpu in place of cpu is for machines with NVIDIA's driver.
#
# Python and Beam must be the same versions in both, and on the machine that submits the job.
ARG PYTHON=3.11
ARG BEAM=2.77.0

FROM apache/beam_python${PYTHON}_sdk:${BEAM} AS beam

# lmplz and build_binary, which train language models; no package has them.
FROM python:${PYTHON}-slim AS kenlm
COPY scripts/build-kenlm /build-kenlm
RUN /build-kenlm /kenlm

FROM python:${PYTHON}-slim AS installed
ARG BEAM
# Extras of setup.py, comma-separated.
ARG EXTRAS=""
WORKDIR /src
COPY setup.py pyproject.toml README.md LICENSE ./
COPY ccpairs ccpairs
COPY pipelines pipelines
COPY filters filters
COPY models models
RUN pip install --no-cache-dir "apache-beam==${BEAM}" ".${EXTRAS:+[${EXTRAS}]}" && rm -rf /src/*

# The worker holds everything at start, so no machine of a cluster installs anything.
FROM installed AS worker
COPY --from=beam /opt/apache/beam /opt/apache/beam
# Without this the entry point makes a virtual environment for each worker that starts.
ENV RUN_PYTHON_SDK_IN_DEFAULT_ENVIRONMENT=1
WORKDIR /
# It stays root, as in Beam's own image: Dataflow mounts folders that only root may write.
ENTRYPOINT ["/opt/apache/beam/boot"]

FROM installed AS command
COPY --from=kenlm /kenlm/bin/ /usr/local/bin/
RUN useradd --create-home ccpairs
USER ccpairs
WORKDIR /home/ccpairs
ENTRYPOINT ["ccpairs"]
CMD ["--help"]
