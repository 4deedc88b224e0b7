"""Every setting of the program: one file for each subject, read together by `loading`."""

from core.settings.loading import (
    SECTIONS,
    Settings,
    get_settings,
    load_settings,
    settings_instead,
)

__all__ = ["SECTIONS", "Settings", "get_settings", "load_settings", "settings_instead"]
