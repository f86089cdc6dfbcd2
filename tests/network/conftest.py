import torch

torch.set_num_threads(1)  # small tensors, and other tests may run beside
