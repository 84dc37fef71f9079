# JSON in the dialect of AWS, which is that of simplejson, without what importing json costs.
import _json
import sys

ASCII = sys.version_info < (3, 12)  # AWS writes other characters as they are since Python 3.12


def loads(data):
    text = str(data, "utf-8", "surrogatepass").strip(" \t\n\r")
    try:
        value, end = scan(text, 0)
        if end == len(text):
            return value
    except (StopIteration, ValueError, RecursionError):
        pass
    import json

    return json.loads(text)  # says what is wrong


class Scanning:
    strict, object_hook, object_pairs_hook, parse_float, parse_int = True, None, None, float, int
    parse_constant = {"-Infinity": float("-inf"), "Infinity": float("inf"), "NaN": float("nan")}.__getitem__


scan = _json.make_scanner(Scanning)


def to_json(value, ascii=ASCII):
    """Decimals are numbers as they were written, bytes text, and what has _asdict, such as a named tuple, an object."""
    raw = []  # numbers that would be written otherwise than they were given

    def plain(value):
        decimal = sys.modules.get("decimal")
        if decimal and isinstance(value, decimal.Decimal):
            text = str(value)
            number = float("nan") if value.is_nan() else float(value)
            if not value.is_finite() or repr(number) == text:
                return number
            if text.isdigit() and not text.startswith("0"):
                return int(text)
            raw.append(text)
            return "\0%d\0%d\0" % (id(raw), len(raw) - 1)
        if isinstance(value, bytes):
            return str(value, "utf-8")
        if callable(getattr(value, "_asdict", None)):
            return value._asdict()
        raise TypeError("Object of type %s is not JSON serializable" % type(value).__name__)

    quote = _json.encode_basestring_ascii if ascii else _json.encode_basestring

    def encode(value):
        return "".join(_json.make_encoder({}, plain, quote, None, ": ", ", ", False, False, True)(value, 0))

    try:
        text = encode(without_records(value) if may_have_records() and has_record(value) else value)
    except TypeError:  # of a key, perhaps
        if not has_record(value):
            raise
        text = encode(without_records(value))
    if raw:
        import re

        text = re.sub(r'"\\u0000%d\\u0000(\d+)\\u0000"' % id(raw), lambda m: raw[int(m[1])], text)
    return text


def encoded(text):
    """Halves of surrogate pairs are written as escapes, also where nothing else is."""
    return text.encode("utf-8", "backslashreplace")


SIMPLE = frozenset((str, int, float, bool, type(None)))


def may_have_records():
    """Is there any class of named tuples but those of the library? To look at all of a large answer takes as long as encoding it."""
    library = getattr(sys, "stdlib_module_names", ())
    return any(hasattr(c, "_asdict") and c.__module__.split(".")[0] not in library for c in tuple.__subclasses__())


def has_record(value, seen=None):
    """Is there something in value that the encoder takes for something else: a named tuple, or a key of bytes?"""
    seen = set() if seen is None else seen
    if id(value) in seen:
        return False
    seen.add(id(value))
    if isinstance(value, dict):
        if bytes in map(type, value):
            return True
        value = value.values()
    elif isinstance(value, (list, tuple)):
        if hasattr(type(value), "_asdict"):
            return True
    else:
        return False
    return any(type(v) not in SIMPLE and has_record(v, seen) for v in value)


def without_records(value, within=()):
    if id(value) in within:
        raise ValueError("Circular reference detected")
    within += (id(value),)
    if hasattr(type(value), "_asdict") and isinstance(value, tuple):
        value = value._asdict()
    if isinstance(value, dict):
        return {str(k, "utf-8") if type(k) is bytes else k: without_records(v, within) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [without_records(v, within) for v in value]
    return value
