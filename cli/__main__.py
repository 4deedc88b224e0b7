"""`python -m cli`: the `roadmap` command where no script is installed."""

from roadmap_start.command import main

if __name__ == "__main__":
    main()
