"""The Grafana boards as typed code: ``python -m dashboards.boards`` writes the JSON files that lie in ``dashboards``.

Only for those who change a board: grafana-foundation-sdk, on which it stands, belongs to the group of the tests, and
nothing that Lynceus does at run time imports this package. One module a board; what the boards share (expressions,
panels, variables, marks, links) has a module of its own. A test compares what is written with what is kept.
"""

import warnings

with warnings.catch_warnings():
    # The SDK would rather have its second format, which sidecars and Grafana before 12 do not read.
    warnings.simplefilter("ignore", DeprecationWarning)
    import grafana_foundation_sdk.builders.dashboard
    import grafana_foundation_sdk.builders.dashboardv2beta1
    import grafana_foundation_sdk.models.dashboard  # noqa: F401
