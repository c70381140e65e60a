"""The table of flags in ``docs/cli.md``, made from the settings themselves.

Print it with ``python -m commands.settings_table``; a test compares the document with it.
"""

from dataclasses import fields

from config import PRESETS, Config


def settings_table() -> str:
    """A Markdown table of all flags: section, name, default, value in the preset ``paper``, reason."""
    lines = ["| flag | default | what it is |", "|---|---|---|"]
    for section in fields(Config):
        lines.append(f"| **{section.name}** | | |")
        for setting in fields(getattr(Config(), section.name)):
            default = "" if setting.default is None else f"`{setting.default}`"
            if setting.name in PRESETS["paper"]:
                default += f" (paper: `{PRESETS['paper'][setting.name]}`)"
            choices = setting.metadata["choices"]
            reason = setting.metadata["reason"] + (
                f": {', '.join(f'`{c}`' for c in choices)}" if choices else ""
            )
            lines.append(f"| `--{setting.name}` | {default} | {reason} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(settings_table())
