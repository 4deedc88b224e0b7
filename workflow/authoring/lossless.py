"""Looks at a type once: do its values surely come back from their JSON, or surely not?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pydantic import TypeAdapter

_SURE: Final = {
    name: frozenset(keys.split()) | {"type", "metadata", "ref"}
    for name, keys in {
        "str": "",
        "int": "",
        "float": "",
        "bool": "",
        "none": "",
        "literal": "expected",
        "nullable": "schema",
        "default": "schema default default_factory default_factory_takes_data",
        "list": "items_schema",
        "dict": "keys_schema values_schema",
        "model": "cls schema config root_model custom_init generic_origin",
        "model-fields": "fields model_name computed_fields extra_behavior",
        "model-field": "schema frozen",
        "dataclass": "cls schema config fields frozen slots post_init generic_origin",
        "dataclass-args": "fields dataclass_name computed_fields collect_init_only",
        "dataclass-field": "schema name init kw_only frozen",
        "definitions": "definitions schema",
        "definition-ref": "schema_ref",
    }.items()
}
"""What of pydantic's own schemas comes back surely, if it has no other keys than these."""
_SURE_SETTINGS: Final = frozenset({"title", "frozen", "extra_fields_behavior"})
_FIELDS: Final = frozenset({"model-field", "dataclass-field", "typed-dict-field"})
_OWN_WAYS: Final = frozenset({"function-before", "function-wrap", "function-plain"})
_WHOLE: Final = _FIELDS | {
    *("model", "model-fields", "dataclass", "dataclass-args", "typed-dict", "is-subclass"),
}
"""Schemas of which each value holds one of each schema in them."""
_NO_SCHEMAS: Final = frozenset({"metadata", "default", "expected", "config", "serialization"})


class Lossless:
    """What can be told of a type without any value of it.

    Attributes:
        problem: Why none of its values comes back, as `it holds …`; None where some may.
        strict: Whether something is a list or a tuple says something, as it may be both.
        plain: Somewhere the annotation says `Any`, and plain data is all that can be expected back.
    """

    def __init__(self, adapter: TypeAdapter[Any]) -> None:
        """Look at a type."""
        self.problem: str | None = None
        self.strict = False
        self.plain = False
        self._sure = True
        self._classes: set[type] = set()
        self._look(adapter.core_schema, by_name=False, read=True, written=True, there=True)

    @property
    def sure(self) -> bool:
        """All of its values come back; one of a class that was derived since might lose fields."""
        return self._sure and not any(type.__subclasses__(each) for each in self._classes)

    def _look(self, node: Any, **ways: bool) -> None:
        """Look at a schema, or at what holds some, and at all in it.

        Args:
            node: The schema.
            ways: Fields are read by their names, too (`by_name`); what is read (`read`), and what
                is written (`written`), is so without the author's own functions; each value of
                the type has one of this schema in it (`there`).
        """
        if isinstance(node, list | tuple):
            for each in node:
                self._look(each, **ways)
        if not isinstance(node, dict):
            return
        kind = node.get("type")
        if isinstance(kind, str):
            ways["there"] = ways["there"] and kind in _WHOLE and "serialization" not in node
            self._note(kind, node, written=ways["written"], there=ways["there"] and ways["read"])
            if isinstance(settings := node.get("config"), dict):
                by_name = settings.get("validate_by_name", settings.get("populate_by_name"))
                ways["by_name"] = bool(by_name)
            ways["read"] = ways["read"] and kind not in _OWN_WAYS
            wrote = (node.get("serialization") or {}).get("type")
            ways["written"] = ways["written"] and wrote != "function-plain"
        for name, each in node.items():
            if name in _NO_SCHEMAS and isinstance(kind, str):
                continue
            if ways["read"] and isinstance(each, dict) and each.get("type") in _FIELDS:
                self._tell(_one_way(name, each, by_name=ways["by_name"]))
            self._look(each, **ways)

    def _note(self, kind: str, node: Mapping[str, Any], *, written: bool, there: bool) -> None:
        """Keep what a schema says of itself."""
        self._sure = self._sure and _is_sure(kind, node)
        if kind in {"model", "dataclass"}:
            self._classes.add(node["cls"])
        if kind == "union":
            self.strict = self.strict or {"list", "tuple"} <= set(_kinds(node["choices"]))
        self.plain = self.plain or kind == "any"
        if kind == "generator":
            self._tell("it holds an `Iterable`, which can be read only once; annotate it as a list")
        if kind == "is-subclass" and there:
            self._tell("it holds a class, which is no value; let it hold the class's name")
        if written and _is_secret(node):
            self._tell(
                "it holds a secret, of which only a mask would be stored; let it hold the secret's"
                " name, and look the secret up where it is used"
            )

    def _tell(self, problem: str | None) -> None:
        self.problem = self.problem or problem


def _is_sure(kind: str, node: Mapping[str, Any]) -> bool:
    return (
        node.keys() <= _SURE.get(kind, frozenset())
        and (node.get("config") or {}).keys() <= _SURE_SETTINGS
        and (kind != "dict" or node.get("keys_schema") == {"type": "str"})
        and not any(node.get(name) for name in ("computed_fields", "custom_init", "post_init"))
        and node.get("init") is not False
        and "allow" not in {node.get("extra_behavior"), _extra(node)}
    )


def _kinds(choices: Iterable[Any]) -> Iterable[str]:
    """Return the kinds of schemas that a union chooses among; some have a label beside them."""
    for choice in choices:
        yield (choice[0] if isinstance(choice, tuple) else choice)["type"]


def _extra(node: Mapping[str, Any]) -> Any:
    return (node.get("config") or {}).get("extra_fields_behavior")


def _is_secret(node: Mapping[str, Any]) -> bool:
    wrote = (node.get("serialization") or {}).get("function")
    return getattr(wrote, "__name__", "") == "_serialize_secret_field"  # pydantic's own


def _one_way(name: str, field: Mapping[str, Any], *, by_name: bool) -> str | None:
    """Return that a field is not read by the name by which it is written; None if it is."""
    if field["schema"].get("type") == "default" or field.get("required") is False:
        return None
    alias = field.get("validation_alias")
    written, read = field.get("serialization_alias", name), set(_read_by(alias))
    if alias is None or by_name:
        read.add(name)
    if field.get("serialization_exclude"):
        return f"its field {name!r} has to be there and is never stored; take out `exclude`"
    if written in read:
        return None
    ways = " or ".join(repr(each) for each in sorted(read)) or repr(alias)
    return (
        f"its field {name!r} would be stored as {written!r} and read as {ways}; give it one name"
        " for both, as `alias=` does"
    )


def _read_by(alias: Any) -> Iterable[str]:
    """Return the names of an alias at which the value itself stands."""
    if isinstance(alias, str):
        return [alias]
    if not isinstance(alias, list):
        return []
    ways = alias if all(isinstance(way, list) for way in alias) else [alias]
    return [way[0] for way in ways if len(way) == 1]
