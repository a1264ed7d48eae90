"""The detectors of the papers' tables that train several networks, one paper a module."""
