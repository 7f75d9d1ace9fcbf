"""The demo's input: three small applications, an AppProject, its policy; shipped so that the demo runs from a wheel."""
