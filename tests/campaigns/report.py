"""What campaigns count."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Report:
    """Figures of one campaign by what they count, and whatever was wrong, in words."""

    title: str
    figures: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    seconds: float = 0

    def count(self, what: str, number: int = 1) -> None:
        """Add to a figure."""
        self.figures[what] += number

    def expect(self, condition: object, message: str) -> None:
        """Note what is wrong unless the condition holds."""
        if not condition:
            self.wrong.append(message)

    def __str__(self) -> str:
        lines = [f"{self.title} ({self.seconds:.0f} s)"]
        lines += [f"  {number:6}  {what}" for what, number in self.figures.items()]
        lines += [f"  {len(self.wrong):6}  wrong"]
        lines += [f"          {message}" for message in self.wrong[:20]]
        return "\n".join(lines)
