"""Names are text that can be stored and written anywhere; text that cannot be stored is refused alike."""

import os
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage import images
from storage.errors import BadText
from storage.models import Image
from storage.text import check_storable, is_text, visible
from tests.storage.seeds import a_project

ODD = st.text(st.characters(codec=None, exclude_categories=()) | st.sampled_from("\0\x01\x7f\x85\\\u2028\ufffe\udce9"))


@given(ODD)
def test_a_name_made_visible_can_be_stored_and_comes_back_out_of_xml(name):
    shown = visible(name)
    check_storable(shown)
    element = ElementTree.Element("image", name=shown)
    assert ElementTree.fromstring(ElementTree.tostring(element)).get("name") == shown
    assert visible(shown) == shown


@given(ODD)
def test_text_stays_as_it_is_and_nothing_of_it_is_lost(name):
    kept = "".join(filter(is_text, name))
    letters = iter(visible(name))
    assert all(letter in letters for letter in kept)
    if kept == name:
        assert visible(name) == name


@given(ODD.filter(lambda name: "\\" not in name), ODD.filter(lambda name: "\\" not in name))
def test_two_names_without_backslashes_stay_two(one, other):
    assert (visible(one) == visible(other)) == (one == other)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a\x01b.png", r"a\x01b.png"),
        (os.fsdecode(b"caf\xe9.png"), r"caf\xe9.png"),
        ("\x85", r"\u0085"),
        ("\ud800", r"\ud800"),
        ("n\0l", r"n\x00l"),
        (r"back\x01slash", r"back\x01slash"),
        ("日本 é.png", "日本 é.png"),
    ],
)
def test_each_kind_of_character_has_its_escape(name, shown):
    assert visible(name) == shown


@pytest.mark.parametrize("bad", ["n\0l", "half \ud800", os.fsdecode(b"\xe9")])
def test_what_one_database_cannot_hold_is_refused_by_both(database, bad):
    with pytest.raises(BadText, match="which is no character: leave it out"), database.write() as session:
        images.create_project(session, name=f"line {bad}", settings={})
    with database.write() as session:
        project = a_project(session)
        with pytest.raises(BadText, match="no character"):
            images.unranked(session, project.id, search=bad)


def test_a_number_beyond_the_database_is_a_sentence(database):
    with pytest.raises(BadText, match="larger than a database can hold"), database.read() as session:
        session.get(Image, 2**70)
