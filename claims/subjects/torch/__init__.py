"""PyTorch behind the slots' names: NumPy in and out, gradients by autograd, its own operators and nothing of ours.

A slot that the library has no operator for is left out, and not judged.  What the library computes
in another convention is translated only in its arguments: layouts, and names of options.
"""

import torch

from claims.subjects.torch.functions import *  # noqa: F403 - a subject is the names of its functions
from claims.subjects.torch.networks import *  # noqa: F403 - a subject is the names of its functions
from claims.subjects.torch.training import *  # noqa: F403 - a subject is the names of its functions

torch.set_num_threads(1)  # so small are the arrays that a second thread only costs
