"""How Salesforce writes values: JSON of the REST API and CSV of Bulk API 2.0.

Pages are put together by the database (`json_expression`, `csv_expression`), so that a million rows never pass through
Python objects. Both formats write a double as Java does: always with a point, and from ten million on with an exponent.
"""

from __future__ import annotations

from datetime import datetime

#: SQL macros that the expressions below call; created once in every org's database.
MACROS = """
CREATE MACRO wire_scientific(digits, exponent) AS
    digits[1] || '.' || coalesce(nullif(digits[2:], ''), '0') || 'E' || exponent;
CREATE MACRO wire_mantissa(whole, fraction, exponent) AS
    CASE WHEN whole <> '0'
         THEN wire_scientific(whole[1] || rtrim(whole[2:] || fraction, '0'), length(whole) - 1 + exponent)
         ELSE wire_scientific(rtrim(ltrim(fraction, '0'), '0'), length(ltrim(fraction, '0')) - length(fraction) - 1)
    END;
CREATE MACRO wire_positive(shortest) AS
    wire_mantissa(
        split_part(split_part(shortest, 'e', 1), '.', 1),
        split_part(split_part(shortest, 'e', 1), '.', 2),
        coalesce(TRY_CAST(split_part(shortest, 'e', 2) AS INTEGER), 0)
    );
CREATE MACRO wire_double(x) AS
    CASE WHEN x = 0 THEN '0.0'
         WHEN abs(x) >= 1e-3 AND abs(x) < 1e7 THEN CAST(x AS VARCHAR)
         ELSE CASE WHEN x < 0 THEN '-' ELSE '' END || wire_positive(CAST(abs(x) AS VARCHAR))
    END;
"""

_DOUBLES = frozenset({"double", "currency", "percent"})
_PLAIN = frozenset({"boolean", "int", "long"})


def json_expression(sql: str, field_type: str) -> str:
    """An SQL expression for the JSON text of a value of this describe type; never NULL."""
    if field_type in _PLAIN:
        text = f"CAST({sql} AS VARCHAR)"
    elif field_type in _DOUBLES:
        text = f"wire_double(CAST({sql} AS DOUBLE))"
    elif field_type == "datetime":
        text = f"strftime({sql}, '\"%Y-%m-%dT%H:%M:%S.%g+0000\"')"
    elif field_type == "date":
        text = f"strftime({sql}, '\"%Y-%m-%d\"')"
    elif field_type == "time":
        text = f"strftime(DATE '2000-01-01' + {sql}, '\"%H:%M:%S.%gZ\"')"
    else:
        text = f"CAST(to_json({sql}) AS VARCHAR)"
    return f"coalesce({text}, 'null')"


def csv_expression(sql: str, field_type: str) -> str:
    """An SQL expression for the text of a value in a Bulk API 2.0 result; an empty value is an empty text."""
    if field_type in _DOUBLES:
        text = f"wire_double(CAST({sql} AS DOUBLE))"
    elif field_type == "datetime":
        text = f"strftime({sql}, '%Y-%m-%dT%H:%M:%S.%gZ')"
    elif field_type == "date":
        text = f"strftime({sql}, '%Y-%m-%d')"
    elif field_type == "time":
        text = f"strftime(DATE '2000-01-01' + {sql}, '%H:%M:%S.%gZ')"
    else:
        text = f"CAST({sql} AS VARCHAR)"
    return f"coalesce({text}, '')"


def json_datetime(moment: datetime) -> str:
    """A moment (UTC) as the REST API writes it: `2022-02-15T06:21:19.000+0000`."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}+0000"


def soap_datetime(moment: datetime) -> str:
    """A moment (UTC) as the SOAP API writes it: `2022-02-15T06:21:19.000Z`."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"
