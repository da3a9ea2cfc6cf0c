# The workflow with what it needs on a CPU, torch without CUDA; a run's folder is mounted at /data.
#   docker run --rm -v "$PWD:/data" --user "$(id -u):$(id -g)" IMAGE --cores 4
FROM python:3.11-slim

# lightgbm, with which texts are classified, links to the system's OpenMP
RUN apt-get update && apt-get install --yes --no-install-recommends libgomp1 \
    && rm -rf /var/lib/apt/lists/*

ARG PIP_OPTIONS="--extra-index-url https://download.pytorch.org/whl/cpu"
COPY . /emovec
RUN pip install --no-cache-dir $PIP_OPTIONS --constraint /emovec/requirements.lock \
    "/emovec[models,workflow]"

# caches of whoever runs it, who may have no entry in the list of users
ENV HOME=/tmp USER=emovec
WORKDIR /data
ENTRYPOINT ["snakemake", "--snakefile", "/emovec/Snakefile"]
CMD ["--cores", "all"]
