"""`sfsync fake serve`: weather from a file, levers over TLS, and never a doubt that it is a fake."""

from __future__ import annotations

import requests

DATA = "/services/data/v60.0"


def test_the_server_has_the_weather_of_its_file_and_levers_of_its_own(serve_fake_org, tmp_path):
    file = tmp_path / "storm.yml"
    file.write_text("- trouble: unavailable\n  path: /limits\n  times: 2\n")
    with serve_fake_org("--weather", file, "--leads", "60") as served, requests.Session() as session:
        session.trust_env = False
        session.verify = served.ca_file
        session.headers["Authorization"] = f"Bearer {served.token}"
        answers = [session.get(f"{served.url}{DATA}/limits").status_code for _ in range(3)]
        assert answers == [503, 503, 200]
        state = session.get(f"{served.url}/_fake/state").json()
        assert state["objects"]["Lead"] == 60
        assert state["weather"][0]["struck"] == 2
        assert session.post(f"{served.url}/_fake/reset").json()["weather"] == []
        assert session.get(f"{served.url}{DATA}/limits").status_code == 200


def test_it_says_that_it_is_a_fake_before_anything_else(sfsync, tmp_path):
    outcome = sfsync("fake", "serve", "--port", "0", "--data", tmp_path / "none")
    assert outcome.err.splitlines()[0].startswith("This is a fake Salesforce org")


def test_bad_weather_is_told_with_its_place_before_the_org_is_made(sfsync, tmp_path):
    file = tmp_path / "storm.yml"
    file.write_text("weather:\n  - trouble: unavailble\n")
    outcome = sfsync("fake", "serve", "--port", "0", "--weather", file, "--json")
    assert outcome.code == 2
    assert "storm.yml:2:5: `unavailble` is not a trouble" in outcome.err
    assert "did you mean `unavailable`?" in outcome.err
    assert outcome.json["name"] == "ConfigError"


def test_a_public_address_is_warned_of(serve_fake_org, start_sfsync):
    process = start_sfsync("fake", "serve", "--host", "0.0.0.0", "--port", "0", "--json", "--leads", "60")
    try:
        process.stdout.readline()
    finally:
        process.terminate()
        _, err = process.communicate(timeout=30)
    assert "warning: 0.0.0.0 is not a loopback address" in err
