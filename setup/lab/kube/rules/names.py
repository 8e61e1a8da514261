"""The forms of names, label keys and label values, with Kubernetes' words for what breaks them."""

import re
from collections.abc import Iterator

from lab.kube.errors import Cause, invalid_value

_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = rf"{_LABEL}(\.{_LABEL})*"
_LABEL_1035 = r"[a-z]([-a-z0-9]*[a-z0-9])?"
_QUALIFIED = r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_VALUE = rf"({_QUALIFIED})?"
_USED = "regex used for validation is"
_LABEL_LENGTH = 63
_SUBDOMAIN_LENGTH = 253

_WORDS = {
    _LABEL: "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must"
    " start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc',"
    f" {_USED} '{_LABEL}')",
    _SUBDOMAIN: "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.',"
    " and must start and end with an alphanumeric character (e.g. 'example.com',"
    f" {_USED} '{_SUBDOMAIN}')",
    _LABEL_1035: "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an"
    " alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123',"
    f" {_USED} '{_LABEL_1035}')",
    _QUALIFIED: "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end"
    " with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc',"
    f" {_USED} '{_QUALIFIED}')",
    _VALUE: "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or"
    " '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',"
    f"  or '12345', {_USED} '{_VALUE}')",
}


def _problems(value: str, form: str, length: int) -> Iterator[str]:
    if len(value) > length:
        yield f"must be no more than {length} characters"
    if not re.fullmatch(form, value):
        yield _WORDS[form]


def check_label(field: str, value: str) -> list[Cause]:
    """Check a DNS label: names of containers, namespaces, volumes."""
    return [invalid_value(field, value, why) for why in _problems(value, _LABEL, _LABEL_LENGTH)]


def check_subdomain(field: str, value: str) -> list[Cause]:
    """Check a DNS subdomain: the names of most objects."""
    return [invalid_value(field, value, why) for why in _problems(value, _SUBDOMAIN, _SUBDOMAIN_LENGTH)]


def check_service_name(field: str, value: str) -> list[Cause]:
    """Check a DNS-1035 label: the names of Services."""
    return [invalid_value(field, value, why) for why in _problems(value, _LABEL_1035, _LABEL_LENGTH)]


def check_keys(field: str, keys: dict[str, str]) -> list[Cause]:
    """Check the keys of labels or annotations: an optional DNS prefix, a slash, a name."""
    causes = []
    for key in keys:
        prefix, slash, name = key.rpartition("/")
        if slash:
            why = [f"prefix part {one}" for one in _problems(prefix, _SUBDOMAIN, _SUBDOMAIN_LENGTH)]
            causes += [invalid_value(field, key, one) for one in why]
        causes += [
            invalid_value(field, key, one if one.startswith("name part") else f"name part {one}")
            for one in _problems(name, _QUALIFIED, _LABEL_LENGTH)
        ]
    return causes


def check_labels(field: str, labels: dict[str, str]) -> list[Cause]:
    """Check labels: their keys and their values."""
    causes = check_keys(field, labels)
    for value in labels.values():
        causes += [invalid_value(field, value, why) for why in _problems(value, _VALUE, _LABEL_LENGTH)]
    return causes
