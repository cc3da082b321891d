from __future__ import annotations

import pytest

from sfsync.soql.place import NOWHERE, Place

WSDL = "Please reference your WSDL or the describe call for the appropriate names."


def pointing_at(text: str, word: str) -> str:
    return Place(text, text.index(word)).error("text").message


def test_a_short_statement_is_shown_whole_with_a_caret_under_the_place():
    assert (
        pointing_at("SELECT Foo FROM Lead", "Foo") == "\nSELECT Foo FROM Lead\n       ^\nERROR at Row:1:Column:8\ntext"
    )


@pytest.mark.parametrize(
    ("text", "word", "shown"),
    [
        (
            "SELECT Id FROM Account SET OPTIONS (honorEmptyStrings = true) LIMIT 1",
            " LIMIT",
            f"OPTIONS (honorEmptyStrings = true) LIMIT 1\n{' ' * 34}^\nERROR at Row:1:Column:62",
        ),
        (
            "Select Id, Status, Location, Body from ApexLog",
            "Body",
            f"Select Id, Status, Location, Body from ApexLog\n{' ' * 29}^\nERROR at Row:1:Column:30",
        ),
        (
            "SELECT Id\nFROM Maycur_Form__c",
            "Maycur",
            f"FROM Maycur_Form__c\n{' ' * 5}^\nERROR at Row:2:Column:6",
        ),
    ],
)
def test_a_long_statement_is_cut_where_salesforce_cuts_it(text: str, word: str, shown: str):
    assert pointing_at(text, word) == f"\n{shown}\ntext"


def test_an_excerpt_that_begins_on_a_blank_keeps_it():
    text = "SELECT Aaaa, Bbbb, Cccc, Dddd, Eeee, Ffff, Gggg FROM Lead"
    place = Place(text, 30 + text.index(" Bbbb"))
    assert place.excerpt().split("\n")[1].startswith(" Bbbb")
    assert place.excerpt().split("\n")[2] == " " * 30 + "^"


def test_an_excerpt_ends_with_a_whole_word():
    text = "SELECT Foo, " + "A" * 40 + ", Bbbb FROM Lead"
    assert Place(text, 7).excerpt().split("\n")[1] == "SELECT Foo, " + "A" * 40 + ","


def test_the_error_carries_code_row_column_and_the_bare_sentence():
    error = Place("SELECT Id\nFROM Foo", 15).error("no", code="INVALID_TYPE", hint="try Lead")
    assert (error.code, error.row, error.column, error.hint) == ("INVALID_TYPE", 2, 6, "try Lead")
    assert error.context == {"code": "INVALID_TYPE", "row": 2, "column": 6, "text": "no"}


def test_an_error_without_excerpt_is_the_sentence_alone():
    error = Place("SELECT Id, Id FROM Lead", 11).error("duplicate field selected: Id", excerpt=False)
    assert error.message == "duplicate field selected: Id"
    assert error.row is None
    assert error.context["column"] == 12


def test_a_node_made_by_a_program_has_nothing_to_point_at():
    error = NOWHERE.error("text")
    assert (error.message, error.row, error.column) == ("text", None, None)
