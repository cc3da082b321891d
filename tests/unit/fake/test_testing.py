from __future__ import annotations

import subprocess
import sys

import pytest
import requests

import sfsync
from sfsync.fake import FakeOrg


def test_the_fixture_is_a_fresh_made_up_org(fake_org):
    assert fake_org.count("Lead") == 400
    fake_org.insert("Lead", [{"LastName": "one more", "Company": "X"}])


def test_the_fixture_is_fresh_again(fake_org):
    assert fake_org.count("Lead") == 400
    assert fake_org.planted


def test_the_server_fixture_serves_the_same_org(fake_org, fake_org_server):
    with requests.Session() as session:
        session.trust_env = False
        headers = {"Authorization": f"Bearer {fake_org.token}"}
        url = f"{fake_org_server.url}/services/data/v60.0/limits"
        assert session.get(url, headers=headers, verify=str(fake_org_server.ca_file)).status_code == 200
    assert len(fake_org.requests) == 1


def test_importing_the_plugin_costs_nothing():
    heavy = ("duckdb", "requests", "werkzeug", "simple_salesforce", "trustme", "cryptography", "sqlglot", "orjson")
    code = f"import sfsync.testing, sys; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_public_name_is_the_same_class():
    assert sfsync.FakeOrg is FakeOrg


def test_a_new_org_imports_what_it_needs_and_no_more():
    needless = ("requests", "werkzeug", "sqlglot", "pandas", "pyarrow", "urllib3", "xml.sax")
    needless += ("sfsync.records", "sfsync.soql", "sfsync.fake.app", "sfsync.fake.dml.writes")
    needless += ("sfsync.fake.weather.troubles", "sfsync.fake.data_folder", "sfsync.fake.behaviour.behaviour")
    code = (
        "import sys; from sfsync.fake import FakeOrg; FakeOrg.empty().close();"
        f" print([name for name in {needless} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("package", ["sfsync.fake.dml", "sfsync.fake.weather"])
def test_whatever_a_package_offers_is_there_whoever_was_imported_first(package):
    code = (
        f"import importlib, pkgutil, types; package = importlib.import_module('{package}')\n"
        "for module in pkgutil.iter_modules(package.__path__): importlib.import_module(f'{package.__name__}.{module.name}')\n"
        "wrong = [name for name in package.__all__ if isinstance(getattr(package, name), types.ModuleType)]\n"
        "print(sorted(wrong)); print(hasattr(package, 'nonsense'))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    modules = "['direct', 'loading']" if package.endswith("dml") else "[]"
    assert done.stdout.split("\n")[:2] == [modules, "False"]
