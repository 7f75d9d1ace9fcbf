"""Policy unit tests: files that name a policy, an instant and cases, and what each case must answer.

`load` reads a file, `run` asks its cases, `report` and `junit` say what came of it, `coverage` what no case decided.
Only lynceus.commands.policy calls this. Nothing here looks at a clock: every instant stands in the file.
"""
