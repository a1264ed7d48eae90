# What the room tracking.comparison offers to the others; everything else in it is its own.

from .comparison import compare as compare
from .comparison_text import comparison_csv as comparison_csv
from .comparison_text import comparison_markdown as comparison_markdown
from .comparison_text import comparison_table as comparison_table
from .comparison_text import remarks as remarks
from .reader import open_store as open_store
from .reader import read_studies as read_studies
from .reader import read_validation as read_validation
