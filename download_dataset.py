"""Get a dataset into ``data/<dataset>/``: ratings.csv (or its parts) and movies.csv, whatever the source.

python download_dataset.py                                  # ml-100k
python download_dataset.py --dataset ml-25m
python download_dataset.py --dataset ml-1m --archive ml-1m.zip
python download_dataset.py --dataset synthetic --scale 25m
python download_dataset.py --dataset synthetic --scale 250m
"""

from commands.download import main

if __name__ == "__main__":
    raise SystemExit(main())
