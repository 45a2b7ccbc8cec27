"""How `make docs` builds the site.

The source folder is the repository: a link from a page to a file outside `docs` leads
to the same file in the repository and on the site.
"""

import segda_mm

project = 'Segda-MM'
author = 'The Segda-MM contributors'
project_copyright = author
release = segda_mm.__version__

extensions = ['myst_parser', 'sphinx.ext.autodoc', 'sphinx.ext.napoleon']
root_doc = 'docs/index'
include_patterns = ['*.md', 'docs/**.md', 'configs/**.md', 'studies/*.md']
# The first page says what README says.
exclude_patterns = ['README.md', 'docs/_build', '.*', 'data', 'work_dirs', 'tests']

# Links may end in a heading, `page.md#heading`.
myst_heading_anchors = 3

# Public names are those of a package's `__all__`.
autodoc_default_options = {'members': True, 'show-inheritance': True}
autodoc_member_order = 'bysource'
maximum_signature_line_length = 80

html_theme = 'furo'
html_title = f'{project} {release}'
html_copy_source = False
# The address of the site itself leads to its first page.
templates_path = ['_templates']
html_additional_pages = {'index': 'start.html'}
