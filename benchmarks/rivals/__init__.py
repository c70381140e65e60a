"""PinSage beside two neural recommenders, SASRec and LightGCN, by the project's own protocols."""
