"""Train, evaluate, compare, take apart and use PinSage film embeddings.

python main.py --mode inspect   --data_dir data/ml-25m
python main.py --mode train     --data_dir data/ml-25m
python main.py --mode evaluate  --data_dir data/ml-25m --checkpoint_dir checkpoints
python main.py --mode inference --data_dir data/ml-25m --movie_id 1 --num_recommendations 10
python main.py --mode benchmark  --data_dir data/ml-100k --num_seeds 3
python main.py --mode cold_start --data_dir data/ml-100k
python main.py --mode prepare   --data_dir data/synthetic-250m --work_dir work
python main.py --mode embed     --work_dir work --checkpoint_dir checkpoints
python main.py --mode recommend_all --work_dir work --num_recommendations 20
python main.py --mode export    --output_dir output
python main.py --mode serve     --port 8000
"""

from commands.entry import main_modes as main

if __name__ == "__main__":
    raise SystemExit(main())
