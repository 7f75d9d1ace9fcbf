"""POST /api/webhook: what Git servers push, from the socket to the refresh.

`receive` reads and answers, `providers` tells who sent it and whether it is true, `payloads` makes a Push of it,
`matching` and `paths` say which Applications it concerns, `dispatch` merges pushes and asks for the refreshes. A push
is a hint and no source: what is deployed is read from Git, so that the worst a forged one can do is a needless look.
"""
