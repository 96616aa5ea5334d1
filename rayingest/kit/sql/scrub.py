"""Take credentials out of DDL and view text before anything else sees it."""

import re

MASK = "********"
_WORD = (
    r"(?:[\w.-]*[_.-])?(?:passw(?:or)?d|passphrase|pwd|secret|token|api_?key|access_?key"
    r"|secret_?key|account_?key|private_?key|credentials?)"
)
# Cheap: nearly every text has none of these, and `in` is a hundred times faster than a pattern.
_SUSPICIOUS = (
    *("passw", "passph", "pwd", "secret", "token", "credential", "identified", "://"),
    *("apikey", "api_key", "accesskey", "access_key", "accountkey", "account_key"),
    *("privatekey", "private_key"),
)
# What SQL text is made of, as far as secrets go: a keyed literal, a literal, a name, a comment.
_TOKEN = re.compile(
    rf"(?P<key>[\"`\[]?\b(?:{_WORD}[\"'`\]]?\s*(?:=>|:=|=|:)?|identified\s+by)\s*(?:[eE]|[uU]&)?)"
    r"(?P<secret>'(?:[^']|'')+'|(?<=[=:>\s])\"[^\"]+\")"
    r"|(?P<literal>'(?:[^']|'')*')|(?P<name>\"(?:[^\"]|\"\")*\")|(?P<comment>--[^\n]*|/\*.*?\*/)",
    re.IGNORECASE | re.DOTALL,
)
# Connection strings and JSON inside a literal: password=x, password = ''x'', "password": "x".
_INSIDE = re.compile(
    rf"(\b{_WORD}\"?\s*[=:]\s*)(?:''(?:[^']|'''')*''|\"[^\"]*\"|[^\s'\";,&)}}]+)", re.IGNORECASE
)
_URL = re.compile(r"(://[^\s:/@'\"]*:)[^\s/@'\"]+(@)")


def scrub(text: str) -> str:
    """Mask passwords, tokens and keys in SQL text; other text is returned as it is."""
    lower = text.lower()
    for word in _SUSPICIOUS:  # a loop: a generator costs more than what it does
        if word in lower:
            break
    else:
        return text
    return _URL.sub(rf"\1{MASK}\2", _TOKEN.sub(_masked, text))


def _masked(found: re.Match[str]) -> str:
    if found["secret"]:
        quote = found["secret"][0]
        return f"{found['key']}{quote}{MASK}{quote}"
    return _INSIDE.sub(rf"\1{MASK}", found.group())
