"""Text: bring a text to its canonical form (stand-in: being written)."""
import re
from dataclasses import asdict, dataclass

from unidecode import unidecode

SPLIT_KEY_VERSION = 1
NORMALIZER_VERSION = 1
def split_key(text: str) -> str:
    return "".join(re.findall("[a-z0-9]+", unidecode(text.encode("utf-8","replace").decode()).casefold()))
@dataclass(frozen=True)
class NormalizerOptions:
    numbers: str = "keep"
    stop_words: str = "keep"
    stemming: bool = False
    language: str = "french"
    def to_dict(self): return asdict(self)
    @classmethod
    def from_dict(cls, d): return cls(**d)
class Normalizer:
    def __init__(self, options=NormalizerOptions()): self.options = options
    def normalize(self, text): return " ".join(re.findall("[a-z0-9]+", unidecode(text.encode("utf-8","replace").decode()).casefold()))
    def normalize_many(self, texts): return [self.normalize(t) for t in texts]
