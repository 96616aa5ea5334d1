"""Power Query's language M as a tree, as far as it matters where a table comes from.

The grammar is at https://learn.microsoft.com/en-us/powerquery-m/m-spec-consolidated-grammar. Types and
conditions are read over, numbers and dates are nothing; there are no sections.
"""

from bisect import bisect
from collections.abc import Sequence
from dataclasses import dataclass, field

from rayingest.connectors.dashboard._powerbi.tokens import Token, plain, tokens
from rayingest.connectors.dashboard._powerbi.tree import (
    NOTHING,
    Call,
    Field,
    Function,
    Item,
    Joined,
    Let,
    Name,
    NotUnderstood,
    Parts,
    Record,
    Text,
    Tree,
)

LONGEST = 200_000  # characters
DEEPEST = 60  # expressions in expressions
_CLOSING = {"(": ")", "[": "]", "{": "}"}
_OPERATORS = {"+", "-", "*", "/", "=", "<", ">", "<=", ">=", "<>", "??", "..", "and", "or"}
WORDS = {
    "and", "as", "each", "else", "error", "if", "in", "is", "let", "meta", "not", "or", "otherwise",
    "section", "shared", "then", "try", "type",
}  # fmt: skip


def parsed(text: str) -> Tree:
    """An expression. Raises NotUnderstood."""
    if len(text) > LONGEST:
        raise NotUnderstood(f"it is longer than {LONGEST:,} characters")
    reader = _Reader(tokens(text))
    tree = reader.expression()
    reader.end()
    return tree


@dataclass
class _Reader:
    """Goes over the tokens once."""

    tokens: Sequence[Token]
    at: int = 0
    depth: int = 0
    arrows: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.arrows = [at for at, each in enumerate(self.tokens) if each.text == "=>"]
        self.closing = self._pairs()

    def _pairs(self) -> dict[int, int]:
        """Where what is opened is closed."""
        open_: list[int] = []
        pairs = {}
        for at, each in enumerate(self.tokens):
            if each.kind != "mark":
                continue
            if each.text in _CLOSING:
                open_.append(at)
            elif each.text in _CLOSING.values():
                if not open_ or _CLOSING[self.tokens[open_[-1]].text] != each.text:
                    raise NotUnderstood(f"{each.text!r} closes nothing")
                pairs[open_.pop()] = at
        return pairs

    # --- tokens ---

    def is_at(self, *texts: str) -> bool:
        """Whether one of these words or marks is next."""
        return self._word(self.at) in texts

    def _word(self, at: int) -> str:
        each = self.tokens[at] if at < len(self.tokens) else None
        return each.text if each is not None and each.kind in ("mark", "name") else ""

    def take(self, *texts: str) -> bool:
        """Go over one of these, if it is next."""
        found = self.is_at(*texts)
        self.at += found
        return found

    def expect(self, text: str) -> None:
        """Go over this one."""
        if not self.take(text):
            raise NotUnderstood(f"{text!r} is missing")

    def _next(self) -> Token:
        if self.at == len(self.tokens):
            raise NotUnderstood("it ends too early")
        self.at += 1
        return self.tokens[self.at - 1]

    def end(self) -> None:
        """Nothing may follow."""
        if self.at < len(self.tokens):
            raise NotUnderstood(f"{self.tokens[self.at].text[:20]!r} follows its end")

    # --- expressions ---

    def expression(self) -> Tree:
        """All up to what ends an expression."""
        self.depth += 1
        if self.depth > DEEPEST:
            raise NotUnderstood("it is too deep")
        try:
            return self._expression()
        finally:
            self.depth -= 1

    def _expression(self) -> Tree:
        begins = {
            "let": self._let,
            "if": self._if,
            "each": lambda: Parts((self.expression(),)),
            "error": self._error,
            "try": self._try,
        }
        for word, read in begins.items():
            if self.take(word):
                return read()
        if self.is_at("(") and self._begins_function():
            return self._function()
        return self._operators()

    def _if(self) -> Tree:
        self.expression()
        self.expect("then")
        yes = self.expression()
        self.expect("else")
        return Parts((yes, self.expression()))

    def _error(self) -> Tree:
        self.expression()
        return NOTHING

    def _try(self) -> Tree:
        tried = self.expression()
        return Parts((tried, self.expression())) if self.take("otherwise") else tried

    def _let(self) -> Tree:
        steps = {}
        while True:
            name = self._name()
            self.expect("=")
            steps[name] = self.expression()
            if not self.take(","):
                break
        self.expect("in")
        return Let(steps, self.expression())

    def _name(self) -> str:
        token = self._next()
        if token.kind == "quoted":
            return plain(token.text[1:])
        if token.kind == "name" and token.text not in WORDS:
            return token.text
        raise NotUnderstood(f"{token.text[:20]!r} is no name")

    def _begins_function(self) -> bool:
        """`(a, b) =>`, perhaps with the type that it gives between."""
        close = self.closing.get(self.at, len(self.tokens))
        arrow = bisect(self.arrows, close)
        if arrow == len(self.arrows):
            return False
        between = self.arrows[arrow] - close - 1
        return between == 0 or (between < 5 and self._word(close + 1) == "as")

    def _function(self) -> Tree:
        close = self.closing[self.at]
        names = [
            self.tokens[at + 1 + (self._word(at + 1) == "optional")].text
            for at in range(self.at, close)
            if self._word(at) in ("(", ",") and at + 1 < close
        ]
        self.at = close
        while not self.take("=>"):
            self._next()
        return Function(tuple(names), self.expression())

    def _operators(self) -> Tree:
        left = self._operand()
        while True:
            if self.take("&"):
                left = Joined(left, self._operand())
            elif self.take("as", "is"):
                self._type()
            elif self.take("meta"):
                self._operand()
            elif self.take(*_OPERATORS):
                left = Parts((left, self._operand()))
            else:
                return left

    def _operand(self) -> Tree:
        while self.take("-", "+", "not"):
            pass
        if self.take("type"):
            self._type()
            return NOTHING
        if self.is_at("each", "if", "let", "try", "error"):
            return self.expression()
        found = self._primary()
        while self.at < len(self.tokens):
            if self.take("("):
                found = Call(found, self._list(")"))
            elif self.take("{"):
                found = Item(found, self.expression())
                self.expect("}")
            elif self.is_at("["):
                found = self._field(found)
            elif not self.take("?"):
                break
        return found

    def _primary(self) -> Tree:
        if self.take("("):
            found = self.expression()
            self.expect(")")
            return found
        if self.take("{"):
            return Parts(self._list("}"))
        return self._record() if self.is_at("[") else self._simple()

    def _simple(self) -> Tree:
        self.take("@")
        token = self._next()
        if token.kind == "text":
            return Text(plain(token.text))
        if token.kind == "number" or token.text in ("true", "false", "null", "..."):
            return NOTHING
        self.at -= 1
        return Name(self._name())

    def _list(self, end: str) -> tuple[Tree, ...]:
        found: list[Tree] = []
        while not self.take(end):
            found.append(self.expression())
            if not self.is_at(end):
                self.expect(",")
        return tuple(found)

    def _record(self) -> Tree:
        self.expect("[")
        fields: dict[str, Tree] = {}
        while not self.take("]"):
            name = self._field_name()
            if not fields and self.take("]"):
                return Field(None, name)
            self.expect("=")
            fields[name] = self.expression()
            if not self.is_at("]"):
                self.expect(",")
        return Record(fields)

    def _field(self, of: Tree) -> Tree:
        close = self.closing.get(self.at)
        self.expect("[")
        if self.is_at("["):  # a choice of fields
            if close is None:
                raise NotUnderstood("'[' is not closed")
            self.at = close + 1
            return of
        name = self._field_name()
        self.expect("]")
        return Field(of, name)

    def _field_name(self) -> str:
        """In brackets names may have spaces, and be words of the language."""
        parts = []
        while self.at < len(self.tokens) and self.tokens[self.at].kind != "mark":
            token = self._next()
            quoted = token.kind == "quoted"
            parts.append(plain(token.text[1:]) if quoted else token.text)
        if not parts:
            raise NotUnderstood("a field has no name")
        return " ".join(parts)

    def _type(self) -> None:
        """Go over a type."""
        while self.take("nullable"):
            pass
        if self.at in self.closing:
            self.at = self.closing[self.at] + 1
            return
        word = self._next().text
        if word in ("table", "function") and self.at in self.closing:
            self.at = self.closing[self.at] + 1
        if word == "function" and self.take("as"):
            self._type()
