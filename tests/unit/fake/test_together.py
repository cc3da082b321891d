from __future__ import annotations

from threading import Thread

import pytest

from sfsync.fake.database import Undone

NEW = {"LastName": "Doe", "Company": "Acme"}


def test_what_is_written_together_is_seen_at_once_and_stays(org):
    with org.database.together():
        assert org.database.joined
        [lead] = org.insert("Lead", [NEW])
        org.update("Lead", lead, {"Company": "New"})
        assert org.count("Lead") == 1
    assert not org.database.joined
    assert org.record("Lead", lead)["Company"] == "New"


def test_what_is_undone_leaves_nothing(org):
    with org.database.together():
        org.insert("Lead", [NEW])
        raise Undone
    assert org.count("Lead") == 0


def test_an_error_undoes_everything_and_comes_out(org):
    with pytest.raises(ZeroDivisionError), org.database.together():
        org.insert("Lead", [NEW])
        _ = 1 / 0
    assert org.count("Lead") == 0
    assert not org.database.joined


def test_one_within_another_ends_like_the_other(org):
    with org.database.together():
        org.insert("Lead", [NEW])
        with org.database.together():
            org.insert("Lead", [NEW])
            raise Undone
    assert org.count("Lead") == 0
    with org.database.together():
        with org.database.together():
            org.insert("Lead", [NEW])
        org.insert("Lead", [NEW])
    assert org.count("Lead") == 2


def test_a_refused_write_within_undoes_the_whole(org):
    with org.database.together():
        org.insert("Lead", [NEW])
        with pytest.raises(ValueError, match="stop"), org.database.writing():
            raise ValueError("stop")
    assert org.count("Lead") == 0


def test_others_see_nothing_of_it_before_its_end(org):
    counted = []
    with org.database.together():
        org.insert("Lead", [NEW])
        other = Thread(target=lambda: counted.append(org.count("Lead")))
        other.start()
        other.join()
    assert counted == [0]
