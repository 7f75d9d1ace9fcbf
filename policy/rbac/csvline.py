"""Read one line of policy CSV as Go's encoding/csv reads it, with leading blanks of each field dropped.

Argo CD feeds each line to its own csv.Reader: strict quotes, no field over several lines.
Source: Go encoding/csv with TrimLeadingSpace; casbin persist.LoadPolicyLine.
"""

from __future__ import annotations

BLANKS = "\t\n\v\f\r \x85\xa0\u1680" + "".join(map(chr, range(0x2000, 0x200B))) + "\u2028\u2029\u202f\u205f\u3000"
"""What Go's unicode.IsSpace takes for a blank; Python's str.strip() takes four control characters more."""


class CsvError(ValueError):
    """A line that Go's reader refuses; `column` is 1-based."""

    def __init__(self, text: str, column: int) -> None:
        super().__init__(text)
        self.column = column


def read_record(line: str) -> list[str]:
    """Return the fields of one line that was stripped on both sides.

    Raises:
        CsvError: a quote inside an unquoted field, an open quote, or text between a closing quote and the comma.
    """
    if '"' not in line:
        return [field.lstrip(BLANKS) for field in line.split(",")]
    fields: list[str] = []
    at = 0
    while True:
        while at < len(line) and line[at] in BLANKS:
            at += 1
        field, at = _quoted(line, at) if line.startswith('"', at) else _plain(line, at)
        fields.append(field)
        if at >= len(line):
            return fields
        at += 1


def _plain(line: str, at: int) -> tuple[str, int]:
    end = line.find(",", at)
    end = len(line) if end < 0 else end
    quote = line.find('"', at, end)
    if quote >= 0:
        raise CsvError("a quote inside a field that does not start with one", quote + 1)
    return line[at:end], end


def _quoted(line: str, start: int) -> tuple[str, int]:
    text, at = "", start + 1
    while True:
        quote = line.find('"', at)
        if quote < 0:
            raise CsvError("a quote that is not closed", start + 1)
        text += line[at:quote]
        if not line.startswith('"', quote + 1):
            break
        text += '"'
        at = quote + 2
    if quote + 1 < len(line) and line[quote + 1] != ",":
        raise CsvError("text between a closing quote and the comma", quote + 2)
    return text, quote + 1


def column_of(line: str, field: int) -> int:
    """Return the 1-based column at which a field (counted from 0) starts, for messages; 1 when it has none."""
    at, quoted = 0, False
    for index, char in enumerate(line):
        if field == 0:
            break
        quoted ^= char == '"'
        if char == "," and not quoted:
            field, at = field - 1, index + 1
    return len(line[:at]) + len(line[at:]) - len(line[at:].lstrip(BLANKS)) + 1
