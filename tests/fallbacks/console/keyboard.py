"""Hands on a keyboard: presses keys, counts them, and never touches a mouse."""

from dataclasses import dataclass

from playwright.sync_api import Page, expect


@dataclass
class Keyboard:
    """pressed: keys since the last `count`. Text typed into a field counts as text, not as keys."""

    page: Page
    pressed: int = 0

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)
            self.pressed += 1

    def count(self) -> int:
        pressed, self.pressed = self.pressed, 0
        return pressed

    @property
    def at_hand(self) -> str:
        """The item on the screen, once it is ready for the next key."""
        expect(self.page.locator("#main:not([aria-busy])")).to_be_attached()
        return self.page.locator("#main").get_attribute("data-ticket") or ""

    def expect_next(self, before: str) -> str:
        """Wait for another item, or for the end; returns the new one, "" at the end."""
        expect(self.page.locator(f'#main:not([data-ticket="{before}"]):not([aria-busy])')).to_be_attached()
        return self.page.locator("#main").get_attribute("data-ticket") or ""
