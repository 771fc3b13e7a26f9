"""``python -m pyjib`` is ``pyjib``."""

from pyjib.cli import main

if __name__ == "__main__":
    main()
