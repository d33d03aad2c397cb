"""What a page says, and what a checker of accessibility would look at."""

from html.parser import HTMLParser

VOID = {"meta", "link", "input", "br", "img", "rect", "path", "line", "circle"}


class Page(HTMLParser):
    """A page taken apart: its elements, in order, and the words that people read."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.words = ""
        self._inside: list[str] = []
        self.feed(content)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self._inside.append(tag)

    def handle_endtag(self, tag):
        if tag in self._inside:
            while self._inside.pop() != tag:
                pass

    def handle_data(self, data):
        if "script" not in self._inside and "style" not in self._inside:
            self.words += data

    def all(self, *tags) -> list[dict[str, str]]:
        return [attributes for tag, attributes in self.elements if tag in tags]

    def headings(self) -> list[int]:
        return [int(tag[1]) for tag, _ in self.elements if tag in ("h1", "h2", "h3", "h4")]
