"""`python -m cli`: the `roadmap` command where no script is installed."""

from cli.main import main

if __name__ == "__main__":
    main()
