"""python -m mora_bench"""

from mora_bench.cli.main import main

if __name__ == "__main__":
    raise SystemExit(main())
