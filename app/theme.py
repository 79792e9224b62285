"""The colours and type of the pages, light and dark, as Streamlit's settings."""

_LIGHT = {
    "primaryColor": "#0f6e72",
    "backgroundColor": "#ffffff",
    "secondaryBackgroundColor": "#f3f5f7",
    "textColor": "#1b2430",
    "linkColor": "#0b5c8f",
    "borderColor": "#dbe0e6",
}
_DARK = {
    "primaryColor": "#4fc3c0",
    "backgroundColor": "#10151b",
    "secondaryBackgroundColor": "#1a212a",
    "textColor": "#e4e9ee",
    "linkColor": "#7cc4f0",
    "borderColor": "#2d3742",
}
_BOTH = {
    "font": "Inter, 'Source Sans', system-ui, sans-serif",
    "baseFontSize": 15,
    "baseRadius": "6px",
    "buttonRadius": "6px",
    "showWidgetBorder": True,
}

THEME: dict[str, object] = {
    **{f"theme.{name}": value for name, value in _BOTH.items()},
    **{f"theme.light.{name}": value for name, value in _LIGHT.items()},
    **{f"theme.dark.{name}": value for name, value in _DARK.items()},
}
"""By name of the setting; a browser chooses light or dark as its person prefers."""
