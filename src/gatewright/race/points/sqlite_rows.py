"""Which rows a statement is confined to, where it says so plainly: `WHERE id = ? AND ...` on one table."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import count
from typing import Any

__all__ = ["RowKey", "row_key"]

TOKEN = re.compile(
    r"""\s*(?: (?P<text>'(?:[^']|'')*') | (?P<name>[A-Za-z_]\w*|"[^"]+"|\[[^\]]+\]|`[^`]+`)
        | (?P<number>[0-9]{1,18}(?![\w.])) | (?P<mark>\?(?![0-9]))
        | (?P<other><>|!=|<=|>=|\|\||[-+*/%=<>(),.&|~](?<!--)(?<!/\*)) )""",
    re.VERBOSE,
)
NOT_PLAIN = frozenset({"OR", "CASE", "BETWEEN", "UNION", "EXCEPT", "INTERSECT", "JOIN", "WITH"})
ENDS = frozenset({"GROUP", "ORDER", "LIMIT", "RETURNING", "HAVING", "WINDOW"})
TABLE = r" (\w+)(?: AS \w+| \w+)?"
TARGETS = (
    re.compile(rf"SELECT (?:(?! FROM ).)* FROM{TABLE}"),  # noqa: S608 - it reads SQL
    re.compile(rf"UPDATE{TABLE} SET (?:(?! FROM ).)*"),
    re.compile(rf"DELETE FROM{TABLE}"),
)
COLUMN_AND_VALUE = 3


@dataclass(frozen=True, slots=True)
class RowKey:
    """All rows that the statement touches have this in `column`: a parameter, by number, or a literal."""

    column: str
    parameter: int | None
    literal: int | str = ""

    def value(self, parameters: Any) -> int | str | None:
        """The value, given the statement's parameters; None where they don't tell."""
        if self.parameter is None:
            return self.literal
        if not isinstance(parameters, Sequence) or self.parameter >= len(parameters):
            return None
        value = parameters[self.parameter]
        return value if type(value) in {int, str} else None


@dataclass(frozen=True, slots=True)
class Token:
    """A word in capitals, with the value of a literal or the number of a parameter."""

    word: str
    value: int | str | None = None


@lru_cache(maxsize=4096)
def row_key(sql: str) -> RowKey | None:
    """The column by which a statement picks its rows; None when in any doubt.

    The statement must be a SELECT, UPDATE or DELETE of one table without subqueries, and without OR, join,
    CASE or set operations outside of parentheses: then each condition between its ANDs confines all rows that
    it touches. Whether views, triggers or foreign keys touch other tables is for the caller to know.
    """
    tokens = tokenize(sql)
    words = [token.word for token in tokens]
    if words.count("SELECT") > (words[:1] == ["SELECT"]) or words.count("WHERE") != 1:
        return None
    where = words.index("WHERE")
    head, conditions = outside_parentheses(tokens[:where]), outside_parentheses(tokens[where + 1 :])
    target = " ".join(token.word for token in head)
    if NOT_PLAIN & {token.word for token in head + conditions}:
        return None
    if not any(pattern.fullmatch(target) for pattern in TARGETS):
        return None
    return next((key for each in conjuncts(conditions) if (key := key_of(each)) is not None), None)


def tokenize(sql: str) -> list[Token]:
    """The words of one statement; none at all when there is anything unknown."""
    tokens, place, numbers = [], 0, count()
    sql = sql.strip()
    while place < len(sql):
        found = TOKEN.match(sql, place)
        if found is None:
            return []
        tokens.append(token_of(found, numbers))
        place = found.end()
    return tokens


def token_of(found: re.Match[str], numbers: Iterator[int]) -> Token:
    """One word."""
    word = found.group().strip()
    if found.lastgroup == "text":
        return Token("TEXT", word[1:-1].replace("''", "'"))
    if found.lastgroup == "number":
        return Token("NUMBER", int(word))
    if found.lastgroup == "mark":
        return Token("?", next(numbers))
    return Token(word.strip('"[]`').upper() if found.lastgroup == "name" else word)


def outside_parentheses(tokens: Sequence[Token]) -> list[Token]:
    """The words at the outermost level; what stands in parentheses is one word."""
    outside, depth = [], 0
    for token in tokens:
        depth += token.word == "("
        if not depth:
            outside.append(token)
        elif token.word == ")":
            depth -= 1
            if not depth:
                outside.append(Token("()"))
    return outside


def conjuncts(conditions: Sequence[Token]) -> Iterator[list[Token]]:
    """The conditions between ANDs, up to the end of the WHERE clause."""
    condition: list[Token] = []
    for token in conditions:
        if token.word in ENDS:
            break
        if token.word == "AND":
            yield condition
            condition = []
        else:
            condition.append(token)
    yield condition


def key_of(condition: Sequence[Token]) -> RowKey | None:
    """The key in `column = ?`, `table.column = 'literal'` and the like."""
    words = [token.word for token in condition]
    if len(words) > COLUMN_AND_VALUE and words[1] == ".":
        words, condition = words[2:], condition[2:]
    if len(words) != COLUMN_AND_VALUE or words[1] != "=" or not words[0].isidentifier():
        return None
    value = condition[2].value
    if words[2] == "?" and isinstance(value, int):
        return RowKey(words[0], value)
    return RowKey(words[0], None, value) if words[2] in {"TEXT", "NUMBER"} and value is not None else None
