import shutil

import pytest

from segda_mm.testing.toy_job import write_toy_job


@pytest.fixture
def toy_config(tmp_path):
    return write_toy_job(tmp_path)


@pytest.fixture
def browser():
    """Headless Chromium, where it is installed."""
    webdriver = pytest.importorskip('selenium.webdriver')
    if not shutil.which('chromedriver'):
        pytest.skip('no chromedriver; `apt-get install chromium chromium-driver`')
    options = webdriver.ChromeOptions()
    for option in ('--headless=new', '--no-sandbox', '--disable-gpu'):
        options.add_argument(option)
    options.set_capability('goog:loggingPrefs', {'browser': 'ALL'})
    service = webdriver.ChromeService(shutil.which('chromedriver'))
    driver = webdriver.Chrome(options=options, service=service)
    yield driver
    driver.quit()
