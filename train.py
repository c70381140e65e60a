"""Train PinSage on a MovieLens folder.

python train.py --data_dir data/ml-25m --batch_size 512 --epochs 10 --lr 0.001
python train.py --data_dir data/ml-25m --resume
"""

from commands.entry import main_train as main

if __name__ == "__main__":
    raise SystemExit(main())
