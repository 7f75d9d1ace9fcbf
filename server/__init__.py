"""HTTP: metrics, probes and the API. It decides nothing (policy does), keeps nothing (the loop does), denies at first.

`lynceus.wiring` hands everything over as `Parts`; `server.app.create_app` makes the ASGI application of them and
`server.run.Server` serves it from a thread.
"""
