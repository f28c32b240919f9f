"""Is a secret noticed before it is kept for ever, and nothing else taken for one?"""

from __future__ import annotations

import pytest

from preserve.model.secrets import secret_in


@pytest.mark.parametrize(
    "text",
    [
        "pg_dump postgresql://ann:s3cret@db/registry",
        "s3://bucket/p?endpoint=https://key:s3cret@host",
        "env PGPASSWORD=s3cret pg_dump registry",
        "MYSQL_PWD='s3cret' mysqldump registry",
        "mysqldump -u root -ps3cret registry",
        "mariadb-dump -ps3cret --all-databases",
        "x --password=s3cret",
        "x --db-password s3cret",
        "x -password s3cret",
        "DB_PASS=s3cret dump",
        "pg_dump 'host=db sslpassword=s3cret'",
        "curl -u ann:s3cret https://host/dump",
        "curl --user=ann:s3cret https://host/dump",
        "curl -H 'Authorization: Bearer s3cret' https://host/dump",
        "curl https://host/dump?api_key=s3cret&x=1",
        "curl https://host/dump?X-Amz-Signature=5ec2e7",
        "aws_secret_access_key=s3cret aws s3 cp s3://a/b -",
    ],
)
def test_what_is_a_secret_is_found_and_nothing_beside_it(text: str) -> None:
    assert str(secret_in(text)).strip("'") in ("s3cret", "5ec2e7")


@pytest.mark.parametrize(
    "text",
    [
        "pg_dump --no-password registry",
        "pg_dump -w -Fc registry",
        "pg_dump postgresql://ann@db:5432/registry",
        "mysqldump --defaults-extra-file=/etc/preserve/registry.cnf --port 3306 -P 3306 registry",
        "x --password-file=/etc/preserve/registry.secret",
        'x --password="$REGISTRY_PASSWORD"',
        "x --password $(cat /etc/preserve/registry.secret)",
        "curl -u ann:$PASSWORD https://host/dump",
        "curl -H @/etc/preserve/header https://host/dump",
        "sudo -u postgres pg_dump registry",
        "x --bypass=1 --compass=north",
        "s3://bucket/passwords/token?endpoint=https://host:9000",
    ],
)
def test_what_says_where_a_secret_lies_is_none(text: str) -> None:
    assert secret_in(text) is None
