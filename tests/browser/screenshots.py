"""Takes the pictures of the README from a running demo: `python -m tests.browser.screenshots URL USER`.

The password is asked for, or read from the variable PASSWORD. Pictures go to docs/images as PNG of at most 150 KB.
"""

from __future__ import annotations

import argparse
import getpass
import io
import os
import shutil
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "images"
WIDE, PHONE = {"width": 1440, "height": 900}, {"width": 320, "height": 640}
SHOTS = {
    "overview": ("/", WIDE, "light"),
    "overview-dark": ("/", WIDE, "dark"),
    "accounts": ("/accounts/", WIDE, "light"),
    "account": ("/accounts/x/HHSGov/?days=365", WIDE, "light"),
    "compare": ("/?account=x/HHSGov&account=x/CDCgov&account=x/NIH&days=365", WIDE, "light"),
    "scraping": ("/scraping/", WIDE, "light"),
    "overview-phone": ("/", PHONE, "light"),
}
MAX_BYTES = 150_000
COLOURS = (256, 128, 64, 32)


def main() -> None:
    """Sign in and take every picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("user")
    options = parser.parse_args()
    password = os.environ.get("PASSWORD") or getpass.getpass(f"Password of {options.user}: ")
    FOLDER.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(base_url=options.url.rstrip("/"))
        sign_in(page, options.user, password)
        for name, (path, size, theme) in SHOTS.items():
            page.set_viewport_size(size)
            page.evaluate("theme => localStorage.setItem('theme', theme)", theme)
            page.goto(path)
            page.wait_for_load_state("networkidle")
            (FOLDER / f"{name}.png").write_bytes(small_enough(page.screenshot()))
        browser.close()


def sign_in(page: Page, user: str, password: str) -> None:
    """Through the form, as a person does."""
    page.goto("/login/")
    page.get_by_label("Username").fill(user)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: "/login/" not in url)


def small_enough(picture: bytes) -> bytes:
    """The same PNG with a palette, of as many colours as MAX_BYTES allow."""
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    for colours in COLOURS:
        packed = io.BytesIO()
        image.quantize(colours, dither=Image.Dither.NONE).save(packed, "PNG", optimize=True)
        if packed.tell() <= MAX_BYTES:
            return packed.getvalue()
    raise SystemExit(f"A picture stays above {MAX_BYTES:,} bytes with {COLOURS[-1]} colours.")


if __name__ == "__main__":
    main()
