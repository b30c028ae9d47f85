"""Real data as problems: rows, features, and the data sets of the extra [data]."""

from .validation.data import data_problem as data_problem
from .validation.data import load_digits as load_digits
from .validation.data import load_mnist as load_mnist
from .validation.data import pixel_features as pixel_features
from .validation.data import problem_from_rows as problem_from_rows
from .validation.data import relu_features as relu_features
