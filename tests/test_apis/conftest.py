import pytest

from segda_mm.testing.toy_job import write_toy_job


@pytest.fixture
def toy_config(tmp_path):
    return write_toy_job(tmp_path)
