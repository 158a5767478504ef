"""YAML text to plain values: a small strict builder on PyYAML's event stream.

A spec needs mappings, lists, numbers and words. Tags, anchors, merge keys, duplicate keys and further
documents are refused the moment their event arrives, and so is nesting too deep: nothing is built first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gradcalc.errors import SpecError, quoted
from gradcalc.spec.limits import (
    LARGE_HINT,
    MAX_DEPTH,
    MAX_KEYS,
    MAX_NODES,
    TOO_DEEP,
    TOO_MANY,
    too_many_keys,
)
from gradcalc.spec.places import Mark, Span
from gradcalc.spec.scalars import plain_scalar
from gradcalc.spec.yaml_faults import fault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def read_yaml(text: str, source: str, *, max_keys: int = MAX_KEYS) -> object:
    """The value of a YAML text; None where it holds nothing. SpecError with place for what it may not be."""
    top: list[Any] = []
    open_values: list[Any] = [top]
    keys: list[str] = []  # of the open mappings, innermost last
    for kind, value, _, _ in yaml_marks(text, source, max_keys):
        if kind == "key":
            keys.append(str(value))
            continue
        if kind == "end":
            open_values.pop()
            continue
        made: Any = value if kind == "scalar" else {} if kind == "map" else []
        owner = open_values[-1]
        if isinstance(owner, dict):
            owner[keys.pop()] = made
        else:
            owner.append(made)
        if kind != "scalar":
            open_values.append(made)
    return top[0] if top else None


def yaml_marks(text: str, source: str, max_keys: int = MAX_KEYS) -> Iterator[Mark]:
    """Every key, scalar and collection of the text with its offsets, each checked as it arrives."""
    import yaml

    reader = _Reader(text, source, max_keys)
    parser = event_parser()(text)
    try:
        while not isinstance(event := parser.get_event(), yaml.StreamEndEvent):
            if (mark := reader.mark(event)) is not None:
                yield mark
    except yaml.YAMLError as error:
        raise fault(error, text, source) from None
    except (ValueError, OverflowError):  # the pure-Python scanner on escapes and versions that are no number
        at = parser.get_mark().index
        raise SpecError(
            "an escape or version number that cannot be read", place=Span(at, at + 1).place(text, source)
        ) from None
    finally:
        parser.dispose()


def event_parser() -> Any:
    """libyaml's parser where PyYAML has it, else PyYAML's own."""
    import yaml

    return getattr(yaml, "CBaseLoader", yaml.BaseLoader)


class _Collection:
    """An open mapping (its keys with their spans) or list (no keys)."""

    __slots__ = ("awaits_key", "keys", "last_key")

    def __init__(self, *, is_mapping: bool) -> None:
        self.keys: dict[str, Span] | None = {} if is_mapping else None
        self.awaits_key = is_mapping
        self.last_key = ""


class _Reader:
    """Turns events into marks and refuses what a spec may not contain."""

    __slots__ = ("documents", "max_keys", "nodes", "open", "source", "text")

    def __init__(self, text: str, source: str, max_keys: int) -> None:
        self.text, self.source, self.max_keys = text, source, max_keys
        self.open = [_Collection(is_mapping=False)]  # the outermost stands for the document itself
        self.nodes = self.documents = 0

    def mark(self, event: Any) -> Mark | None:
        """The mark of an event; None for those that only frame the document."""
        if self._is_plain_item(event):  # nearly all there is, where there is much: the short way
            self.nodes += 1
            return Mark("scalar", plain_scalar(event.value), event.start_mark.index, event.end_mark.index)
        read = _READ.get(type(event).__name__)
        return read(self, event, Span(event.start_mark.index, event.end_mark.index)) if read else None

    def _is_plain_item(self, event: Any) -> bool:
        """Whether this is an unquoted word in a list, with nothing to be refused."""
        return (
            event.__class__.__name__ == "ScalarEvent"
            and self.open[-1].keys is None
            and self.nodes < MAX_NODES
            and not event.style
            and event.anchor is event.tag is None
        )

    def document(self, event: Any, span: Span) -> None:
        self.documents += 1
        if self.documents > 1:
            hint = "a spec is one document: remove the '---' line"
            raise self._refused("a second document starts here", span, hint)
        if event.version not in (None, (1, 2)):
            raise self._refused("specs are read as YAML 1.2 only", span, "remove the %YAML line")

    def alias(self, _event: Any, span: Span) -> None:
        raise self._refused("aliases are not read", span, "write the value out; text that starts with * needs quotes")

    def mapping(self, event: Any, span: Span) -> Mark:
        return self._start(event, span, is_mapping=True)

    def list(self, event: Any, span: Span) -> Mark:
        return self._start(event, span, is_mapping=False)

    def _start(self, event: Any, span: Span, *, is_mapping: bool) -> Mark:
        self._check(event, span)
        if self.open[-1].awaits_key:
            kind = "mapping" if is_mapping else "list"
            raise self._refused(
                f"a key must be a word, not a {kind}", span, "text that starts with [ or { needs quotes"
            )
        if len(self.open) > MAX_DEPTH:
            raise self._refused(TOO_DEEP, span)
        self._value_arrived()
        self.open.append(_Collection(is_mapping=is_mapping))
        return Mark("map" if is_mapping else "list", None, *span)

    def end(self, _event: Any, span: Span) -> Mark:
        self.open.pop()
        return Mark("end", None, *span)

    def scalar(self, event: Any, span: Span) -> Mark:
        self._check(event, span)
        text, plain = event.value, not event.style  # libyaml says "" where PyYAML's own parser says None
        if self.open[-1].awaits_key:
            return self._key(text, span, plain=plain)
        if plain and not text:
            self._check_missing_blank()
        self._value_arrived()
        return Mark("scalar", plain_scalar(text) if plain else text, *span)

    def _key(self, key: str, span: Span, *, plain: bool) -> Mark:
        owner = self.open[-1]
        if not key:
            raise self._refused("a key is missing before ':'", span)
        if plain and key == "<<":
            raise self._refused("merge keys (<<) are not read", span, "write the keys out")
        assert owner.keys is not None  # only a mapping awaits keys
        if key in owner.keys:
            first = owner.keys[key].place(self.text, self.source).line
            raise self._refused(f"key {quoted(key)} is given twice, first in line {first}", span, "remove one of them")
        if len(owner.keys) == self.max_keys:
            raise self._refused(too_many_keys(self.max_keys), span)
        owner.keys[key] = span
        owner.last_key, owner.awaits_key = key, False
        return Mark("key", key, *span)

    def _value_arrived(self) -> None:
        """A mapping that has its value awaits the next key."""
        owner = self.open[-1]
        owner.awaits_key = owner.keys is not None

    def _check_missing_blank(self) -> None:
        """Refuse `{name:huber}`, which YAML takes as one long key without a value."""
        owner = self.open[-1]
        if owner.keys is not None and ":" in owner.last_key:
            name, _, value = owner.last_key.partition(":")
            hint = f"a blank belongs after ':', {quoted(f'{name}: {value}')}"
            raise self._refused(f"key {quoted(owner.last_key)} has no value", owner.keys[owner.last_key], hint)

    def _check(self, event: Any, span: Span) -> None:
        """Refuse tags and anchors, which no spec needs, and too many values."""
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise self._refused(TOO_MANY, span, LARGE_HINT)
        if event.tag is None and event.anchor is None:
            return
        word = self.text[span.start : span.end].split(maxsplit=1)[0]
        span = Span(span.start, span.start + len(word))
        if event.tag is not None:
            raise self._refused(f"tags are not read: {quoted(word)}", span, "text that starts with ! needs quotes")
        raise self._refused(f"anchors are not read: {quoted(word)}", span, "write the value out where it is needed")

    def _refused(self, message: str, span: Span, hint: str = "") -> SpecError:
        return SpecError(message, hint=hint, place=span.place(self.text, self.source))


_READ: dict[str, Callable[[_Reader, Any, Span], Mark | None]] = {
    "ScalarEvent": _Reader.scalar,
    "MappingStartEvent": _Reader.mapping,
    "SequenceStartEvent": _Reader.list,
    "MappingEndEvent": _Reader.end,
    "SequenceEndEvent": _Reader.end,
    "AliasEvent": _Reader.alias,
    "DocumentStartEvent": _Reader.document,
}
