"""The checks of `nescord doctor`, a module for each subject."""
