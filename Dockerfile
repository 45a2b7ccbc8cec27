# docker build -t segda .
# For a GPU: docker build -t segda --build-arg TORCH_INDEX=https://pypi.org/simple .
#
# BASE is any image with Python 3.10 to 3.13 and pip; a PyTorch that it has stays, as that
# of pytorch/pytorch. Otherwise PyTorch comes from TORCH_INDEX: its own index has builds for
# the CPU, and PyPI's brings CUDA along.
ARG BASE=python:3.12-slim
FROM ${BASE}
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu

ENV PIP_BREAK_SYSTEM_PACKAGES=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_ROOT_USER_ACTION=ignore \
    NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility

WORKDIR /opt/segda
COPY requirements/lock.txt requirements/
# The lock holds for all but PyTorch. OpenCV without windows needs no libraries of a desktop.
# hadolint ignore=DL3013
RUN sed -E -e '/^(torch|torchvision|triton)==|^(nvidia|cuda)-/d' \
        -e 's/^opencv-python(==.*)/&\nopencv-python-headless\1/' \
        requirements/lock.txt > constraints.txt \
    && python -m pip install --index-url "${TORCH_INDEX}" 'torch>=2.10' 'torchvision>=0.25'
COPY . .
# hadolint ignore=DL3013
RUN PIP_CONSTRAINT=constraints.txt python -m pip install '.[lite,export,eval]' \
    && python -m pip uninstall --yes opencv-python \
    && python -m pip install --no-deps --constraint constraints.txt opencv-python-headless

# Any user may be named with --user: the home is open, and nothing is installed there.
RUN useradd --create-home --uid 10001 segda && chmod 777 /home/segda
ENV HOME=/home/segda USER=segda
USER 10001
WORKDIR /work
ENTRYPOINT ["segda"]
CMD ["--help"]
