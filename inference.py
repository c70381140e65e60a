"""Films that go with a film, from the trained checkpoint alone.

python inference.py --data_dir data/ml-25m --movie_id 1 --num_recommendations 10
python inference.py --title "toy story"
"""

from commands.entry import main_inference as main

if __name__ == "__main__":
    raise SystemExit(main())
