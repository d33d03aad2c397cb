"""axe-core, the accessibility engine, run inside a page that a real browser shows."""

import json
from functools import cache
from importlib.resources import files

WCAG = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
# All that a theme may break.
COLORS = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}


@cache
def engine() -> str:
    """Return the engine, which a package of the tests carries."""
    return files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")


def violations(tab, *, rules=WCAG) -> list[list]:
    """Return what breaks WCAG 2.2 AA in the page: the rule, how often, and where first."""
    if tab.ask("typeof axe") == "undefined":
        tab.ask(engine())
    options = json.dumps({"runOnly": rules, "resultTypes": ["violations"]})
    told = "(one) => [one.id, one.nodes.length, one.nodes[0].html]"
    answer = tab.do(
        "Runtime.evaluate",
        expression=f"axe.run({options}).then((found) => found.violations.map({told}))",
        awaitPromise=True,
        returnByValue=True,
    )
    assert "exceptionDetails" not in answer, answer
    return answer["result"]["value"]
