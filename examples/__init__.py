"""The demo's input: three small applications, an AppProject, its policy; shipped so that `lynceus demo` works from a wheel."""
