"""`python -m nescord_cli` is `nescord`."""

from nescord_cli.app import main

if __name__ == "__main__":
    main()
