"""What the org says to a single record that it does not take: status codes and messages of Salesforce."""

from __future__ import annotations

from collections.abc import Sequence

from sfsync.fake.catalog import FieldFacts, ObjectFacts
from sfsync.fake.dml.outcome import RowError
from sfsync.fake.ids import to_15


def no_such_column(name: str, object_name: str) -> RowError:
    """A field that the object does not have, or that the user may not see."""
    return RowError("INVALID_FIELD", f"No such column '{name}' on sobject of type {object_name}")


def not_writable(names: Sequence[str]) -> RowError:
    """Fields that only the org itself sets, or that the user may not edit."""
    message = (
        f"Unable to create/update fields: {', '.join(names)}. Please check the security settings of this field and"
        " verify that it is read/write for your profile or permission set."
    )
    return RowError("INVALID_FIELD_FOR_INSERT_UPDATE", message, tuple(names))


def id_on_insert() -> RowError:
    """A new record cannot choose its Id."""
    return RowError("INVALID_FIELD_FOR_INSERT_UPDATE", "cannot specify Id in an insert call", ("Id",))


def not_insertable(facts: ObjectFacts) -> RowError:
    """Nobody, or not this user, makes records of this object."""
    # from memory
    return RowError("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", f"entity type cannot be inserted: {facts.label}")


def not_updatable(facts: ObjectFacts) -> RowError:
    """Nobody, or not this user, changes records of this object."""
    # from memory
    return RowError("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", f"entity type cannot be updated: {facts.label}")


def not_deletable(facts: ObjectFacts) -> RowError:
    """Records of this object cannot be deleted at all."""
    # from memory
    return RowError("INVALID_TYPE_FOR_OPERATION", f"entity type {facts.name} does not support delete")


def no_access() -> RowError:
    """This user may not do this to the record."""
    return RowError("INSUFFICIENT_ACCESS_OR_READONLY", "insufficient access rights on object id")


def required_missing(names: Sequence[str]) -> RowError:
    """Fields that must not be empty and are."""
    return RowError("REQUIRED_FIELD_MISSING", f"Required fields are missing: [{', '.join(names)}]", tuple(names))


def _bad_value(field: FieldFacts, code: str, complaint: str) -> RowError:
    return RowError(code, f"{field.label}: {complaint}", (field.name,))


def wrong_type(field: FieldFacts, value: object) -> RowError:
    """A value that the field's type does not have."""
    # from memory
    return _bad_value(field, "INVALID_TYPE_ON_FIELD_IN_RECORD", f"value not of required type: {value}")


def out_of_range(field: FieldFacts, value: object) -> RowError:
    """A number with more digits than the field has."""
    # from memory
    return _bad_value(field, "NUMBER_OUTSIDE_VALID_RANGE", f"value outside of valid range on numeric field: {value}")


def too_long(field: FieldFacts, value: str) -> RowError:
    """A text that is longer than the field."""
    return _bad_value(field, "STRING_TOO_LONG", f"data value too large: {value} (max length={field.length})")


def bad_email(field: FieldFacts, value: str) -> RowError:
    """A text that is no e-mail address."""
    return _bad_value(field, "INVALID_EMAIL_ADDRESS", f"invalid email address: {value}")


def bad_picklist_value(field: FieldFacts, value: str) -> RowError:
    """A value that a restricted picklist does not have."""
    return _bad_value(
        field, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", f"bad value for restricted picklist field: {value}"
    )


def wrong_id(label: str, value: object, field_name: str) -> RowError:
    """Not an Id, or the Id of another kind of record than the field points to."""
    return RowError("MALFORMED_ID", f"{label}: id value of incorrect type: {value}", (field_name,))


def malformed_id(value: object) -> RowError:
    """Not an Id of any object."""
    # from memory
    return RowError("MALFORMED_ID", f"malformed id {value}", ("Id",))


def closed_won(names: Sequence[str]) -> RowError:
    """An account that something was sold to."""
    # from memory
    message = (
        "Your attempt to delete this account could not be completed because some opportunities in that account were"
        f" closed won: {', '.join(names)}"
    )
    return RowError("DELETE_FAILED", message)


def id_missing() -> RowError:
    """An update of a record that is not named."""
    return RowError("MISSING_ARGUMENT", "Id not specified in an update call", ("Id",))


def key_missing(field: FieldFacts) -> RowError:
    """An upsert of a record without the value that tells which."""
    # from memory
    return RowError("MISSING_ARGUMENT", f"{field.name} not specified", (field.name,))


def unknown_record() -> RowError:
    """No record has this Id."""
    return RowError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")


def deleted_record() -> RowError:
    """The record lies in the recycle bin."""
    return RowError("ENTITY_IS_DELETED", "entity is deleted")


def unknown_parent(record_id: str) -> RowError:
    """A lookup to a record that is not there."""
    message = f"insufficient access rights on cross-reference id: {to_15(record_id)}"
    return RowError("INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY", message)


def no_owner(field: FieldFacts) -> RowError:
    """A record that would belong to nobody."""
    # from memory
    return RowError("FIELD_INTEGRITY_EXCEPTION", f"{field.label}: owner cannot be blank", (field.name,))


def inactive_owner(user_id: str, object_name: str) -> RowError:
    """A new owner who is no longer there."""
    # from memory
    message = f"operation performed with inactive user [{to_15(user_id)}] as owner of {object_name.lower()}"
    return RowError("INACTIVE_OWNER_OR_USER", message)


def converted_lead() -> RowError:
    """A converted lead stays as it is."""
    return RowError("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead")


def duplicate_value(field: FieldFacts, other: str) -> RowError:
    """A unique value that another record has."""
    message = f"duplicate value found: {field.name} duplicates value on record with id: {to_15(other)}"
    return RowError("DUPLICATE_VALUE", message)


def already_a_member() -> RowError:
    """Nobody is in a campaign twice."""
    # from memory
    return RowError("DUPLICATE_VALUE", "Already a campaign member.")


def duplicate_key(field: FieldFacts, value: object) -> RowError:
    """Two records of one upsert with the same external ID."""
    # from memory
    return RowError("DUPLICATE_VALUE", f"Duplicate external id specified: {value}", (field.name,))


def several_matches(field: FieldFacts, ids: Sequence[str]) -> RowError:
    """An external ID that several records have."""
    # from memory
    message = f"{field.name}: more than one record found for external id field: [{', '.join(ids)}]"
    return RowError("DUPLICATE_EXTERNAL_ID", message, (field.name,))


def no_foreign_key(field: FieldFacts, value: object, entity: str) -> RowError:
    """A parent named by an external ID that no record has."""
    message = f"Foreign key external ID: {value} not found for field {field.name} in entity {entity}"
    return RowError("INVALID_FIELD", message)


def not_in_bin() -> RowError:
    """An undelete of what was not deleted, or is gone for good."""
    # from memory
    return RowError("UNDELETE_FAILED", "Entity is not in the recycle bin")


def rolled_back() -> RowError:
    """Nothing is wrong with the record but its company."""
    message = "Record rolled back because not all records were valid and the request was using AllOrNone header"
    return RowError("ALL_OR_NONE_OPERATION_ROLLED_BACK", message)
