"""What the repository promises about itself: sizes, imports, packages, documents."""
