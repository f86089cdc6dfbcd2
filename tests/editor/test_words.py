"""Selecting by words: matches glow while one types, chips can be edited, and what is not here says so."""

import httpx
import pytest

from tests.editor.conftest import Editor

pytestmark = pytest.mark.soak  # the browser takes long


def test_words_select_and_the_label_comes_with_them(editor: Editor) -> None:
    editor.describe("the person")
    assert [chip.inner_text().strip() for chip in editor.page.locator(".chip").all()] == ["person"]
    told = editor.page.inner_text("#found .count")
    assert told.endswith("found")
    editor.page.press("#describe", "Enter")
    kept = editor.objects()
    assert len(kept) == int(told.split()[0]) > 0
    for rank, each in enumerate(kept):
        assert (each["label"], each["rank"]) == ("person", rank)
        assert each["prompts"] == [{"type": "text", "text": "the person"}]
    assert editor.page.is_hidden("#found")
    editor.page.keyboard.press("Control+z")  # all of them were one step
    assert editor.objects() == []


def test_what_nearly_fits_is_one_click_away(editor: Editor) -> None:
    address = f"{editor.server.address}v1/images/{editor.image}/select"
    for noun in ("person", "umbrella", "helmet", "chair", "bottle", "clothing", "shirt", "dress"):
        body = {"prompts": [{"type": "text", "text": noun}], "refine": "off"}
        answer = httpx.post(address, json=body, timeout=60).json()
        if answer["masks"] and answer["texts"][0]["below"]:
            break
    else:
        pytest.fail("none of these nouns has masks that fit and masks that nearly do: name others")
    editor.describe(noun)
    editor.page.locator("#found .row", has_text="Nearly:").locator(".near").first.click()
    (kept,) = editor.objects()  # that one alone
    assert kept["mask"] == answer["texts"][0]["below"][0]["id"]


def test_what_is_not_here_says_so_and_the_nearest_is_one_click_away(editor: Editor) -> None:
    editor.describe("the dog")
    assert editor.page.inner_text("#found .count") == "Not here"
    assert "Nothing looks like dog" in editor.page.inner_text("#found .reason")
    editor.page.locator("#found .near").first.click()
    assert len(editor.objects()) == 1


def test_chips_are_edited_and_removed_and_words_not_used_are_told(editor: Editor) -> None:
    editor.describe("the striped dog next to the person")
    chips = editor.page.locator(".chip")
    assert [" ".join(text.split()) for text in chips.all_inner_texts()] == ["dog", "next to person", "not used striped"]
    editor.page.click("[aria-label='Change dog']")
    editor.page.keyboard.type("person")
    editor.page.keyboard.press("Enter")
    editor.page.wait_for_selector("[aria-label='Change person'] >> nth=1")
    editor.page.click("[aria-label='Change next to']")  # the words of a list are chosen from it
    editor.page.select_option("[aria-label='Instead of next to']", "left of")
    editor.page.click("[aria-label='Remove left of person']")
    editor.page.wait_for_selector("#found .count:has-text('found')")
    editor.page.click("#found .button")
    (kept, *_) = editor.objects()
    assert kept["prompts"][0]["query"]["find"] == ["person"]
    assert "relations" not in kept["prompts"][0]["query"]


def test_an_unknown_word_offers_known_ones_and_half_a_text_is_no_error(editor: Editor) -> None:
    editor.page.fill("#describe", "the")
    editor.page.wait_for_selector("#found:has-text('for example')")
    assert "Not here" not in editor.page.inner_text("#found")
    editor.describe("the gras")
    editor.page.locator("#found .near").first.click()
    assert editor.page.input_value("#describe") == "the gas"
    editor.page.keyboard.press("Escape")
    assert editor.page.is_hidden("#found")
