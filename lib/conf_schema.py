"""The JSON Schema of conf.json, by which editors complete and check the file.

Names of bots are free, so which schema a section has is told by its `function` or, without one,
by its name being a module's. The dialect is draft 7, which editors know best.
"""

import copy
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from lib.bot_kinds import BotKind, find_all_bots
from lib.budget import Terms
from lib.conf import NAME, RunnerSettings

SCHEMA_FILE = Path(__file__).parent.parent / "conf.schema.json"


def schema_text() -> str:
    """The schema for all bots in bots/, as it stands in the file."""
    return json.dumps(schema(find_all_bots()), indent=2, ensure_ascii=False) + "\n"


def schema(kinds: Mapping[str, BotKind]) -> dict[str, Any]:
    """Describe both forms of conf.json for these kinds of bots, by the names of their modules."""
    confs = {module: kinds[module].conf_type for module in sorted(kinds)}
    models: list[type[BaseModel]] = [*dict.fromkeys(confs.values()), RunnerSettings, Terms]
    places, generated = models_json_schema(
        [(model, "validation") for model in models],
        ref_template="#/$defs/{model}",
    )
    definitions: dict[str, Any] = generated.get("$defs", {})
    terms = _definition(definitions, places[Terms, "validation"])["properties"]
    for module, conf in confs.items():
        settings = _definition(definitions, places[conf, "validation"])
        definitions[_ref(module)] = _section(module, settings, terms)
    runner = _definition(definitions, places[RunnerSettings, "validation"])
    definitions["list of bots"] = {"type": "array", "items": {"$ref": "#/$defs/bot"}}
    definitions["bot"] = _bot(tuple(confs))
    definitions["by function"] = _by_function(tuple(confs))
    definitions["runner"] = _runner(runner)
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "conf.json of auto_trading",
        "if": {"type": "array"},
        "then": {"$ref": "#/$defs/list of bots"},
        "else": {"$ref": "#/$defs/runner"},
        "$defs": dict(sorted(definitions.items())),
    }


def _ref(module: str) -> str:
    return f"section {module}"


def _definition(definitions: Mapping[str, Any], place: Mapping[str, Any]) -> dict[str, Any]:
    return copy.deepcopy(definitions[place["$ref"].removeprefix("#/$defs/")])


def _section(module: str, settings: dict[str, Any], terms: dict[str, Any]) -> dict[str, Any]:
    """A bot's section is its Conf and, beside it, the function and what is said of its money."""
    settings["title"] = module
    settings["properties"].update(terms)
    settings["properties"]["function"] = {"type": "string", "default": module}
    return settings


def _runner(settings: dict[str, Any]) -> dict[str, Any]:
    settings["title"] = "The runner's own settings, and the bots"
    settings["properties"]["$schema"] = {"type": "string"}
    settings["properties"]["bots"] = {"$ref": "#/$defs/list of bots"}
    settings["required"] = ["bots"]
    return settings


def _bot(modules: tuple[str, ...]) -> dict[str, Any]:
    """An object with one key; a module's name chooses the section unless `function` does."""
    return {
        "type": "object",
        "minProperties": 1,
        "maxProperties": 1,
        "propertyNames": {"pattern": f"^{NAME.pattern}$"},
        "properties": {
            module: {
                "if": {"required": ["function"]},
                "then": {"$ref": "#/$defs/by function"},
                "else": {"$ref": f"#/$defs/{_ref(module)}"},
            }
            for module in modules
        },
        "additionalProperties": {"$ref": "#/$defs/by function"},
    }


def _by_function(modules: tuple[str, ...]) -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["function"],
        "properties": {
            "function": {
                "anyOf": [
                    {"enum": list(modules)},
                    {"pattern": rf"^({'|'.join(modules)})\.[A-Za-z][A-Za-z0-9_]*$"},
                ],
                "type": "string",
            }
        },
        "allOf": [_when(module) for module in modules],
    }


def _when(module: str) -> dict[str, Any]:
    pattern = rf"^{module}(\.[A-Za-z][A-Za-z0-9_]*)?$"
    return {
        "if": {"required": ["function"], "properties": {"function": {"pattern": pattern}}},
        "then": {"$ref": f"#/$defs/{_ref(module)}"},
    }
