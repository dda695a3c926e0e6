"""The checks of `nescord doctor`, one module per subject."""
