"""Patterns of addresses on networks, and of secrets."""

from __future__ import annotations

from typing import Final

from streamgate.detect import _checks as check
from streamgate.detect._pattern import Pattern
from streamgate.detect._types import EntityType as E

PATTERNS: Final = (
    Pattern("email", E.EMAIL, r"(?P<v>[\pL\pN.!#$%&'*+/=?^_{|}~\-]+@(?:[\pL\pN](?:[\pL\pN\-]*[\pL\pN])?\.)+[\pL]+)", 1.0, final=True),
    Pattern(
        "email-spelled",
        E.EMAIL,
        r"\b(?P<v>[\w.\-]+\s?(?:\(at\)|\[at\]| at )\s?[\w\-]+\s?(?:\(dot\)|\[dot\]| dot )\s?[a-z]{2,10})\b",
        0.7,
        loose=True,
    ),
    Pattern("ipv4", E.IP_ADDRESS, r"(?:^|[^\w.])(?P<v>(?:\d{1,3}\.){3}\d{1,3})\b", 0.95, check.ip, final=True),
    Pattern("ipv6", E.IP_ADDRESS, r"(?:^|[^\w:.])(?P<v>[0-9a-fA-F]{0,4}(?::[0-9a-fA-F]{0,4}){2,7})", 0.9, check.ip),
    Pattern("mac", E.MAC_ADDRESS, r"\b(?P<v>[0-9A-Fa-f]{2}(?:[:\-][0-9A-Fa-f]{2}){5})\b", 0.95, final=True),
    Pattern("url", E.URL, r"(?P<v>(?:https?|ftp|wss?)://[^\s<>\"'`{}|\\^\[\]]+[^\s<>\"'`{}|\\^\[\].,;:!?)])", 0.8, loose=True),
    Pattern("url-www", E.URL, r"\b(?P<v>www\.(?:[a-z0-9\-]+\.)+[a-z]+(?:/[^\s<>\"']*)?)\b", 0.7, loose=True),
    Pattern("coordinates", E.COORDINATES, r"(?P<v>-?\d{1,2}\.\d{3,8}\s*,\s*-?\d{1,3}\.\d{3,8})", 0.85),
    Pattern("handle", E.USERNAME, r"(?:^|[\s(:,])(?P<v>@[A-Za-z0-9_][A-Za-z0-9_.]+)\b", 0.7),
    Pattern(
        "user-said",
        E.USERNAME,
        r"\b(?:user(?:name)?|login|userid|user_id|benutzer(?:name)?|utilisateur|usuario|utente|gebruiker)(?:\s*(?:is|ist|:|=))+\s*[\"']?(?P<v>[A-Za-z0-9][\w.\-]+)",
        0.75,
        loose=True,
    ),
    Pattern("home-path", E.USERNAME, r"(?:/home/|/Users/|[A-Za-z]:\\Users\\)(?P<v>[A-Za-z0-9][\w.\-]+)", 0.85),
    Pattern("bitcoin", E.CRYPTO_ADDRESS, r"\b(?P<v>(?:bc1[ac-hj-np-z02-9]{25,60}|[13][1-9A-HJ-NP-Za-km-z]{25,34}))\b", 0.85),
    Pattern("ethereum", E.CRYPTO_ADDRESS, r"\b(?P<v>0x[0-9a-fA-F]{40})\b", 0.95, final=True),
    # Secrets: forms that their makers fixed.
    Pattern("private-key", E.SECRET, r"(?s)(?P<v>-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----)", 1.0, final=True),
    Pattern("aws-id", E.SECRET, r"\b(?P<v>(?:AKIA|ASIA|AGPA|AIDA|AROA|ANPA)[A-Z0-9]{16})\b", 1.0, final=True),
    Pattern("github", E.SECRET, r"\b(?P<v>(?:gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{22,}))\b", 1.0, final=True),
    Pattern("openai", E.SECRET, r"\b(?P<v>sk-(?:proj-|ant-|svcacct-)?[A-Za-z0-9_\-]{16,})", 1.0, final=True),
    Pattern("slack", E.SECRET, r"\b(?P<v>xox[abeoprs]-[A-Za-z0-9\-]{10,})\b", 1.0, final=True),
    Pattern("google", E.SECRET, r"\b(?P<v>AIza[0-9A-Za-z_\-]{35})", 1.0, final=True),
    Pattern("stripe", E.SECRET, r"\b(?P<v>(?:sk|rk|pk)_(?:live|test)_[0-9A-Za-z]{10,}|whsec_[0-9A-Za-z]{16,64})\b", 1.0, final=True),
    Pattern("gitlab", E.SECRET, r"\b(?P<v>gl(?:pat|rt|dt)-[0-9A-Za-z_\-]{20,64})", 1.0, final=True),
    Pattern(
        "npm-pypi",
        E.SECRET,
        r"\b(?P<v>npm_[A-Za-z0-9]{36}|pypi-[A-Za-z0-9_\-]{32,}|hf_[A-Za-z]{30,40}|dop_v1_[a-f0-9]{64}|SG\.[\w\-]{16,32}\.[\w\-]{16,64})",
        1.0,
        final=True,
    ),
    Pattern("jwt", E.SECRET, r"\b(?P<v>eyJ[A-Za-z0-9_\-]{8,}\.eyJ[A-Za-z0-9_\-]{8,}(?:\.[A-Za-z0-9_\-]*)?)", 1.0, final=True),
    Pattern("bearer", E.SECRET, r"\b(?:bearer|basic)\s+(?P<v>[A-Za-z0-9_\-.~+/]{16,}=*)", 0.95, check.random_looking, loose=True),
    Pattern(
        "assigned-secret",
        E.SECRET,
        r"(?:pass(?:word|wd|phrase)?|pwd|secret|token|api[_\- ]?key|access[_\- ]?key|private[_\- ]?key|client[_\- ]?secret|auth|credential|passwort|kennwort|contraseña|mot de passe|wachtwoord)[\w\-]*[\"']?\s*(?:=>|:=|=|:|\bis\b|\bist\b|\bes\b|\best\b)\s*[\"']?(?P<v>[^\s\"',;<>\]}]{6,})",
        0.85,
        check=lambda text: any(map(str.isdigit, text)) or any(not character.isalnum() for character in text[:-1]),
        loose=True,
    ),
    Pattern("url-password", E.SECRET, r"[a-z][a-z0-9+.\-]+://[^\s:/@]+:(?P<v>[^\s/@]+)@", 0.95, loose=True),
    Pattern("long-hex", E.SECRET, r"\b(?P<v>[0-9a-f]{40,})\b", 0.5),
)
