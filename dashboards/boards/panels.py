"""Kinds of panels: each function makes one of Grafana's with the looks of this house. No expression of a board.

`text` says what is seen, `empty` what it means when nothing is: the two make the panel's description.
"""

from __future__ import annotations

import typing as t

from grafana_foundation_sdk.builders import (
    bargauge,
    common,
    heatmap,
    piechart,
    prometheus,
    statetimeline,
    timeseries,
)
from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.builders import (
    stat as stats,
)
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import common as kinds
from grafana_foundation_sdk.models import dashboard
from grafana_foundation_sdk.models.heatmap import HeatmapColorMode
from grafana_foundation_sdk.models.piechart import PieChartLegendValues, PieChartType
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from dashboards.boards.links import runbook
from dashboards.boards.variables import SOURCE

Panel = dashboard.Panel
Step = tuple[float | None, str]
"""From which value on which colour; None for the first."""

NEVER = "never"
"""For `empty`: the expression always returns something."""

GOOD_BAD: tuple[Step, ...] = ((None, "green"), (1, "red"))
GOOD_ODD: tuple[Step, ...] = ((None, "green"), (1, "orange"))
PLAIN: tuple[Step, ...] = ((None, "blue"),)
COLOURS = {
    "Healthy": "green",
    "Synced": "green",
    "Succeeded": "green",
    "success": "green",
    "allow": "green",
    "Progressing": "blue",
    "Running": "blue",
    "OutOfSync": "orange",
    "Missing": "orange",
    "rolled_back": "orange",
    "Degraded": "red",
    "Failed": "red",
    "Error": "red",
    "error": "red",
    "failed": "red",
    "deny": "red",
    "Suspended": "purple",
    "freeze": "purple",
    "Unknown": "text",
}
"""One colour for one word on all boards."""


EXEMPLARS = (
    "lynceus_reconcile_duration_seconds_bucket",
    "lynceus_reconcile_stage_seconds_bucket",
    "lynceus_deployment_lead_time_seconds_bucket",
    "argocd_git_request_duration_seconds_bucket",
)
"""Histograms whose observations carry the id of a trace; a test compares them with the catalogue."""


class Query(t.NamedTuple):
    """One expression and what its series are called."""

    expression: str
    legend: str


class Look(t.NamedTuple):
    """What all kinds of panels have."""

    title: str
    text: str
    empty: str
    unit: str = "short"
    span: int = 12
    height: int = 8
    steps: tuple[Step, ...] = ()
    words: tuple[tuple[float, str, str], ...] = ()
    """Value, word, colour (empty: that of the series): what is shown instead of a number."""
    runbooks: tuple[str, ...] = ()
    """Alerts whose pages the panel links to."""
    decimals: int | None = None
    nothing: str = ""
    """Shown instead of `No data`."""


def small(
    title: str,
    text: str,
    empty: str,
    unit: str = "short",
    *,
    steps: tuple[Step, ...],
    words: tuple[tuple[float, str, str], ...] = (),
    runbooks: tuple[str, ...] = (),
    nothing: str = "",
) -> Look:
    """Return the looks of one number, six of which lie side by side."""
    return Look(title, text, empty, unit, 4, 4, steps, words, runbooks, None, nothing)


def targets(queries: t.Sequence[Query], *, instant: bool, form: PromQueryFormat | None = None) -> list[t.Any]:
    """Return the queries with letters for names; `instant`: of now only."""
    made = []
    for number, query in enumerate(queries):
        target = prometheus.Dataquery().ref_id(chr(ord("A") + number)).datasource(SOURCE)
        target.expr(query.expression).legend_format(query.legend)
        if form is not None:
            target.format(form)
        elif not instant and any(name in query.expression for name in EXEMPLARS):
            target.exemplar(True)
        made.append((target.instant() if instant else target.range()).build())
    return made


def finish(panel: Builder[Panel], look: Look, targets: list[t.Any], names: t.Iterable[str] = ()) -> Panel:
    """Return the panel with its title, description, size, unit, colours and queries."""
    made = panel.build()
    made.title, made.description = look.title, _description(look)
    made.grid_pos = dashboard.GridPos(h=look.height, w=look.span)
    made.datasource, made.targets = SOURCE, targets
    made.links = [runbook(name) for name in look.runbooks] or None
    config = made.field_config = made.field_config or dashboard.FieldConfigSource()
    config.defaults = config.defaults or dashboard.FieldConfig()
    config.defaults.unit, config.defaults.decimals = look.unit, look.decimals
    config.defaults.no_value = look.nothing or None
    if look.steps:
        config.defaults.thresholds = thresholds(look.steps)
        config.defaults.color = dashboard.FieldColor(mode=dashboard.FieldColorModeId.THRESHOLDS)
    config.defaults.mappings = [mapping(look.words)] if look.words else None
    config.overrides += [_coloured(name) for name in names]
    return made


def _description(look: Look) -> str:
    return f"{look.text} Never empty." if look.empty == NEVER else f"{look.text} Empty: {look.empty}."


def thresholds(steps: t.Iterable[Step]) -> dashboard.ThresholdsConfig:
    """Return colours by value."""
    made = [dashboard.Threshold(value=value, color=colour) for value, colour in steps]
    return dashboard.ThresholdsConfig(mode=dashboard.ThresholdsMode.ABSOLUTE, steps=made)


def mapping(words: t.Iterable[tuple[float, str, str]]) -> dashboard.ValueMap:
    """Return words instead of numbers."""
    results = {
        f"{value:g}": dashboard.ValueMappingResult(text=word, color=colour or None, index=index)
        for index, (value, word, colour) in enumerate(words)
    }
    return dashboard.ValueMap(options=results)


def word_colours(words: t.Iterable[str]) -> dashboard.ValueMap:
    """Return the colours of words that stand in a table."""
    results = {word: dashboard.ValueMappingResult(color=COLOURS[word], index=n) for n, word in enumerate(words)}
    return dashboard.ValueMap(options=results)


def override(name: str, **properties: t.Any) -> dashboard.DashboardFieldConfigSourceOverrides:
    """Return the looks of one field; `custom_` in a name becomes ``custom.``."""
    values = [dashboard.DynamicConfigValue(id_val=k.replace("_", "."), value=v) for k, v in properties.items()]
    return dashboard.DashboardFieldConfigSourceOverrides(
        matcher=dashboard.MatcherConfig(id_val="byName", options=name), properties=values
    )


def _coloured(name: str) -> dashboard.DashboardFieldConfigSourceOverrides:
    return override(name, color={"mode": "fixed", "fixedColor": COLOURS[name]})


def stat(look: Look, expression: str, *, legend: str = "", words: str = "") -> Panel:
    """Return one number with a background that says good or bad; with `words` the legend, these in their colours."""
    made = (
        stats.Panel()
        .graph_mode(kinds.BigValueGraphMode.NONE)
        .color_mode(kinds.BigValueColorMode.BACKGROUND_SOLID if look.steps != PLAIN else kinds.BigValueColorMode.VALUE)
        .text_mode(kinds.BigValueTextMode.NAME if words else kinds.BigValueTextMode.VALUE)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    )
    return finish(made, look, targets([Query(expression, legend or look.title)], instant=True), words.split())


def lines(look: Look, *queries: Query, stack: bool = False, bars: bool = False, names: str = "") -> Panel:
    """Return lines over time; `stack` piles them up, `bars` draws counts; `names`: words that have their colours."""
    made = (
        timeseries.Panel()
        .draw_style(kinds.GraphDrawStyle.BARS if bars else kinds.GraphDrawStyle.LINE)
        .line_width(1)
        .fill_opacity(60 if bars else 10)
        .show_points(kinds.VisibilityMode.NEVER)
        .legend(
            common.VizLegendOptions()
            .show_legend(True)
            .display_mode(kinds.LegendDisplayMode.LIST)
            .placement(kinds.LegendPlacement.BOTTOM)
        )
        .tooltip(common.VizTooltipOptions().mode(kinds.TooltipDisplayMode.MULTI).sort(kinds.SortOrder.DESCENDING))
        .min(0)
    )
    if stack:
        made.stacking(common.StackingConfig().mode(kinds.StackingMode.NORMAL))
    if look.steps:
        made.thresholds_style(common.GraphThresholdsStyleConfig().mode(kinds.GraphThresholdsStyleMode.DASHED))
    panel = finish(made, look, targets(queries, instant=False), names.split())
    if look.steps and panel.field_config and panel.field_config.defaults:
        panel.field_config.defaults.color = dashboard.FieldColor(mode=dashboard.FieldColorModeId.PALETTE_CLASSIC)
    return panel


def timeline(look: Look, *queries: Query, shades: t.Sequence[tuple[str, str]] = ()) -> Panel:
    """Return one bar per series that changes its colour with the state; `shades`: pattern of a name, its colour."""
    made = (
        statetimeline.Panel()
        .merge_values(True)
        .show_value(kinds.VisibilityMode.AUTO)
        .row_height(0.8)
        .legend(common.VizLegendOptions().show_legend(False).placement(kinds.LegendPlacement.BOTTOM))
    )
    for pattern, colour in shades:
        fixed = dashboard.DynamicConfigValue(id_val="color", value={"mode": "fixed", "fixedColor": colour})
        made.override_by_regexp(f"/{pattern}/", [fixed])
    return finish(made, look, targets(queries, instant=False))


def pie(look: Look, query: Query, names: str) -> Panel:
    """Return the parts of a whole, each word in its colour."""
    made = (
        piechart.Panel()
        .pie_type(PieChartType.DONUT)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .legend(
            piechart.PieChartLegendOptions()
            .show_legend(True)
            .display_mode(kinds.LegendDisplayMode.TABLE)
            .placement(kinds.LegendPlacement.RIGHT)
            .values([PieChartLegendValues.VALUE])
        )
    )
    return finish(made, look, targets([query], instant=True), names.split())


def ranking(look: Look, *queries: Query) -> Panel:
    """Return a horizontal bar per series."""
    made = (
        bargauge.Panel()
        .orientation(kinds.VizOrientation.HORIZONTAL)
        .display_mode(kinds.BarGaugeDisplayMode.BASIC)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .min(0)
    )
    return finish(made, look, targets(queries, instant=True))


def heat(look: Look, expression: str, unit: str = "s") -> Panel:
    """Return how many fell into each bucket over time; `unit` is that of the buckets."""
    made = heatmap.Panel().calculate(False).cell_gap(1).color(_scheme()).y_axis(_axis(unit))
    return finish(made, look, targets([Query(expression, "{{le}}")], instant=False, form=PromQueryFormat.HEATMAP))


def _scheme() -> Builder[t.Any]:
    return heatmap.HeatmapColorOptions().mode(HeatmapColorMode.SCHEME).scheme("Oranges").steps(64)


def _axis(unit: str) -> Builder[t.Any]:
    return heatmap.YAxisConfig().unit(unit).axis_placement(kinds.AxisPlacement.LEFT)


def row(title: str) -> dashboard.RowPanel:
    """Return a heading."""
    return build.Row(title).build()
