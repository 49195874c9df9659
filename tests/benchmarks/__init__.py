import os
from pathlib import Path

from tests.support.compiled_code import compiled_code_folder

# Before numba is imported: its own cache would keep a loop whose imports have changed.
os.environ.setdefault("NUMBA_CACHE_DIR", str(compiled_code_folder(Path(__file__).resolve().parents[2])))
