"""Settings: what comes from the environment, and what from a file."""

import pytest

from app.settings import Settings


def test_the_databases_address_may_stand_in_a_file(tmp_path):
    (tmp_path / "url").write_text("postgresql://bgad:secret@database/bgad\n")
    settings = Settings.from_environment({"BGAD_DATABASE_URL_FILE": str(tmp_path / "url")})
    assert settings.database_url == "postgresql://bgad:secret@database/bgad"
    with pytest.raises(ValueError, match=r"BGAD_DATABASE_URL_FILE is \S+, which cannot be read"):
        Settings.from_environment({"BGAD_DATABASE_URL_FILE": str(tmp_path / "nothing")})
