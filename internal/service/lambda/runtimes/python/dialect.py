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
    raw = {}

    def plain(value):
        decimal = sys.modules.get("decimal")
        if decimal and isinstance(value, decimal.Decimal):
            text = "NaN" if value.is_nan() else str(value)
            token = "\0%d\0%d\0" % (id(raw), len(raw))
            raw[quote(token)] = text
            return token
        if isinstance(value, bytes):
            return str(value, "utf-8")
        if callable(getattr(value, "_asdict", None)):
            return value._asdict()
        raise TypeError("Object of type %s is not JSON serializable" % type(value).__name__)

    quote = _json.encode_basestring_ascii if ascii else _json.encode_basestring
    if type(value) is not str and has_record(value):
        value = without_records(value)
    text = "".join(_json.make_encoder({}, plain, quote, None, ": ", ", ", False, False, True)(value, 0))
    for token, number in raw.items():
        text = text.replace(token, number, 1)
    return text


def encoded(text):
    """Halves of surrogate pairs are written as escapes, also where nothing else is."""
    return text.encode("utf-8", "backslashreplace")


SIMPLE = frozenset((str, int, float, bool, type(None)))


def has_record(value, depth=0):
    """Is there something in value that the encoder takes for something else: a named tuple, or a key of bytes?"""
    kind = type(value)
    if kind in SIMPLE or depth > 200:
        return False
    if isinstance(value, dict):
        return any(type(k) is bytes or type(v) not in SIMPLE and has_record(v, depth + 1) for k, v in value.items())
    if isinstance(value, (list, tuple)):
        return hasattr(kind, "_asdict") or any(type(v) not in SIMPLE and has_record(v, depth + 1) for v in value)
    return False


def without_records(value, depth=0):
    if hasattr(type(value), "_asdict") and isinstance(value, tuple):
        value = value._asdict()
    if depth > 200:
        return value
    if isinstance(value, dict):
        return {str(k, "utf-8") if type(k) is bytes else k: without_records(v, depth + 1) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [without_records(v, depth + 1) for v in value]
    return value
