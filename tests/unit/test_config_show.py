"""Settings as text: secrets hidden, every setting documented."""

import tomllib

import pytest

from streamgate.config import load, reference, show
from streamgate.config._fields import Leaf, leaves


def test_secrets_are_hidden() -> None:
    """Neither show nor repr tells one; show is TOML and says where values came from."""
    settings = load(None, {"STREAMGATE_EGRESS__API_KEY": "PLANTED", "STREAMGATE_EGRESS__BUDGETS": '{"m": {}}'})
    text = show(settings)
    assert "PLANTED" not in text + repr(settings) + str(settings)
    assert tomllib.loads(text)["egress"]["api_key"] == "********"
    assert "# STREAMGATE_EGRESS__API_KEY" in text


def test_show_tells_every_setting() -> None:
    """Set or not set, each stands there."""
    text = show(load(None, {}))
    document = tomllib.loads(text)
    assert document["kafka"]["partitions"] == 12
    assert all(leaf.path.rpartition(".")[2] in text for leaf in leaves())


@pytest.mark.parametrize("leaf", leaves(), ids=lambda leaf: leaf.path)
def test_every_setting_is_documented(leaf: Leaf) -> None:
    """Each has a sentence, and stands in the reference with its variable."""
    assert leaf.field.description
    assert leaf.field.description.endswith(".")
    assert f"| `{leaf.path}` | `{leaf.variable}` |" in reference()


@pytest.mark.parametrize("leaf", leaves(), ids=lambda leaf: leaf.path)
def test_what_is_secret_has_a_secret_type(leaf: Leaf) -> None:
    """A name that sounds like a secret is one, or a file, or public."""
    name = leaf.path.rpartition(".")[2]
    if any(word in name for word in ("password", "secret", "key", "token")) and "public" not in name and "tokens" not in name:
        assert leaf.secret or leaf.is_path
