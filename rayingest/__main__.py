"""`python -m rayingest` is the program `rayingest`."""

from rayingest.cli import main

if __name__ == "__main__":
    main()
