from __future__ import annotations

from omero_rocrate_transfer.model import errors


def _all_errors(base: type[errors.TransferError]) -> list[type[errors.TransferError]]:
    """Return the errors of the module; other modules that are imported by now may have more."""
    below = [found for child in base.__subclasses__() for found in _all_errors(child)]
    return [error for error in [base, *below] if error.__module__ == errors.__name__]


def test_every_error_stands_in_the_tree_of_the_module_docstring() -> None:
    assert errors.__doc__ is not None
    for error in _all_errors(errors.TransferError):
        assert error.__name__ in errors.__doc__


def test_exit_codes_fit_the_documented_table() -> None:
    own_codes = {
        error: error.exit_code for error in _all_errors(errors.TransferError) if "exit_code" in vars(error)
    }

    assert sorted(own_codes.values()) == list(range(1, 10))


def test_error_ids_differ() -> None:
    found = [error.error_id for error in _all_errors(errors.TransferError)]

    assert len(found) == len(set(found))


def test_a_hint_follows_the_message() -> None:
    assert str(errors.NotFoundError("Image:3 is missing.", hint="Ask.")) == "Image:3 is missing. Ask."
    assert str(errors.NotFoundError("Image:3 is missing.")) == "Image:3 is missing."
