"""Read a policy from its author's TOML, strictly: what is unknown, missing, malformed or contradictory is told.

Each mistake comes with its line, the reason and the remedy.
"""

from __future__ import annotations

import hashlib
from typing import Any

from pydantic import ValidationError
from pydantic.json_schema import GenerateJsonSchema

from preserve.definitions.contradictions import contradictions
from preserve.definitions.key_mistakes import raise_if_any
from preserve.definitions.policy_mistakes import mistakes
from preserve.definitions.policy_text import PolicyText
from preserve.definitions.policy_values import policy_from
from preserve.definitions.toml_lines import line_of, lines_of_keys
from preserve.definitions.toml_mistakes import toml
from preserve.errors import Misused
from preserve.model.calendars import never_closes
from preserve.model.complaints import ComplaintList
from preserve.model.policy import Policy

SCHEMA_ID = "urn:preserve:policy-schema:1"


def read_policy(text: str, file: str) -> Policy:
    """The policy that `text` (TOML) defines; `file` is its name, for messages.

    Raises `Misused` with all that is wrong, each with its line, and what is wanted instead.
    """
    plain = toml(text, file)
    lines = lines_of_keys(text)
    template = "{file} is not a policy, for {count} reasons:\n{complaints}"
    try:
        PolicyText.model_validate(plain)
    except ValidationError as error:
        raise_if_any(mistakes(error, lines, file), file, template)
        raise AssertionError("a validation error that says nothing") from error
    complaints = ComplaintList()
    for contradiction in contradictions(plain):
        line = line_of(contradiction.path, lines)
        complaints.add(
            contradiction.code,
            ".".join(map(str, contradiction.path)),
            contradiction.template,
            file=file,
            line=line,
            **contradiction.values,
        )
    raise_if_any(complaints, file, template)
    return policy_from(plain, hashlib.sha256(text.encode()).hexdigest())


def read_new_policy(text: str, file: str) -> Policy:
    """The policy that `text` defines, where it is to be registered now: held also to what older ones need not keep,
    which have to stay readable when a home is rebuilt.

    Raises `Misused` as `read_policy` does.
    """
    policy = read_policy(text, file)
    windows = {
        "backup": policy.backup.window if policy.backup is not None else None,
        "migration": policy.migration.window if policy.migration is not None else None,
    }
    for table, window in windows.items():
        if window is not None and never_closes(window):
            raise Misused(
                "{file}, line {line}: window {window} begins when it ends; leave it out where work may go on all day,"
                " or write another end",
                file=file,
                line=line_of((table, "window"), lines_of_keys(text)),
                window=window,
            )
    return policy


def policy_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of a policy, for editors that check TOML while it is typed.

    It knows forms and bounds; contradictions between keys only `preserve policy check` finds.
    """
    return {
        "$schema": GenerateJsonSchema.schema_dialect,
        "$id": SCHEMA_ID,
        **PolicyText.model_json_schema(by_alias=True),
        "title": "preserve policy",
    }
