"""Packaging: what is installed, and the libraries it needs (pinned with digests in requirements.txt)."""

from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent


def version() -> str:
    """The version, read without importing the package."""
    for line in (HERE / "preserve" / "__init__.py").read_text(encoding="utf-8").splitlines():
        if line.startswith("__version__"):
            return line.split('"')[1]
    raise SystemExit("preserve/__init__.py does not say which version this is")


def shipped(folder: str) -> list[str]:
    """The files of a folder of the checkout that are installed beside the program."""
    return [f"{folder}/{path.name}" for path in sorted((HERE / folder).glob("*.*"))]


def pathways() -> list[tuple[str, list[str]]]:
    """Each pathway of the checkout as a folder that is installed beside the program."""
    found = sorted(path.parent.name for path in (HERE / "migrations").glob("*/pathway.toml"))
    folders = [f"migrations/{name}" for name in found]
    return [("share/preserve/migrations", shipped("migrations"))] + [
        (f"share/preserve/{folder}", shipped(folder)) for folder in folders
    ]


setup(
    name="preserve",
    version=version(),
    description="Disaster recovery and long-term preservation for government records",
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    python_requires=">=3.11",
    packages=find_packages(include=["preserve", "preserve.*"]),
    package_data={
        "preserve": ["*.md", "kit/*", "state/*.sql", "cli/locale/*/LC_MESSAGES/*", "cli/page/*.css", "py.typed"]
    },
    data_files=[
        ("share/preserve/policies", shipped("policies")),
        ("share/preserve/policies/standards", shipped("policies/standards")),
        ("share/preserve/policies/formats", shipped("policies/formats")),
        *pathways(),
    ],
    install_requires=[
        # Tables and mail are converted and measured by these, in the sandbox.
        "access-parser>=0.0.6",
        "bagit>=1.9,<2",
        "boto3>=1.44,<1.45",
        # These come with boto3 and minio as well; what is imported is named here all the same.
        "botocore>=1.44,<1.45",
        "certifi>=2025.1",
        "click>=8.1,<9",
        "compressed-rtf>=1.0.7",
        "cryptography>=44",
        "dbfread>=2.0.7",
        "jpylyzer>=2.2,<3",
        "minio>=7.2,<8",
        "numpy>=2",
        "ofdkit>=0.2,<0.3",
        "olefile>=0.47",
        "openpyxl>=3.1,<4",
        "pathspec>=1,<2",
        "pikepdf>=9.5",
        # Drills open documents with these two: who promises to look whether documents open has the readers.
        "pillow>=11",
        "prometheus-client>=0.21",
        "psycopg[binary]>=3.2,<4",
        "pyeclib>=1.8,<2",
        "pyarrow>=20",
        "pydantic>=2.9,<3",
        "pygfried>=2.2,<3",
        "pypdfium2>=4.30",
        "python-calamine>=0.4,<1",
        "python-oxmsg>=0.0.2",
        "rapidfuzz>=3.9,<4",
        "rich>=13",
        "selectolax>=1.0,<2",
        "tenacity>=9",
        "tinycss2>=1.4",
        "tzdata>=2025.1",
        "urllib3>=2.2,<3",
        # Web pages are laid out by this one, whose insides one converter looks at.
        "weasyprint>=70,<71",
        "xlrd>=2.0,<3",
    ],
    extras_require={
        "dask": ["distributed>=2025.1"],
    },
    entry_points={"console_scripts": ["preserve = preserve.__main__:main"]},
)
