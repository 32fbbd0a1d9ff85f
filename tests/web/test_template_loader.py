"""Templates lose their indentation, and never the white space between words."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.template import Context, Engine

TEMPLATE = """
<p>
  {% if is_first %}
    one
  {% else %}{{ second }}
  {% endif %}
  {% for word in words %}
    {{ word }}
  {% endfor %}
  end
</p>
"""


@pytest.mark.parametrize(("is_first", "said"), [(True, "one"), (False, "two")])
@pytest.mark.parametrize("words", [[], ["a"], ["a", "b"]])
def test_one_line_break_is_left_where_lines_meet(tmp_path: Path, is_first: bool, said: str, words: list[str]) -> None:
    (tmp_path / "page.html").write_text(TEMPLATE)
    engine = Engine(dirs=[str(tmp_path)], loaders=["viewer.web.template_loader.Loader"])
    page = engine.get_template("page.html").render(Context({"is_first": is_first, "second": "two", "words": words}))
    assert page.strip().split("\n") == ["<p>", said, *words, "end", "</p>"]
