"""The entries of API_HOSTS: what each allows, and what is none."""

from __future__ import annotations

import pytest

from viewer.deployment.api_hosts import is_allowed, read_address, read_entries


@pytest.mark.parametrize(
    ("entry", "allowed", "refused"),
    [
        ("api.openai.com", ["https://api.openai.com/v1", "https://API.OpenAI.com:443"], ["http://api.openai.com", "https://api.openai.com:8443", "https://x.api.openai.com"]),
        ("host.example:443", ["https://host.example", "https://host.example:443"], ["https://host.example:444"]),
        ("host.example:8443", ["https://host.example:8443"], ["https://host.example", "http://host.example:8443"]),
        (".openai.azure.com", ["https://a.openai.azure.com", "https://a.b.openai.azure.com"], ["https://openai.azure.com", "https://aopenai.azure.com", "https://a.openai.azure.com:444"]),
        ("::1", ["http://[::1]/v1", "https://[::1]", "https://[0::1]:443"], ["http://[::1]:8113"]),
        ("[::1]", ["http://[::1]/v1"], ["http://[::2]/v1"]),
        ("[::1]:8113", ["http://[::1]:8113", "https://[::1]:8113"], ["http://[::1]"]),
        ("[2001:db8::7]:443", ["https://[2001:db8:0::7]"], ["http://[2001:db8::7]"]),
        ("localhost:11434", ["http://localhost:11434/v1"], ["http://127.0.0.1:11434"]),
        ("http://ollama:11434", ["http://ollama:11434/v1"], ["https://ollama:11434", "http://ollama", "http://ollama.example:11434"]),
        ("http://10.1.2.3", ["http://10.1.2.3", "http://10.1.2.3:80"], ["https://10.1.2.3", "http://10.1.2.4"]),
        ("http://llm.internal:8000", ["http://llm.internal:8000"], []),
        ("http://[fd00::7]:8000", ["http://[fd00::7]:8000"], ["http://[fd00::8]:8000"]),
        ("https://gw.example", ["https://gw.example"], ["http://gw.example"]),
        ("HOST.example", ["https://host.example"], []),
    ],
)  # fmt: skip
def test_an_entry_allows_what_it_says_and_nothing_else(entry: str, allowed: list[str], refused: list[str]) -> None:
    entries = read_entries(f" , {entry}")
    assert [url for url in allowed if not is_allowed(read_address(url), entries)] == []
    assert [url for url in refused if is_allowed(read_address(url), entries)] == []


@pytest.mark.parametrize(
    "entry",
    [
        "*", "*.openai.com", "a;b", "a b", "https://", "ftp://a", "a/v1", "https://a/v1", "a:http", "a:0", "a:70000", "a:", "[::1", "::1]:8", "user@a",
        "http://api.openai.com", "http://8.8.8.8", "http://.internal", ".", "..a", "a?b", "a#b", "[fe80::1%eth0]:443", "аpi.openai.com", "-",
        "http://0.0.0.0",
    ],
)  # fmt: skip
def test_what_is_not_understood_is_named(entry: str) -> None:
    with pytest.raises(ValueError, match=r"is not understood|in the clear"):
        read_entries(f"api.openai.com,{entry}")
