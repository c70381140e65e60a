"""The whole road in one command: download, train, evaluate, draw, recommend.

python run.py
python run.py --dataset ml-1m
"""

from commands.entry import main_everything as main

if __name__ == "__main__":
    raise SystemExit(main())
